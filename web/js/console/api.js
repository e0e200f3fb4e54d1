/**
 * The gateway as staff sees it: what residents may ask, asked by somebody who has signed in, and the changes.
 *
 * Who signed in by name is known by a cookie, and every change then carries the session's token; a staff key is sent
 * with each request instead.
 */
import { Api, ApiError, eventParser, iceServers } from "../api.js";
/** @import { Play, ServerEvent, Wish } from "../types.js" */
/** @import { Changed, Manner, NewCamera, PastView, Refusal, Registered, Survey, Who } from "./types.js" */

const ANSWER_MS = 20_000;
// A registration waits for the camera's first video.
const REGISTER_MS = 75_000;
const EVENTS_SILENT_MS = 40_000;

/** A request that was refused; `hint` says what to do next. */
export class StaffError extends ApiError {
  /** @param {number} status @param {Refusal} problem @param {number} [retryAfter] seconds */
  constructor(status, { kind = "", detail = "", hint = "", reason = "" }, retryAfter = 0) {
    super(status, kind, detail);
    this.hint = hint;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

export class StaffApi extends Api {
  #key;
  #csrf = "";

  /** @param {string} key "" for who has signed in by name, or has still to */
  constructor(key) {
    super({ ticket: key });
    this.#key = key;
  }

  /** Who is asking; what follows is asked in the session's name. @returns {Promise<Who>} */
  async whoAmI() {
    return this.#known(await this.#json("api/v1/session"));
  }

  /** @param {string} name @param {string} password @returns {Promise<Who>} */
  async signIn(name, password) {
    return this.#known(await this.#json("api/v1/session", { method: "POST", body: { name, password } }));
  }

  async signOut() {
    await this.#ask("api/v1/session", { method: "DELETE" });
  }

  /** @override */
  async sites() {
    return (await this.#json("api/v1/sites")).sites;
  }

  /** @override @param {string} site */
  site(site) {
    return this.#json(path(site));
  }

  /** @override @param {string} where */
  async poster(where) {
    return (await this.#ask(where)).blob();
  }

  /** @override @param {Wish} wish @param {string} offer @param {AbortSignal} signal @returns {Promise<Play>} */
  async play({ site, camera, low }, offer, signal) {
    const where = `whep/${encodeURIComponent(site)}/${encodeURIComponent(camera)}${low ? "?low=1" : ""}`;
    const answer = await this.#ask(where, { method: "POST", body: offer, type: "application/sdp", signal });
    const place = answer.headers.get("Location");
    if (!place) throw new StaffError(answer.status, { detail: "The answer names no Location" });
    return {
      answer: await answer.text(),
      location: new URL(place, answer.url).href,
      iceServers: iceServers(answer.headers.get("Link") ?? ""),
    };
  }

  /** @override @param {Wish} wish @param {string} place */
  async ending({ site, camera }, place) {
    const where = `${path(site, camera)}/plays/${place.split("/").at(-1)}`;
    const { reason = "" } = await this.#json(where).catch(() => ({}));
    return String(reason);
  }

  /** @override @param {string} where */
  async hangUp(where) {
    await this.#ask(where, { method: "DELETE", keepalive: true }).catch(() => {});
  }

  /** @override @param {string} site @param {(event: ServerEvent) => void} listener @param {AbortSignal} signal */
  async events(site, listener, signal) {
    await this.#stream(`api/v1/events${site ? `?site=${encodeURIComponent(site)}` : ""}`, listener, signal);
    throw new StaffError(0, { kind: "network" });
  }

  /** The survey that runs or has run last at a building. @param {string} site @returns {Promise<Survey|null>} */
  async lastSurvey(site) {
    return (await this.#json(`${path(site)}/surveys`)).survey;
  }

  /**
   * Begin to look for cameras, everywhere or at some addresses.
   * @param {string} site @param {string[]} targets @returns {Promise<Survey>}
   */
  startSurvey(site, targets) {
    return this.#json(`${path(site)}/surveys`, { method: "POST", body: targets.length > 0 ? { targets } : {} });
  }

  /** @param {string} site @param {string} survey */
  async cancelSurvey(site, survey) {
    await this.#ask(`${path(site)}/surveys/${survey}`, { method: "DELETE" });
  }

  /**
   * Every step of a survey; comes back when it is over.
   * @param {string} site @param {string} survey @param {(event: ServerEvent) => void} listener
   * @param {AbortSignal} signal
   */
  async followSurvey(site, survey, listener, signal) {
    await this.#stream(`${path(site)}/surveys/${survey}/events`, listener, signal);
  }

  /** @param {string} site @param {NewCamera} camera @returns {Promise<Registered>} */
  register(site, camera) {
    return this.#json(`${path(site)}/cameras`, { method: "POST", body: camera, patience: REGISTER_MS });
  }

  /**
   * Put another device in a camera's place.
   * @param {string} site @param {string} camera @param {Partial<NewCamera>} device @returns {Promise<Registered>}
   */
  replace(site, camera, device) {
    return this.#json(`${path(site, camera)}/replace`, { method: "POST", body: device, patience: REGISTER_MS });
  }

  /**
   * @param {string} site @param {string} camera @param {{name?: Record<string, string>, enabled?: boolean}} change
   * @returns {Promise<Changed>}
   */
  change(site, camera, change) {
    return this.#json(path(site, camera), { method: "PATCH", body: change });
  }

  /** @param {string} site @param {string} camera */
  async remove(site, camera) {
    await this.#ask(path(site, camera), { method: "DELETE" });
  }

  /** The acceptance record as a page to print. @param {string} site @param {string} camera @param {string} language */
  async record(site, camera, language) {
    return (await this.#ask(`${path(site, camera)}/record?format=html&lang=${language}`)).blob();
  }

  /** Who watched, newest first, for administrators. @param {string} site @returns {Promise<PastView[]>} */
  async audit(site) {
    return (await this.#json(`api/v1/audit?site=${encodeURIComponent(site)}&limit=100`)).views;
  }

  /** @param {Who} who */
  #known(who) {
    this.#csrf = who.csrf_token ?? "";
    return who;
  }

  /** @param {string} where @param {Manner} [manner] */
  async #json(where, manner) {
    return (await this.#ask(where, manner)).json();
  }

  /**
   * Read events until the stream ends.
   * @param {string} where @param {(event: ServerEvent) => void} listener @param {AbortSignal} signal
   */
  async #stream(where, listener, signal) {
    const silence = new AbortController();
    signal.addEventListener("abort", () => silence.abort(), { once: true, signal: silence.signal });
    let timer = setTimeout(() => silence.abort(), EVENTS_SILENT_MS);
    try {
      const answer = await this.#ask(where, { signal: silence.signal, endless: true });
      listener({ name: "open", data: null });
      const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
      const parse = eventParser(listener);
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), EVENTS_SILENT_MS);
        parse(decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      throw error instanceof ApiError ? error : new StaffError(0, { kind: "network", detail: String(error) });
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {string} where @param {Manner} [manner] */
  async #ask(where, manner = {}) {
    const { method = "GET", body, type = "application/json", patience = ANSWER_MS } = manner;
    const { endless, keepalive = false, signal } = manner;
    const headers = new Headers();
    if (this.#key) headers.set("Authorization", `Bearer ${this.#key}`);
    if (this.#csrf && method !== "GET") headers.set("X-CSRF-Token", this.#csrf);
    if (body !== undefined) headers.set("Content-Type", type);
    const deadline = new AbortController();
    if (signal?.aborted) deadline.abort();
    signal?.addEventListener("abort", () => deadline.abort(), { once: true, signal: deadline.signal });
    if (!endless) setTimeout(() => deadline.abort(), patience);
    /** @type {RequestInit} */
    const options = { method, headers, keepalive, credentials: "same-origin", signal: deadline.signal };
    if (body !== undefined) options.body = typeof body === "string" ? body : JSON.stringify(body);
    /** @type {Response} */
    let answer;
    try {
      answer = await fetch(new URL(where, location.origin), options);
    } catch (error) {
      throw new StaffError(0, { kind: "network", detail: String(error) });
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    throw new StaffError(answer.status, problem, Number(answer.headers.get("Retry-After")) || 0);
  }
}

/** @param {string} site @param {string} [camera] */
function path(site, camera) {
  const building = `api/v1/sites/${encodeURIComponent(site)}`;
  return camera === undefined ? building : `${building}/cameras/${encodeURIComponent(camera)}`;
}
