/** Who watched, or watches now, for administrators: filtered, page by page, and as a table to keep. */
import { element, icon } from "../element.js";
import { AuditFilter } from "./audit-filter.js";
import { saveAs } from "./save.js";
import { sayError } from "./told.js";
/** @import { ServerEvent } from "../types.js" */
/** @import { PastView, RoomParts } from "./types.js" */

const BACK = "m14.5 5-7 7 7 7";
const PAGE = "50";
/** @type {Record<string, string>} */
const WAYS = { ticket: "way.ticket", account: "way.account", token: "way.token", public: "way.public" };

export class Views {
  pane = element("section", { class: "building audit" });
  #api;
  #words;
  #fleet;
  #filter;
  #name = element("h2", { tabindex: "-1" });
  #notice = element("p", { class: "notice", role: "status" });
  #list = element("ul", { class: "rows" });
  #more = element("button", { class: "act", type: "button", hidden: true });
  #save = element("button", { class: "act", type: "button" });
  /** The page after what is shown. @type {number|null} */
  #next = null;
  #asked = 0;

  /** @param {RoomParts} parts */
  constructor({ api, words, id, fleet, detail }) {
    this.#api = api;
    this.#words = words;
    this.#fleet = fleet;
    this.#filter = new AuditFilter({ api, words, fleet, id, now: detail === "now", changed: () => void this.#load() });
    const home = id ? `#/${encodeURIComponent(id)}` : "#/";
    const label = words.text(id ? "find.back" : "back");
    const back = element("a", { class: "back always", href: home, "aria-label": label }, icon("", BACK));
    this.#name.append(words.text("views"));
    this.#more.append(words.text("views.more"));
    this.#more.addEventListener("click", () => void this.#load({ further: true }));
    this.#save.append(words.text("views.save"));
    this.#save.addEventListener("click", () => void this.#export());
    this.pane.append(
      element("header", { class: "head" }, back, element("div", { class: "title" }, this.#name), this.#save),
      this.#filter.place,
      this.#notice,
      this.#list,
      this.#more,
    );
    void this.#load();
  }

  focus() {
    this.#name.focus({ preventScroll: true });
  }

  close() {
    this.#asked += 1;
  }

  /** What happens now is told when it is asked for. @param {ServerEvent} _event */
  hear(_event) {}

  /** @param {{further?: boolean}} [how] */
  async #load({ further = false } = {}) {
    const words = this.#words;
    const asked = (this.#asked += 1);
    if (!further) this.#notice.textContent = words.text("console.loading");
    this.#more.disabled = true;
    try {
      const before = further && this.#next !== null ? { before: String(this.#next) } : {};
      const { views, next } = await this.#api.audit({ ...this.#filter.wish, ...before, limit: PAGE });
      // A later question has been asked meanwhile.
      if (asked !== this.#asked) return;
      const rows = views.map((view) => this.#row(view));
      if (further) this.#list.append(...rows);
      else this.#list.replaceChildren(...rows);
      this.#next = next;
      const shown = this.#list.childElementCount;
      this.#notice.textContent = shown === 0 ? words.text("views.none") : words.text("views.shown", { n: shown });
      this.#more.hidden = next === null;
    } catch (error) {
      if (asked === this.#asked) this.#notice.textContent = sayError(words, error);
    }
    this.#more.disabled = false;
  }

  async #export() {
    this.#save.disabled = true;
    try {
      saveAs(await this.#api.auditTable(this.#filter.wish), "audit.csv");
    } catch (error) {
      this.#notice.textContent = sayError(this.#words, error);
    }
    this.#save.disabled = false;
  }

  /** @param {PastView} view */
  #row({ site, camera, who, way, website, from, to, reason }) {
    const words = this.#words;
    const began = Date.parse(from);
    const building = this.#filter.site ? "" : words.name(this.#fleet.sites.get(site)?.name ?? {}) || site;
    const where = [building, words.name(this.#fleet.cameraName(site, camera)) || camera].filter(Boolean).join(", ");
    const whose = who || words.text(WAYS[way] ?? way);
    const ended = to ? length(words, Date.parse(to) - began) : words.text("views.now");
    const why = reason && reason !== "left" && reason !== "ended" ? words.text(`end.${reason}`) : "";
    const notes = [words.text(WAYS[way] ?? way), website, why].filter((one) => one && one !== whose && one !== location.origin);
    const row = element("li", { class: "server" }, element("strong", {}, whose));
    row.append(element("span", { class: "count", ...(to ? {} : { "data-tone": "good" }) }, ended));
    const facts = [where, words.time(began), ...notes].map((one) => element("span", {}, one));
    row.append(element("span", { class: "facts" }, ...facts));
    return row;
  }
}

/** @param {import("../i18n.js").Words} words @param {number} ms */
function length(words, ms) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 60) return words.text("span.seconds", { seconds });
  if (seconds < 3600) return words.text("span.minutes", { minutes: Math.round(seconds / 60) });
  return words.text("span.hours", { hours: (seconds / 3600).toLocaleString(words.language, { maximumFractionDigits: 1 }) });
}
