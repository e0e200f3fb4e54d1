/** What the pages for web developers ask the gateway. */
import { ApiError } from "../api.js";
/** @import { EmbedFacts, OpenApi } from "./types.js" */

const ANSWER_MS = 15_000;

/** The description of the API. @returns {Promise<OpenApi>} */
export function openapi() {
  return ask("/api/v1/openapi.json", "");
}

/**
 * What a website needs to show a building; for staff.
 * @param {string} site @param {string} key the staff key, "" for who has signed in by name
 * @returns {Promise<EmbedFacts>}
 */
export function embedFacts(site, key) {
  return ask(`/api/v1/sites/${encodeURIComponent(site)}/embed`, key);
}

/** @param {string} path @param {string} key */
async function ask(path, key) {
  const deadline = new AbortController();
  setTimeout(() => deadline.abort(), ANSWER_MS);
  /** @type {RequestInit} */
  const options = { credentials: "same-origin", signal: deadline.signal };
  if (key) options.headers = { Authorization: `Bearer ${key}` };
  const answer = await fetch(path, options).catch((error) => {
    throw new ApiError(0, "network", String(error));
  });
  if (!answer.ok) throw new ApiError(answer.status, "refused");
  return answer.json();
}
