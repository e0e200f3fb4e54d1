/** The acceptance record of a camera, for paper. */
import { ApiError } from "../api.js";
import { element } from "../element.js";
import { recordPath } from "./api.js";
import { saveAs } from "./save.js";
import { sayError } from "./told.js";
/** @import { Words } from "../i18n.js" */
/** @import { StaffApi } from "./api.js" */

/**
 * Opens the record as a page to print, or saves it where links are not believed; says so when there is none.
 * @param {{api: StaffApi, words: Words}} parts @param {string} site @param {string} camera
 */
export function offerRecord({ api, words }, site, camera) {
  const button = element("button", { class: "act", type: "button" }, words.text("record"));
  const said = element("p", { class: "said", role: "alert" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.remove();
    // Opened at once: a browser takes what opens after an answer for an advertisement.
    const page = api.bySession ? window.open("", "_blank") : null;
    try {
      const record = await api.record(site, camera, words.language);
      if (page && !page.closed) page.location.replace(new URL(`${recordPath(site, camera, words.language)}&show=1`, location.origin));
      else saveAs(record, `${site}-${camera}.html`);
    } catch (error) {
      page?.close();
      const none = error instanceof ApiError && error.status === 404;
      said.textContent = none ? words.text("record.none") : sayError(words, error);
      button.parentElement?.append(said);
    }
    button.disabled = false;
  });
  return button;
}
