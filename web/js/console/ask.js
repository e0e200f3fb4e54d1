/** Asks once more before something that somebody would miss. */
import { element } from "../element.js";
/** @import { Words } from "../i18n.js" */

/**
 * @param {Words} words @param {{question: string, note: string, yes: string}} about
 * @returns {Promise<boolean>}
 */
export function ask(words, { question, note, yes }) {
  return new Promise((resolve) => {
    const dialog = element("dialog", { "aria-labelledby": "question", "aria-describedby": "note" });
    const no = element("button", { class: "act", value: "no", autofocus: true }, words.text("cancel"));
    const form = element("form", { method: "dialog", class: "fields" });
    form.append(element("h2", { id: "question" }, question), element("p", { id: "note" }, note));
    form.append(element("div", { class: "acts" }, element("button", { class: "main-act danger", value: "yes" }, yes), no));
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
