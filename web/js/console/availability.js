/** How much of each month a building's cameras could be watched; asked for when somebody wants to know. */
import { element } from "../element.js";
/** @import { Words } from "../i18n.js" */
/** @import { Month, StaffCamera } from "./types.js" */
/** @import { StaffApi } from "./api.js" */

const MONTHS = 3;

export class Availability {
  place = element("details", { class: "more" });
  #api;
  #words;
  #id;
  #table = element("div", { class: "table" });
  /** @type {readonly StaffCamera[]} */
  #cameras = [];

  /** @param {{api: StaffApi, words: Words, id: string}} parts */
  constructor({ api, words, id }) {
    this.#api = api;
    this.#words = words;
    this.#id = id;
    this.place.append(element("summary", {}, words.text("availability")), this.#table);
    this.place.addEventListener("toggle", () => {
      if (this.place instanceof HTMLDetailsElement && this.place.open) void this.#load();
    });
  }

  /** @param {readonly StaffCamera[]} cameras */
  show(cameras) {
    this.#cameras = cameras;
  }

  async #load() {
    const words = this.#words;
    try {
      this.#table.replaceChildren(...this.#rows(await this.#api.availability(this.#id)));
    } catch {
      this.#table.replaceChildren(element("p", { class: "hint" }, words.text("console.nobody")));
    }
  }

  /** @param {readonly Month[]} all @returns {Node[]} */
  #rows(all) {
    const words = this.#words;
    const months = [...new Set(all.map(({ month }) => month))].sort().slice(-MONTHS).reverse();
    if (months.length === 0) return [element("p", { class: "hint" }, words.text("availability.none"))];
    const head = [words.text("availability.camera"), ...months.map((month) => this.#month(month))];
    const table = element("table", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text))));
    for (const { id, name } of this.#cameras) {
      const cells = months.map((month) => this.#cell(all.find((one) => one.camera === id && one.month === month)));
      table.append(element("tr", {}, element("th", { scope: "row" }, words.name(name) || id), ...cells));
    }
    return [table, element("p", { class: "hint" }, words.text("availability.hint"))];
  }

  /** @param {Month|undefined} found */
  #cell(found) {
    if (typeof found?.availability !== "number") return element("td", {}, "–");
    const share = found.availability.toLocaleString(this.#words.language, { style: "percent", maximumFractionDigits: 1 });
    const outages = element("small", {}, this.#words.text("availability.outages", { n: found.outages }));
    return element("td", {}, share, found.outages > 0 ? outages : "");
  }

  /** @param {string} month like 2026-11 */
  #month(month) {
    const [year = 0, number = 1] = month.split("-").map(Number);
    return new Date(year, number - 1).toLocaleDateString(this.#words.language, { month: "long", year: "numeric" });
  }
}
