/**
 * Counts the pictures of one connection, so that a frozen picture is never taken for a live one.
 *
 * The browser's own counter of decoded frames is asked once a second: it also counts while the element is
 * not painted, and all browsers have it.
 */
/** @import { PulseHooks, Totals } from "../types.js" */

const LOOK_MS = 1_000;
const QUIET_MS = 3_000;
const SLEPT_MS = 15_000;
// The network is weak when, over so many looks, such a share of the packets was lost and pictures stood still.
const WEAK = { looks: 10, lost: 0.03, frozenS: 0.5 };

export class Pulse {
  #frames = 0;
  #last = 0;
  #looked = 0;
  #beats = false;
  #began = Date.now();
  #timer = 0;
  /** @type {Totals[]} */
  #past = [];
  #weak = false;
  #peer;
  #hooks;

  /** @param {RTCPeerConnection} peer @param {PulseHooks} hooks */
  constructor(peer, hooks) {
    this.#peer = peer;
    this.#hooks = hooks;
    this.#looked = Date.now();
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  /** When the last picture came, 0 if none did. */
  get last() {
    return this.#last;
  }

  /** A picture was painted: the fast way to learn of the first one. */
  painted() {
    this.#last = Date.now();
    this.#beat();
  }

  close() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  async #look() {
    const now = Date.now();
    const slept = now - this.#looked > SLEPT_MS && document.visibilityState === "visible";
    this.#looked = now;
    if (slept) {
      this.#hooks.slept();
      return;
    }
    const totals = await totalsOf(this.#peer).catch(() => null);
    if (this.#timer === 0) return;
    const frames = totals?.frames ?? this.#frames;
    if (totals) {
      this.#hooks.totals(totals);
      this.#judge(totals);
    }
    if (frames > this.#frames) {
      this.#frames = frames;
      this.#last = now;
      this.#beat();
    } else if (now - Math.max(this.#last, this.#began) >= QUIET_MS && (this.#beats || this.#last === 0)) {
      this.#beats = false;
      this.#hooks.quiet(this.#last);
    }
  }

  /** @param {Totals} totals */
  #judge(totals) {
    this.#past = [...this.#past, totals].slice(-WEAK.looks);
    const [first = totals] = this.#past;
    const lost = totals.lost - first.lost;
    const share = lost / Math.max(1, lost + totals.received - first.received);
    const weak = share > WEAK.lost && totals.frozenS - first.frozenS > WEAK.frozenS;
    if (weak !== this.#weak) this.#hooks.weak(weak);
    this.#weak = weak;
  }

  #beat() {
    if (this.#beats) return;
    this.#beats = true;
    this.#hooks.frame();
  }
}

/** @param {RTCPeerConnection} peer @returns {Promise<Totals>} */
async function totalsOf(peer) {
  const totals = { frames: 0, received: 0, lost: 0, freezes: 0, frozenS: 0 };
  for (const report of (await peer.getStats()).values()) {
    if (report.type !== "inbound-rtp" || report.kind !== "video") continue;
    totals.frames += report.framesDecoded ?? 0;
    totals.received += report.packetsReceived ?? 0;
    totals.lost += report.packetsLost ?? 0;
    totals.freezes += report.freezeCount ?? 0;
    totals.frozenS += report.totalFreezesDuration ?? 0;
  }
  return totals;
}
