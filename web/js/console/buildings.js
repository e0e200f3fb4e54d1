/** The left pane: the buildings with their state, to search and to choose from. */
import { element } from "../element.js";
import { siteSentence } from "../page.js";
import { problemList } from "./behind.js";
import { needsAttention } from "./fleet.js";
import { toneOf } from "./sayings.js";
/** @import { Words } from "../i18n.js" */
/** @import { Fleet } from "./fleet.js" */
/** @import { Problem, Summary } from "./types.js" */

// Fewer buildings are found by looking.
const SEARCH_FROM = 7;

export class Buildings {
  pane = element("nav", { class: "buildings" });
  #words;
  #fleet;
  #list = element("ul", { class: "rows" });
  #empty = element("div", { class: "plain", hidden: true });
  #search;
  #trouble;
  #chosen = "";
  #problems = element("div", { class: "files" });

  /** @param {Words} words @param {Fleet} fleet @param {{manage: boolean}} options whether buildings may be added */
  constructor(words, fleet, { manage }) {
    this.#words = words;
    this.#fleet = fleet;
    const label = words.text("console.search");
    this.#search = element("input", { type: "search", "aria-label": label, placeholder: label, oninput: () => this.show() });
    this.#trouble = element("button", { class: "chip", type: "button", "aria-pressed": "false" });
    this.#trouble.addEventListener("click", () => {
      this.#trouble.setAttribute("aria-pressed", String(!this.#onlyTrouble));
      this.show();
    });
    const tools = element("div", { class: "tools" }, this.#search, this.#trouble);
    this.pane.setAttribute("aria-label", words.text("sites"));
    this.pane.append(this.#problems, tools, this.#list, this.#empty);
    if (!manage) return;
    const add = element("a", { class: "act", href: "#//new" }, words.text("new"));
    const views = element("a", { class: "act", href: "#//views" }, words.text("views"));
    this.pane.append(element("div", { class: "acts" }, add, views));
  }

  get #onlyTrouble() {
    return this.#trouble.getAttribute("aria-pressed") === "true";
  }

  /** Show the mistakes of the files, and what can be done. @param {Problem[]} problems @param {Node[]} acts */
  warn(problems, acts) {
    this.#problems.replaceChildren(...problemList(this.#words, problems, "h2"), ...acts);
  }

  /** @param {string} id "" for none */
  choose(id) {
    this.#chosen = id;
    this.show();
  }

  show() {
    const words = this.#words;
    const all = [...this.#fleet.sites.values()];
    const troubled = all.filter(needsAttention).length;
    if (troubled === 0) this.#trouble.setAttribute("aria-pressed", "false");
    this.#trouble.hidden = troubled === 0 || all.length < 2;
    this.#trouble.textContent = words.text("console.trouble", { n: troubled });
    this.#search.hidden = all.length < SEARCH_FROM;
    const name = (/** @type {Summary} */ site) => words.name(site.name) || site.id;
    const listed = this.#fleet.listed({ name, text: this.#search.value, trouble: this.#onlyTrouble });
    const focused = document.activeElement?.getAttribute("href");
    this.#list.replaceChildren(...listed.map((site) => element("li", {}, this.#row(site, name(site)))));
    if (focused) {
      const again = this.#list.querySelector(`a[href="${CSS.escape(focused)}"]`);
      /** @type {HTMLElement|null} */ (again)?.focus({ preventScroll: true });
    }
    this.#empty.hidden = listed.length > 0;
    this.#empty.replaceChildren(words.text(all.length === 0 ? "console.none" : "console.notfound"));
  }

  /** @param {Summary} site @param {string} name */
  #row(site, name) {
    const { id, state, cameras } = site;
    const said = siteSentence(this.#words, { state, ...cameras });
    const row = element(
      "a",
      { class: "row", href: `#/${encodeURIComponent(id)}` },
      element("strong", {}, name),
      element("span", { class: "count" }, cameras.total > 0 ? `${cameras.live}/${cameras.total}` : ""),
      element("span", { class: "state", "data-tone": cameras.total > 0 ? toneOf(state) : "calm" }, said),
    );
    row.querySelector(".count")?.setAttribute("aria-hidden", "true");
    if (id === this.#chosen) row.setAttribute("aria-current", "page");
    return row;
  }
}
