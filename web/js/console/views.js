/** Who watched a building's cameras, for administrators. */
import { element, icon } from "../element.js";
import { sayError } from "./sayings.js";
/** @import { ServerEvent } from "../types.js" */
/** @import { PastView, RoomParts } from "./types.js" */

const BACK = "m14.5 5-7 7 7 7";
/** @type {Record<string, string>} */
const WAYS = { ticket: "way.ticket", account: "way.account", token: "way.token", public: "way.public" };

export class Views {
  pane = element("section", { class: "building" });
  #api;
  #words;
  #id;
  #name = element("h2", { tabindex: "-1" });
  #notice = element("p", { class: "notice", role: "status" });
  #list = element("ul", { class: "rows" });

  /** @param {RoomParts} parts */
  constructor({ api, words, id, summary }) {
    this.#api = api;
    this.#words = words;
    this.#id = id;
    const label = words.text("find.back");
    const back = element("a", { class: "back always", href: `#/${encodeURIComponent(id)}`, "aria-label": label }, icon("", BACK));
    const where = element("p", { class: "hint" }, summary ? words.name(summary.name) || id : id);
    this.#name.append(words.text("views"));
    this.#notice.append(words.text("console.loading"));
    this.pane.append(
      element("header", { class: "head" }, back, element("div", { class: "title" }, this.#name, where)),
      this.#notice,
      this.#list,
    );
    void this.#load();
  }

  focus() {
    this.#name.focus({ preventScroll: true });
  }

  close() {
    this.#list.replaceChildren();
  }

  /** What happens now is told when it is over. @param {ServerEvent} _event */
  hear(_event) {}

  async #load() {
    const words = this.#words;
    try {
      const views = await this.#api.audit(this.#id);
      this.#notice.textContent = views.length === 0 ? words.text("views.none") : "";
      this.#list.replaceChildren(...views.map((view) => this.#row(view)));
    } catch (error) {
      this.#notice.textContent = sayError(words, error);
    }
  }

  /** @param {PastView} view */
  #row({ camera, who, way, website, from, to }) {
    const words = this.#words;
    const end = to ? words.time(Date.parse(to)) : words.text("views.now");
    const whose = who || words.text(WAYS[way] ?? way);
    const where = [words.text(WAYS[way] ?? way), website].filter((one) => one && one !== whose && one !== location.origin);
    const row = element("li", { class: "server" }, element("strong", {}, whose), element("span", { class: "count" }, camera));
    const facts = [`${words.time(Date.parse(from))} – ${end}`, ...where].map((one) => element("span", {}, one));
    row.append(element("span", { class: "facts" }, ...facts));
    return row;
  }
}
