/** The gateway and the words of an element that nobody has given any: its attributes and the page around it tell. */
import { Api } from "../api.js";
import { languageAt, Words } from "../i18n.js";

/**
 * A page's scripts may have set `ticketProvider` before the element was defined, so it is read where it stands.
 * @param {HTMLElement & {ticketProvider?: () => Promise<string>|string}} element
 */
export function apiOf(element) {
  const gateway = element.getAttribute("gateway");
  return new Api({
    ...(gateway && { base: new URL("/", gateway).href }),
    ticket: element.getAttribute("ticket") ?? "",
    provider: () => element.ticketProvider?.() ?? "",
  });
}

/** @param {HTMLElement} element @param {Api} api */
export function wordsOf(element, api) {
  return Words.load(api, languageAt(element), "resident.");
}
