/**
 * One stay of a player at its camera: a line, the video that shows it and the pulse that watches it; and, for a change
 * of resolution, a second line that takes over once it plays.
 */
import { Pulse } from "./stats.js";
import { Line } from "./whep.js";
/** @import { Failure, SessionHooks, Wish } from "../types.js" */
/** @import { Api } from "../api.js" */

export class Session {
  #api;
  #video;
  #hooks;
  /** @type {Line|null} */
  #current = null;
  /** @type {Line|null} */
  #coming = null;
  /** @type {Pulse|null} */
  #pulse = null;
  #low = false;

  /**
   * @param {number} line its number in the player's state
   * @param {Api} api @param {HTMLVideoElement} video @param {SessionHooks} hooks
   */
  constructor(line, api, video, hooks) {
    this.line = line;
    this.#api = api;
    this.#video = video;
    this.#hooks = hooks;
  }

  /** When the last picture came, 0 if none did. */
  get last() {
    return this.#pulse?.last ?? 0;
  }

  get hasAudio() {
    return this.#current?.hasAudio ?? false;
  }

  /** @param {Wish} wish */
  async open(wish) {
    this.#low = wish.low;
    if (typeof RTCPeerConnection === "undefined") {
      this.#hooks.refused("browser", 0);
      return;
    }
    const line = new Line(this.#api, wish, {
      stream: (stream) => this.#show(line, stream),
      shaky: () => this.#hooks.shaky(),
      steady: () => this.#hooks.steady(),
      ended: (failure) => this.#ended(failure),
    });
    this.#current = line;
    await line.open();
  }

  /** Take the other resolution; if that fails, what plays plays on. @param {Wish} wish */
  async change(wish) {
    if (wish.low === this.#low) return;
    this.#low = wish.low;
    this.#coming?.close();
    /** @type {MediaStream|null} */
    let stream = null;
    const line = new Line(this.#api, wish, {
      stream: (given) => (stream = given),
      shaky: () => (this.#current === line ? this.#hooks.shaky() : undefined),
      steady: () => {
        if (this.#coming === line && stream) this.#takeOver(line, stream);
        else if (this.#current === line) this.#hooks.steady();
      },
      ended: (failure) => {
        if (this.#current === line) this.#ended(failure);
        else if (this.#coming === line) this.#coming = null;
      },
    });
    this.#coming = line;
    await line.open();
  }

  close() {
    this.#pulse?.close();
    this.#coming?.close();
    this.#current?.close();
    this.#video.srcObject = null;
  }

  /** @param {Failure} failure */
  #ended({ reason, final, retryAfter }) {
    if (final) this.#hooks.refused(reason, retryAfter);
    else this.#hooks.lost(reason, retryAfter);
  }

  /** @param {Line} line @param {MediaStream} stream */
  #takeOver(line, stream) {
    this.#hooks.beforeSwap();
    this.#pulse?.close();
    this.#current?.close();
    this.#current = line;
    this.#coming = null;
    this.#show(line, stream);
  }

  /** @param {Line} line @param {MediaStream} stream */
  #show(line, stream) {
    const pulse = new Pulse(line.peer, {
      frame: () => this.#hooks.frame(),
      quiet: (last) => {
        this.#hooks.quiet(last);
        void line.check();
      },
      weak: (weak) => this.#hooks.weak(weak),
      slept: () => this.#hooks.lost("network", 0),
    });
    this.#pulse = pulse;
    this.#video.srcObject = stream;
    this.#video.requestVideoFrameCallback?.(() => {
      if (this.#pulse === pulse) pulse.painted();
    });
    this.#video.play().catch((error) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#hooks.blocked();
    });
  }
}
