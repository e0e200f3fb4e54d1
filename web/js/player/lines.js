/**
 * How many cameras of a page play at once.
 *
 * A phone decodes only so many videos, and each costs traffic: the first few play by themselves, further ones when
 * somebody asks, and beyond the total the one that has played longest without being asked for makes room.
 */
/** @import { Holder } from "../types.js" */

export class Lines {
  #auto;
  #total;
  /** @type {Map<Holder, boolean>} who plays, oldest first, and whether somebody asked for it */
  #held = new Map();
  /** @type {Set<Holder>} */
  #queue = new Set();

  /** @param {{auto: number, total: number}} limits */
  constructor({ auto, total }) {
    this.#auto = Math.min(auto, total);
    this.#total = total;
  }

  /**
   * Ask for a place; `asked` says that a person did. A refused holder hears `roomCame` later.
   * @param {Holder} holder @param {boolean} asked @returns {boolean}
   */
  take(holder, asked) {
    if (this.#held.has(holder)) {
      this.#held.set(holder, asked || this.#held.get(holder) === true);
      return true;
    }
    if (asked && this.#held.size >= this.#total) this.#makeRoom();
    if (this.#held.size >= (asked ? this.#total : this.#auto)) {
      this.#queue.add(holder);
      return false;
    }
    this.#queue.delete(holder);
    this.#held.set(holder, asked);
    return true;
  }

  /** @param {Holder} holder */
  give(holder) {
    this.#queue.delete(holder);
    if (!this.#held.delete(holder) || this.#held.size >= this.#auto) return;
    const [waiting] = this.#queue;
    if (!waiting) return;
    this.#queue.delete(waiting);
    waiting.roomCame();
  }

  #makeRoom() {
    const holders = [...this.#held];
    const [unasked] = holders.find(([, asked]) => !asked) ?? holders[0] ?? [];
    if (!unasked) return;
    this.#held.delete(unasked);
    unasked.makeRoom();
    this.#queue.add(unasked);
  }
}
