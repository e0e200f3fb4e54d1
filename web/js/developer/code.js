/** A piece of code with a button that copies it. */
import { element, icon } from "../element.js";
/** @import { Words } from "../i18n.js" */

const COPY = ["M9 9h10v11H9z", "M5 15V4h10"];
const DONE = ["m5 12.5 4.5 4.5L19 7.5"];
const TOLD_MS = 2_500;

/** @param {Words} words @param {string} text @param {string} what it is, for those who do not see it */
export function code(words, text, what) {
  const told = element("span", { class: "spoken", role: "status" });
  const button = element("button", { class: "copy", type: "button" });
  const rest = () => {
    button.replaceChildren(icon("", ...COPY), words.text("copy"));
    button.setAttribute("aria-label", `${words.text("copy")}: ${what}`);
  };
  button.addEventListener("click", async () => {
    const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    if (!copied) {
      // Without https there is no clipboard; a marked text is one key away from it.
      getSelection()?.selectAllChildren(shown);
      return;
    }
    button.replaceChildren(icon("", ...DONE), words.text("copied"));
    told.textContent = words.text("copied");
    setTimeout(() => {
      told.textContent = "";
      rest();
    }, TOLD_MS);
  });
  rest();
  const shown = element("code", {}, text);
  // Long lines scroll, and what scrolls must be reached by the keyboard.
  const pre = element("pre", { tabindex: "0", role: "group", "aria-label": what, translate: "no" }, shown);
  return element("div", { class: "code" }, pre, button, told);
}

/**
 * Buttons of which one is chosen. @template {string} Name
 * @param {string} what they choose @param {Record<Name, string>} names @param {(name: Name) => void} choose
 */
export function choice(what, names, choose) {
  const entries = /** @type {[Name, string][]} */ (Object.entries(names));
  const buttons = entries.map(([name, text]) => {
    const button = element("button", { type: "button", "aria-pressed": "false" }, text);
    button.addEventListener("click", () => {
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
      choose(name);
    });
    return button;
  });
  const group = element("div", { class: "choice", role: "group", "aria-label": what }, ...buttons);
  buttons[0]?.click();
  return group;
}
