/**
 * The gateway as a building's page sees it: what the page carried along or asked for ahead is not asked for again.
 */
import { Api } from "./api.js";
/** @import { Site } from "./types.js" */

export class PageApi extends Api {
  /** @type {Map<string, Promise<Site>>} */
  #ahead = new Map();

  /** A building that is asked for before anybody can show it saves a round trip. @param {string} site */
  askAhead(site) {
    const asked = this.site(site);
    asked.catch(() => {});
    this.#ahead.set(site, asked);
  }

  /** @override @param {string} site @returns {Promise<Site>} */
  async site(site) {
    const asked = this.#ahead.get(site);
    this.#ahead.delete(site);
    if (asked) return asked;
    // What everybody is told need not be what the holder of a ticket is told.
    return (this.ticket === "" && carried("site", site)) || super.site(site);
  }

  /** @override @param {string} name @returns {Promise<Record<string, string>>} */
  async texts(name) {
    return carried("texts", name) ?? super.texts(name);
  }
}

/** What the page carried along; only once, because later it is the past. @param {string} kind @param {string} name */
function carried(kind, name) {
  /** @type {HTMLScriptElement|null} */
  const block = document.querySelector(`script[data-${kind}]`);
  if (block?.dataset[kind] !== name) return null;
  block.remove();
  return JSON.parse(block.text);
}
