/** What of the audit is wanted: a building, a camera, somebody, a span of time, or who watches now. */
import { element } from "../element.js";
/** @import { Words } from "../i18n.js" */
/** @import { StaffApi } from "./api.js" */
/** @import { Fleet } from "./fleet.js" */
/** @import { AuditWish } from "./types.js" */

const WIDE = "(min-width: 60rem)";
// Somebody is still writing.
const WRITING_MS = 400;

export class AuditFilter {
  place = element("form", { class: "fields", role: "search" });
  #api;
  #words;
  #fleet;
  #site = element("select", { id: "audit-site" });
  #camera = element("select", { id: "audit-camera" });
  #who = element("input", { id: "audit-who", type: "search", autocomplete: "off", maxlength: "128" });
  #from = element("input", { id: "audit-from", type: "datetime-local" });
  #to = element("input", { id: "audit-to", type: "datetime-local" });
  #now = element("button", { class: "chip", type: "button" });
  #timer = 0;

  /** @param {{api: StaffApi, words: Words, fleet: Fleet, id: string, now: boolean, changed: () => void}} parts */
  constructor({ api, words, fleet, id, now, changed }) {
    this.#api = api;
    this.#words = words;
    this.#fleet = fleet;
    this.#now.append(words.text("views.onlynow"));
    this.#now.setAttribute("aria-pressed", String(now));
    this.#now.addEventListener("click", () => {
      this.#now.setAttribute("aria-pressed", String(!this.#onlyNow));
      changed();
    });
    const filter = element("div", { class: "filter" });
    filter.append(
      ...labelled(words.text("views.site"), this.#site),
      ...labelled(words.text("views.camera"), this.#camera),
      ...labelled(words.text("views.who"), this.#who),
      ...labelled(words.text("views.from"), this.#from),
      ...labelled(words.text("views.to"), this.#to),
    );
    const more = element("details", { class: "more" }, element("summary", {}, words.text("views.filter")), filter);
    // A phone shows the rows first.
    more.open = matchMedia(WIDE).matches;
    this.place.append(this.#now, more);
    this.place.addEventListener("submit", (event) => event.preventDefault());
    this.#site.addEventListener("change", () => void this.#offerCameras().then(changed));
    for (const field of [this.#camera, this.#from, this.#to]) field.addEventListener("change", changed);
    this.#who.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(changed, WRITING_MS);
    });
    this.#offerSites(id);
    void this.#offerCameras();
  }

  get site() {
    return this.#site.value;
  }

  /** @returns {AuditWish} */
  get wish() {
    const wanted = {
      site: this.#site.value,
      camera: this.#camera.value,
      who: this.#who.value.trim(),
      from: moment(this.#from.value),
      to: moment(this.#to.value),
      now: this.#onlyNow ? "1" : "",
    };
    return Object.fromEntries(Object.entries(wanted).filter(([, text]) => text));
  }

  get #onlyNow() {
    return this.#now.getAttribute("aria-pressed") === "true";
  }

  /** @param {string} chosen */
  #offerSites(chosen) {
    const words = this.#words;
    const sites = this.#fleet.listed({ name: (site) => words.name(site.name) || site.id, text: "", trouble: false });
    const choices = sites.map(({ id, name }) => element("option", { value: id }, words.name(name) || id));
    if (chosen && !sites.some(({ id }) => id === chosen)) choices.push(element("option", { value: chosen }, chosen));
    this.#site.replaceChildren(element("option", { value: "" }, words.text("views.all")), ...choices);
    this.#site.value = chosen;
  }

  async #offerCameras() {
    const words = this.#words;
    const site = this.#site.value;
    this.#camera.replaceChildren(element("option", { value: "" }, words.text("views.all")));
    this.#camera.disabled = site === "";
    if (!site) return;
    const found = await this.#api.site(site).catch(() => null);
    if (!found || site !== this.#site.value) return;
    this.#camera.append(...found.cameras.map(({ id, name }) => element("option", { value: id }, words.name(name) || id)));
  }
}

/** What a field of local time says, for the gateway. @param {string} value */
function moment(value) {
  const time = value ? new Date(value) : null;
  return time && !Number.isNaN(time.getTime()) ? time.toISOString() : "";
}

/** @param {string} text @param {HTMLElement} field */
function labelled(text, field) {
  return [element("div", { class: "fields" }, element("label", { for: field.id }, text), field)];
}
