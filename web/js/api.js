/**
 * The gateway as the page sees it, and the only caller of `fetch`.
 *
 * Events are read with `fetch` too (the format is the standard's text/event-stream): `EventSource` cannot carry the
 * ticket, hides the status code, and reconnects at a pace of its own.
 */
/** @import { Asking, Play, ServerEvent, Site, SiteSummary, Wish } from "./types.js" */

const ANSWER_MS = 15_000;
// The server sends a comment each 15 s: a stream that is silent for longer is a dead one.
const EVENTS_SILENT_MS = 40_000;

/** A request that did not give what it should. `status` 0 means that no answer came. */
export class ApiError extends Error {
  /** In seconds. */
  retryAfter = 0;
  /** What exactly it was, in one word, where the kind has several causes. */
  reason = "";
  /** The place in the line before a full building, counted from 1, 0 for none; and the token that keeps it. */
  place = 0;
  queue = "";
  /** What to do next, in the gateway's English. */
  hint = "";

  /** @param {number} status @param {string} kind @param {string} [detail] */
  constructor(status, kind, detail) {
    super(detail || kind);
    this.status = status;
    this.kind = kind;
  }
}

export class Api {
  #base;
  #credentials;
  #provider;
  /** @type {Promise<string>|null} */
  #renewing = null;

  /**
   * `base` is the gateway's address, this module's by default; `provider` gives a new ticket, or "" when it has none.
   * Cookies are sent for staff only: a website's players have none.
   * @param {{base?: string, ticket?: string, provider?: () => Promise<string>|string,
   *   credentials?: RequestCredentials}} [options]
   */
  constructor({ base = new URL("/", import.meta.url).href, ticket = "", provider = () => "", credentials = "omit" } = {}) {
    this.#base = base;
    this.#credentials = credentials;
    this.ticket = ticket;
    this.#provider = provider;
  }

  /** Ask the page for another ticket; tells whether there is one. @param {string} [used] the one that is no good */
  async renew(used = this.ticket) {
    if (this.ticket !== used) return true;
    this.#renewing ??= deadlined(Promise.resolve().then(this.#provider));
    const ticket = await this.#renewing.catch(() => "");
    this.#renewing = null;
    this.ticket = ticket || this.ticket;
    return this.ticket !== used;
  }

  /** @returns {Promise<SiteSummary[]>} */
  async sites() {
    const answer = await this.ask("api/v1/sites");
    return (await answer.json()).sites;
  }

  /** @param {string} site @returns {Promise<Site>} */
  async site(site) {
    return (await this.ask(`api/v1/sites/${encodeURIComponent(site)}`)).json();
  }

  /** Texts in one language, as in `resident.ru`. @param {string} name @returns {Promise<Record<string, string>>} */
  async texts(name) {
    const answer = await this.#fetch(new URL(`../i18n/${name}.json`, import.meta.url));
    return answer.json();
  }

  /** The last good picture. @param {string} path */
  async poster(path) {
    return (await this.ask(path)).blob();
  }

  /**
   * Offer to play a camera (WHEP).
   * @param {Wish} wish @param {string} offer @param {AbortSignal} signal
   * @returns {Promise<Play>}
   */
  async play({ site, camera, low, turn, moves }, offer, signal) {
    const query = new URLSearchParams();
    if (low) query.set("low", "1");
    if (turn.queue) query.set("queue", turn.queue);
    if (turn.tcp) query.set("transport", "tcp");
    if (moves) query.set("moves", moves);
    const path = `whep/${encodeURIComponent(site)}/${encodeURIComponent(camera)}?${query}`.replace(/\?$/, "");
    const headers = { "Content-Type": "application/sdp" };
    const answer = await this.ask(path, { method: "POST", body: offer, headers, signal });
    const location = answer.headers.get("Location");
    if (!location) throw new ApiError(answer.status, "internal", "The answer names no Location");
    return {
      answer: await answer.text(),
      location: new URL(location, answer.url).href,
      iceServers: iceServers(answer.headers.get("Link") ?? ""),
      askAfter: Number(answer.headers.get("Play-Ask-After")) || 0,
    };
  }

  /**
   * How a play fares. @param {Wish} wish @param {string} location
   * @returns {Promise<import("./types.js").PlayState>}
   */
  async playState({ site, camera }, location) {
    const play = location.split("/").at(-1);
    const path = `api/v1/sites/${encodeURIComponent(site)}/cameras/${encodeURIComponent(camera)}/plays/${play}`;
    const answer = await this.ask(path).then((found) => found.json()).catch(() => ({}));
    const { reason, move, ask_after: askAfter } = answer;
    return { reason: String(reason ?? ""), move: move === true, askAfter: Number(askAfter) || 0 };
  }

