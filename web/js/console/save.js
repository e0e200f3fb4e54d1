/** Lets the browser save what was fetched: a link cannot carry the staff key. */
import { element } from "../element.js";

// A browser that saves a file has read it long before.
const KEPT_MS = 60_000;

/** @param {Blob} blob @param {string} name */
export function saveAs(blob, name) {
  const href = URL.createObjectURL(blob);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
}
