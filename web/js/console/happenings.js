/** What has happened while the console was open, newest first. */
import { element } from "../element.js";
import { happeningSentence, toneOf } from "./sayings.js";
/** @import { Words } from "../i18n.js" */
/** @import { Happening } from "./types.js" */

const SHOWN = 12;

export class Happenings {
  pane = element("section", { class: "happenings" });
  #words;
  #list = element("ol", { class: "rows" });
  #none;

  /** @param {Words} words */
  constructor(words) {
    this.#words = words;
    this.#none = element("p", { class: "hint" }, words.text("happenings.none"));
    this.pane.append(element("h2", { class: "small" }, words.text("happenings")), this.#none, this.#list);
  }

  /** @param {readonly Happening[]} happenings @param {string} site only this one's, "" for all */
  show(happenings, site) {
    const shown = happenings.filter((one) => !site || one.site === site).slice(0, SHOWN);
    this.#none.hidden = shown.length > 0;
    this.#list.replaceChildren(...shown.map((one) => this.#row(one, site)));
  }

  /** @param {Happening} happening @param {string} site */
  #row(happening, site) {
    const words = this.#words;
    const time = element("time", { datetime: new Date(happening.time).toISOString() }, words.time(happening.time));
    const said = element("span", { class: "state", "data-tone": toneOf(happening.state) }, happeningSentence(words, happening));
    const where = element("span", { class: "where" }, words.name(happening.siteName) || happening.site);
    return element("li", {}, time, said, ...(site ? [] : [where]));
  }
}