  /** Say how a play looked; nobody waits for an answer. @param {{site: string, camera: string}} wish @param {string} location @param {import("./types.js").Seen} seen */
  beacon({ site, camera }, location, seen) {
    const path = `api/v1/sites/${encodeURIComponent(site)}/cameras/${encodeURIComponent(camera)}/plays/${location.split("/").at(-1)}/beacon`;
    navigator.sendBeacon?.(new URL(path, this.#base), JSON.stringify(seen));
  }

  /** End a play; sent even while the page goes away, and never fails. @param {string} location */
  async hangUp(location) {
    await this.ask(location, { method: "DELETE", keepalive: true }).catch(() => {});
  }

  /** Pull or push the plug of a pretend camera. @param {string} camera @param {boolean} plugged */
  async plug(camera, plugged) {
    await this.ask(`api/v1/demo/cameras/${encodeURIComponent(camera)}`, {
      method: "POST",
      body: JSON.stringify({ plugged }),
      headers: { "Content-Type": "application/json" },
    });
  }

  /** Which pretend cameras are plugged in, by id. @returns {Promise<Record<string, boolean>>} */
  async plugs() {
    const answer = await (await this.ask("api/v1/demo/cameras")).json();
    return answer.cameras ?? answer;
  }

  /**
   * Read events until the stream ends, which it does with an ApiError. The first event is `open`: the server answers.
   * @param {string} site "" for all sites @param {(event: ServerEvent) => void} listener @param {AbortSignal} signal
   */
  async events(site, listener, signal) {
    await this.listen(`api/v1/events${site ? `?site=${encodeURIComponent(site)}` : ""}`, listener, signal);
    throw new ApiError(0, "network", "The server ended the events");
  }

  /**
   * Read a stream of events to its end.
   * @protected
   * @param {string} path @param {(event: ServerEvent) => void} listener @param {AbortSignal} signal
   */
  async listen(path, listener, signal) {
    const silence = linked(signal);
    let timer = setTimeout(() => silence.abort(), EVENTS_SILENT_MS);
    try {
      const headers = { Accept: "text/event-stream" };
      const answer = await this.ask(path, { headers, signal: silence.signal, endless: true });
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
      throw error instanceof ApiError ? error : new ApiError(0, "network", String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * What a request says of who makes it.
   * @protected
   * @param {Asking} _options @returns {Record<string, string>}
   */
  proof(_options) {
    return this.ticket ? { Authorization: `Bearer ${this.ticket}` } : {};
  }

  /** @protected @param {string} path @param {Asking} [options] @returns {Promise<Response>} */
  async ask(path, options = {}) {
    const { ticket } = this;
    const headers = { ...options.headers, ...this.proof(options) };
    try {
      return await this.#fetch(new URL(path, this.#base), { ...options, headers });
    } catch (error) {
      const stale = error instanceof ApiError && error.status === 401 && error.reason !== "watched";
      if (!stale || options.again || !(await this.renew(ticket))) throw error;
      return this.ask(path, { ...options, again: true });
    }
  }

  /** @param {URL} url @param {Asking} [options] */
  async #fetch(url, { endless, patience = ANSWER_MS, again: _, signal, ...options } = {}) {
    const deadline = linked(signal);
    // Never cleared: it bounds the reading of the body too, and is harmless after it.
    if (!endless) setTimeout(() => deadline.abort(), patience);
    /** @type {Response} */
    let answer;
    try {
      answer = await fetch(url, { ...options, credentials: this.#credentials, signal: deadline.signal });
    } catch (error) {
      if (url.origin !== location.origin && !deadline.signal.aborted && (await this.#reached())) {
        throw new ApiError(403, "origin");
      }
      throw new ApiError(0, "network", String(error));
    }
    if (!answer.ok) throw await problemOf(answer);
    return answer;
  }

  /**
   * Whether the gateway answers at all. Browsers do not tell a request that this website may not make from one that
   * nobody answered; but every website may read the gateway's own files.
   */
  async #reached() {
    const file = fetch(new URL("assets/icons/icon.svg", this.#base), { method: "HEAD", credentials: "omit" });
    return deadlined(file).then(({ ok }) => ok, () => false);
  }
}

/**
 * @template T
 * @param {Promise<T>} promise @returns {Promise<T>} which fails when it takes too long
 */
function deadlined(promise) {
  return Promise.race([promise, new Promise((_, fail) => setTimeout(fail, ANSWER_MS))]);
}

/**
 * A controller that also follows `signal`; AbortSignal.any is missing on phones of a few years ago.
 * @param {AbortSignal|null|undefined} signal
 */
function linked(signal) {
  const controller = new AbortController();
  if (signal?.aborted) controller.abort();
  signal?.addEventListener("abort", () => controller.abort(), { once: true, signal: controller.signal });
  return controller;
}

/** @param {Response} answer @returns {Promise<ApiError>} */
async function problemOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const error = new ApiError(answer.status, String(problem.kind ?? ""), String(problem.detail ?? ""));
  error.retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  error.reason = String(problem.reason ?? "");
  error.hint = String(problem.hint ?? "");
  error.place = Number(problem.place) || 0;
  error.queue = String(problem.queue ?? "");
  return error;
}

/**
 * The ICE servers of a Link header (RFC 8288; attributes as in RFC 9725 section 4.6).
 * @param {string} header @returns {RTCIceServer[]}
 */
export function iceServers(header) {
  const links = header.matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]+))*)/g);
  return [...links].flatMap(([, url = "", rest = ""]) => {
    const pairs = rest.matchAll(/;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))/g);
    /** @type {Record<string, string>} */
    const attributes = {};
    for (const [, name = "", quoted, bare] of pairs) {
      attributes[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
    }
    if (attributes["rel"] !== "ice-server") return [];
    const { username, credential } = attributes;
    return [{ urls: url, ...(username && { username }), ...(credential && { credential }) }];
  });
}

/**
 * A parser of text/event-stream that is fed with pieces of text.
 * @param {(event: ServerEvent) => void} listener @returns {(text: string) => void}
 */
export function eventParser(listener) {
  let rest = "";
  let name = "";
  /** @type {string[]} */
  let data = [];
  return (text) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) listener({ name: name || "message", data: JSON.parse(data.join("\n")) });
        name = "";
        data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") name = value;
      else if (field === "data") data.push(value);
    }
  };
}
