/** Does one thing at a time in a form: its buttons rest meanwhile, and what went wrong is said. */
import { sayError } from "./told.js";
/** @import { Words } from "../i18n.js" */

/**
 * @param {Words} words @param {HTMLElement} place whose buttons rest @param {HTMLElement} said
 * @param {() => Promise<unknown>} work
 */
export async function doing(words, place, said, work) {
  const buttons = [...place.querySelectorAll("button")].filter((button) => !button.disabled);
  const hand = /** @type {HTMLElement|null} */ (document.activeElement);
  said.textContent = "";
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } catch (error) {
    said.textContent = sayError(words, error);
  }
  for (const button of buttons) button.disabled = false;
  // A button that was out of use has lost the keyboard's hand.
  if (document.activeElement === document.body) hand?.focus();
}
