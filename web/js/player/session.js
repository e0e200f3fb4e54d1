/**
 * One stay of a player at its camera: a line, the video that shows it and the pulse that watches it; and, for a change
 * of resolution or of the server, a second line that takes over once it has a picture.
 */
import { Beacon } from "./beacon.js";
import { Pulse } from "./stats.js";
import { Warm } from "./warm.js";
import { Line } from "./whep.js";
/** @import { Failure, SessionHooks, Wish } from "../types.js" */
/** @import { Api } from "../api.js" */

/** How long a second connection may take to its first picture; the first one plays on meanwhile. */
const SUCCEED_MS = 12_000;

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
  /** @type {Beacon|null} */
  #beacon = null;
  /** @type {Wish|null} */
  #wish = null;
  /** What the second connection was made for. @type {Wish|null} */
  #next = null;
  /** @type {Warm|null} */
  #warm = null;

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
    this.#wish = wish;
    if (typeof RTCPeerConnection === "undefined") {
      this.#hooks.refused("browser", 0);
      return;
    }
    const line = this.#line(wish, (stream) => this.#show(line, stream));
    this.#current = line;
    await line.open();
  }

  /** Take the other resolution; if that fails, what plays plays on. @param {Wish} wish */
  async change(wish) {
    if (wish.low !== (this.#next ?? this.#wish)?.low) await this.#succeed(wish);
  }

  /** Go on at another server, before this one ends the play. @param {Line} line */
  #move(line) {
    if (this.#wish && line === this.#current && !this.#coming) void this.#succeed({ ...this.#wish, moves: line.play });
  }

  /** Connect a second time; it takes over when its first picture is there. @param {Wish} wish */
  async #succeed(wish) {
    this.#drop(this.#coming);
    const line = this.#line(wish, (stream) => {
      this.#warm = new Warm(stream, () => {
        if (this.#coming === line) this.#takeOver(line, stream);
      });
    });
    this.#next = wish;
    this.#coming = line;
    setTimeout(() => this.#drop(this.#coming === line ? line : null), SUCCEED_MS);
    await line.open();
  }

  /** @param {Wish} wish @param {(stream: MediaStream) => void} stream @returns {Line} */
  #line(wish, stream) {
    /** @param {() => void} tell */
    const ifCurrent = (tell) => (this.#current === line ? tell() : undefined);
    const line = new Line(this.#api, wish, {
      stream,
      shaky: () => ifCurrent(() => this.#hooks.shaky()),
      steady: () => ifCurrent(() => this.#hooks.steady()),
      way: (way) => ifCurrent(() => this.#hooks.way(way)),
      move: () => this.#move(line),
      ended: (failure) => {
        this.#drop(this.#coming === line ? line : null);
        ifCurrent(() => this.#ended(failure));
      },
    });
    return line;
  }

  /** Let a second connection go that is not needed or has come to nothing. @param {Line|null} line */
  #drop(line) {
    if (!line) return;
    line.close();
    this.#warm?.close();
    this.#warm = null;
    this.#coming = null;
    this.#next = null;
  }

  close() {
    this.#pulse?.close();
    this.#beacon?.close();
    this.#drop(this.#coming);
    this.#current?.close();
    this.#video.srcObject = null;
  }

  /** @param {Failure} failure */
  #ended({ reason, final, retryAfter, place }) {
    if (final) this.#hooks.refused(reason, retryAfter);
    else this.#hooks.lost(reason, retryAfter, place);
  }

  /** @param {Line} line @param {MediaStream} stream */
  #takeOver(line, stream) {
    const old = this.#current;
    this.#hooks.beforeSwap();
    this.#pulse?.close();
    this.#wish = this.#next;
    this.#current = line;
    this.#coming = this.#next = null;
    this.#show(line, stream);
    // The decoder stays warm until the video has taken the stream over.
    this.#warm?.close();
    this.#warm = null;
    old?.close();
  }

  /** @param {Line} line @param {MediaStream} stream */
  #show(line, stream) {
    this.#beacon?.close();
    const beacon = (this.#beacon = new Beacon(line.asked, (seen) => line.tell(seen)));
    const pulse = new Pulse(line.peer, {
      frame: () => {
        beacon.picture();
        this.#hooks.frame();
      },
      totals: (totals) => beacon.take(totals),
      quiet: (last) => {
        this.#hooks.quiet(last);
        void line.check();
      },
      weak: (weak) => this.#hooks.weak(weak),
      slept: () => this.#hooks.lost("network", 0, 0),
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
