/** Asks once more before something that somebody would miss. */
import { element } from "../element.js";
/** @import { Words } from "../i18n.js" */
/** @import { Question } from "./types.js" */

/**
 * With `typed` the answer counts only when that text has been written.
 * @param {Words} words @param {Question} question @returns {Promise<boolean>}
 */
export function ask(words, { question, notes, yes, typed = "" }) {
  return new Promise((resolve) => {
    const dialog = element("dialog", { "aria-labelledby": "question", "aria-describedby": "notes" });
    const go = element("button", { class: "main-act danger", value: "yes" }, yes);
    const no = element("button", { class: "act", value: "no", formnovalidate: true, autofocus: !typed }, words.text("cancel"));
    const form = element("form", { method: "dialog", class: "fields" });
    form.append(element("h2", { id: "question" }, question), element("div", { id: "notes", class: "notes" }, ...notes));
    if (typed) form.append(...confirmation(words, typed, go));
    form.append(element("div", { class: "acts" }, go, no));
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** @param {Words} words @param {string} typed @param {HTMLButtonElement} go */
function confirmation(words, typed, go) {
  const field = element("input", { id: "typed", autocomplete: "off", autocapitalize: "none", spellcheck: "false", autofocus: true });
  go.disabled = true;
  field.addEventListener("input", () => (go.disabled = field.value.trim() !== typed));
  return [element("label", { for: field.id }, words.text("confirm.type", { text: typed })), field];
}
