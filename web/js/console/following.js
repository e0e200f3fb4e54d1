/** Follows a survey to its end, and comes back to it when the connection is lost. */
import { ApiError } from "../api.js";
/** @import { ServerEvent } from "../types.js" */
/** @import { StaffApi } from "./api.js" */
/** @import { Sighting, Survey } from "./types.js" */

// Between two tries to hear a survey again.
const AGAIN_MS = 1_500;

/**
 * @typedef {{sighting: (sighting: Sighting) => void, failed: (error: unknown) => void,
 *   progress: (survey: Pick<Survey, "state"|"reason"|"code"|"progress">) => void}} FollowingHooks
 */

export class Following {
  #api;
  #site;
  #hooks;
  #reading = new AbortController();

  /** @param {StaffApi} api @param {string} site @param {FollowingHooks} hooks */
  constructor(api, site, hooks) {
    this.#api = api;
    this.#site = site;
    this.#hooks = hooks;
  }

  /** Tell what a survey has come to, and go on with it while it runs. @param {Survey} survey */
  take(survey) {
    for (const sighting of survey.sightings) this.#hooks.sighting(sighting);
    this.#hooks.progress(survey);
    if (survey.state !== "running") return;
    this.#reading.abort();
    this.#reading = new AbortController();
    void this.#follow(survey.id, this.#reading.signal);
  }

  close() {
    this.#reading.abort();
  }

  /** @param {string} survey @param {AbortSignal} signal */
  async #follow(survey, signal) {
    try {
      await this.#api.followSurvey(this.#site, survey, (event) => this.#heard(event), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status >= 400) {
        this.#hooks.failed(error);
        return;
      }
      await new Promise((wake) => setTimeout(wake, AGAIN_MS));
    }
    if (signal.aborted) return;
    const now = await this.#api.lastSurvey(this.#site).catch(() => null);
    if (signal.aborted) return;
    if (now) this.take(now);
    else void this.#follow(survey, signal);
  }

  /** @param {ServerEvent} event */
  #heard({ name, data }) {
    if (name === "open") return;
    if (data.sighting) this.#hooks.sighting(data.sighting);
    const state = name === "finished" ? data.state : "running";
    this.#hooks.progress({ state, reason: data.reason ?? "", code: data.code ?? "", progress: data.progress });
  }
}
