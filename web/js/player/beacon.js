/**
 * Tells the gateway how a play looked, for the sums that operators see: no name, no address, a few numbers.
 *
 * The first word goes out with the first picture, the others each minute and at the end.
 */
/** @import { Seen, Totals } from "../types.js" */

const EACH_MS = 60_000;

export class Beacon {
  #send;
  #asked;
  #told = performance.now();
  #first = 0;
  #freezes = 0;
  #frozenS = 0;
  #toldFreezes = 0;
  #toldFrozenS = 0;
  #timer = 0;

  /** @param {number} asked when the play was asked for, by `performance.now()` @param {(seen: Seen) => void} send */
  constructor(asked, send) {
    this.#asked = asked;
    this.#send = send;
  }

  /** The first picture is there. */
  picture() {
    if (this.#first > 0) return;
    this.#first = this.#told = performance.now();
    this.#send({ first_frame_s: (this.#first - this.#asked) / 1_000 });
    this.#timer = setInterval(() => this.#tell(), EACH_MS);
  }

  /** @param {Totals} totals since the beginning of the connection */
  take(totals) {
    this.#freezes = totals.freezes;
    this.#frozenS = totals.frozenS;
  }

  /** The play is over. */
  close() {
    clearInterval(this.#timer);
    if (this.#first > 0) this.#tell();
    this.#first = 0;
  }

  #tell() {
    const now = performance.now();
    this.#send({
      played_s: (now - this.#told) / 1_000,
      freezes: this.#freezes - this.#toldFreezes,
      frozen_s: this.#frozenS - this.#toldFrozenS,
    });
    this.#told = now;
    this.#toldFreezes = this.#freezes;
    this.#toldFrozenS = this.#frozenS;
  }
}
