/** What the console knows of the buildings, from the board's events; tells what has changed. */
/** @import { ServerEvent } from "../types.js" */
/** @import { Happening, StaffCamera, Summary } from "./types.js" */

const KEPT = 200;
const ATTENTION = new Set(["degraded", "down"]);

export class Fleet {
  /** @type {Map<string, Summary>} */
  sites = new Map();
  /** Newest first. @type {Happening[]} */
  happenings = [];
  /** @type {Map<string, Map<string, StaffCamera>>} */
  #cameras = new Map();

  /** Begin with (or return to) these buildings; the others are gone. @param {readonly Summary[]} listed */
  reset(listed) {
    const ids = new Set(listed.map(({ id }) => id));
    for (const id of this.sites.keys()) if (!ids.has(id)) this.#forget(id);
    for (const site of listed) this.sites.set(site.id, site);
  }

  /** What a camera is called, as far as one has heard. @param {string} site @param {string} camera */
  cameraName(site, camera) {
    return this.#cameras.get(site)?.get(camera)?.name ?? {};
  }

  /** The building that an event is about. @param {ServerEvent} event @param {number} now @returns {string} */
  hear({ name, data }, now) {
    if (name === "site") {
      const before = this.sites.get(data.id)?.state;
      this.#note(before, data.state, { time: now, site: data.id, siteName: data.name, camera: null });
      this.sites.set(data.id, data);
      return data.id;
    }
    if (name === "camera") {
      const { site, ...camera } = data;
      const known = this.#cameras.get(site) ?? new Map();
      const siteName = this.sites.get(site)?.name ?? {};
      this.#note(known.get(camera.id)?.state, camera.state, { time: now, site, siteName, camera: camera.name });
      this.#cameras.set(site, known.set(camera.id, camera));
      return site;
    }
    if (name === "gone") this.#forget(data.site);
    return data.site ?? "";
  }

  /**
   * By name, or only those whose name or id holds `text`.
   * @param {{name: (site: Summary) => string, text: string, trouble: boolean}} wish
   */
  listed({ name, text, trouble }) {
    const wanted = text.trim().toLowerCase();
    return [...this.sites.values()]
      .filter((site) => !trouble || needsAttention(site))
      .filter((site) => `${name(site)} ${site.id}`.toLowerCase().includes(wanted))
      .sort((a, b) => name(a).localeCompare(name(b), undefined, { numeric: true }));
  }

  /**
   * The first state that one hears of is no news.
   * @param {string|undefined} before @param {string} state @param {Omit<Happening, "state">} rest
   */
  #note(before, state, rest) {
    if (before === undefined || before === state) return;
    this.happenings.unshift({ ...rest, state });
    this.happenings.length = Math.min(this.happenings.length, KEPT);
  }

  /** @param {string} site */
  #forget(site) {
    this.sites.delete(site);
    this.#cameras.delete(site);
  }
}

/** @param {Summary} site */
export function needsAttention(site) {
  return ATTENTION.has(site.state);
}
