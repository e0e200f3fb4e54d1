/**
 * Follows the gateway's board: reads its events, and comes back by itself when they stop.
 */
import { ApiError } from "./api.js";
import { backoff } from "./player/player-state.js";
/** @import { BoardHooks, ServerEvent } from "./types.js" */
/** @import { Api } from "./api.js" */

const HIDDEN_MS = 30_000;

export class Board {
  #api;
  #site;
  #hooks;
  /** @type {AbortController|null} */
  #reading = null;
  #timer = 0;
  #attempt = 0;
  #closed = new AbortController();

  /** @param {Api} api @param {string} site "" for all @param {BoardHooks} hooks */
  constructor(api, site, hooks) {
    this.#api = api;
    this.#site = site;
    this.#hooks = hooks;
    const { signal } = this.#closed;
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    addEventListener("online", () => this.#now(), { signal });
    addEventListener("pageshow", () => this.#now(), { signal });
    addEventListener("pagehide", () => this.#stop(), { signal });
    this.#now();
  }

  close() {
    this.#closed.abort();
    this.#stop();
  }

  /** Connect now unless connected. */
  #now() {
    clearTimeout(this.#timer);
    if (this.#reading) return;
    const reading = new AbortController();
    this.#reading = reading;
    void this.#read(reading);
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#reading?.abort();
    this.#reading = null;
  }

  /** A tab that nobody looks at gives its connection back after a while. */
  #seen() {
    clearTimeout(this.#timer);
    if (document.visibilityState === "visible") this.#now();
    else this.#timer = setTimeout(() => this.#stop(), HIDDEN_MS);
  }

  /** @param {AbortController} reading */
  async #read(reading) {
    try {
      await this.#api.events(this.#site, (event) => this.#heard(event), reading.signal);
    } catch (error) {
      if (reading.signal.aborted) return;
      this.#reading = null;
      this.#hooks.connected(false);
      if (error instanceof ApiError && isFinal(error)) this.#hooks.denied(error);
      if (this.#closed.signal.aborted) return;
      this.#timer = setTimeout(() => this.#now(), backoff(this.#attempt++, Math.random()));
    }
  }

  /** @param {ServerEvent} event */
  #heard(event) {
    if (event.name === "open") {
      this.#attempt = 0;
      this.#hooks.connected(true);
    } else this.#hooks.event(event);
  }
}

/** Whether asking again gives the same answer. @param {ApiError} error */
export function isFinal({ status }) {
  return status === 401 || status === 403 || status === 404;
}
