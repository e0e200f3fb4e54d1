/** The acceptance record of a camera, for paper. */
import { ApiError } from "../api.js";
import { element } from "../element.js";
import { sayError } from "./sayings.js";
/** @import { Words } from "../i18n.js" */
/** @import { StaffApi } from "./api.js" */

// A browser that saves a file has read it long before.
const KEPT_MS = 60_000;

/**
 * A button that saves the record; it says so when there is none.
 * @param {{api: StaffApi, words: Words}} parts @param {string} site @param {string} camera
 */
export function offerRecord({ api, words }, site, camera) {
  const button = element("button", { class: "act", type: "button" }, words.text("record"));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      save(await api.record(site, camera, words.language), `${site}-${camera}.html`);
    } catch (error) {
      const none = error instanceof ApiError && error.status === 404;
      const said = none ? words.text("record.none") : sayError(words, error);
      button.parentElement?.append(element("p", { class: "said", role: "alert" }, said));
    }
    button.disabled = false;
  });
  return button;
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const href = URL.createObjectURL(blob);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
}
