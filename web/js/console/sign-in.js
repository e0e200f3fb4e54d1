/** The way in: asks for the staff key until the gateway takes it. */
import { Api, ApiError } from "../api.js";
import { element } from "../element.js";
import { showMain } from "../page.js";
/** @import { Words } from "../i18n.js" */
/** @import { StaffSite } from "./types.js" */

/**
 * Show the form. @param {Words} words @param {string} notice why one is asked again, "" at first
 * @returns {Promise<string>} a key that opens the console
 */
export function askForKey(words, notice) {
  return new Promise((resolve) => {
    const field = element("input", {
      id: "key",
      type: "password",
      autocomplete: "current-password",
      required: true,
      "aria-describedby": "key-hint key-said",
    });
    // The browser's password keeper wants a name beside a password.
    const user = element("input", { type: "text", autocomplete: "username", value: "staff", hidden: true });
    const said = element("p", { id: "key-said", class: "said", role: "alert" }, notice);
    const enter = element("button", { class: "main-act", type: "submit" }, words.text("console.enter"));
    const form = element(
      "form",
      { class: "sign-in" },
      element("h2", {}, words.text("console.signin")),
      element("label", { for: "key" }, words.text("console.key")),
      user,
      field,
      element("p", { id: "key-hint", class: "hint" }, words.text("console.key.hint")),
      said,
      enter,
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      enter.disabled = true;
      said.textContent = "";
      const refusal = await refusalOf(field.value.trim(), words);
      enter.disabled = false;
      if (!refusal) {
        resolve(field.value.trim());
        return;
      }
      said.textContent = refusal;
      field.setAttribute("aria-invalid", "true");
      field.select();
      field.focus();
    });
    showMain(form);
    field.focus();
  });
}

/** Why a key does not open the console, "" when it does. @param {string} key @param {Words} words */
async function refusalOf(key, words) {
  try {
    return (await isStaff(new Api({ ticket: key }))) ? "" : words.text("console.key.ticket");
  } catch (error) {
    const { status } = error instanceof ApiError ? error : { status: 0 };
    if (status === 401 || status === 403) return words.text("console.key.wrong");
    return words.text(status === 429 ? "console.key.often" : "console.nobody");
  }
}

/** A resident's ticket opens buildings too, but tells nothing of their servers. @param {Api} api */
async function isStaff(api) {
  const [first] = await api.sites();
  if (!first) return true;
  const site = /** @type {StaffSite} */ (await api.site(first.id));
  return site.servers !== undefined;
}
