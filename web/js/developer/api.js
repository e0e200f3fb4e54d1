/** What the pages for web developers ask the gateway. */
import { Api } from "../api.js";
/** @import { EmbedFacts, OpenApi } from "./types.js" */

class DeveloperApi extends Api {
  /** @param {string} path */
  async json(path) {
    return (await this.ask(path)).json();
  }
}

/** The description of the API. @returns {Promise<OpenApi>} */
export function openapi() {
  return new DeveloperApi().json("api/v1/openapi.json");
}

/**
 * What a website needs to show a building; for staff.
 * @param {string} site @param {string} key the staff key, "" for who has signed in by name
 * @returns {Promise<EmbedFacts>}
 */
export function embedFacts(site, key) {
  const api = new DeveloperApi({ ticket: key, credentials: "same-origin" });
  return api.json(`api/v1/sites/${encodeURIComponent(site)}/embed`);
}
