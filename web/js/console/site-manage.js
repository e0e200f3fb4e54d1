/** What administrators can do to a building: rename it, switch it off and on, take it out of service. */
import { element } from "../element.js";
import { agreed } from "./foresee.js";
import { Names } from "./names.js";
import { doing } from "./work.js";
/** @import { Edit, SiteChange, SiteManageParts, StaffSite } from "./types.js" */

export class SiteManage {
  place = element("details", { class: "more manage" });
  #parts;
  /** @type {StaffSite|null} */
  #site = null;
  #names;
  #switch = element("button", { class: "act", type: "button" });
  #said = element("p", { class: "said", role: "alert" });

  /** @param {SiteManageParts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { words } = parts;
    this.#names = new Names(words, { id: "building-name", label: words.text("building.name") });
    const form = element("form", { class: "fields" }, ...this.#names.parts);
    form.append(element("div", { class: "acts" }, element("button", { class: "act", type: "submit" }, words.text("camera.rename"))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#do(() => this.#change({ name: this.#names.value }, { question: words.text("plan.ask", { name: this.#called }), yes: words.text("plan.go") }));
    });
    this.#switch.addEventListener("click", () => void this.#do(() => this.#toggle()));
    const remove = element("button", { class: "act danger", type: "button" }, words.text("building.remove"));
    remove.addEventListener("click", () => void this.#do(() => this.#remove()));
    const acts = element("div", { class: "acts" }, this.#switch, remove);
    const summary = element("summary", {}, words.text("building.manage"));
    this.place.append(summary, element("div", { class: "fields" }, form, acts, this.#said));
  }

  /** @param {StaffSite} site */
  show(site) {
    this.#site = site;
    this.#names.show(site.name);
    this.#switch.textContent = this.#parts.words.text(site.state === "disabled" ? "building.on" : "building.off");
  }

  get #called() {
    return this.#parts.words.name(this.#site?.name ?? {}) || this.#parts.id;
  }

  /** @param {() => Promise<unknown>} work */
  #do(work) {
    return doing(this.#parts.words, this.place, this.#said, work);
  }

  async #toggle() {
    const { words } = this.#parts;
    const enabled = this.#site?.state === "disabled";
    const question = words.text("building.off.ask", { name: this.#called });
    const note = words.text("building.off.note");
    await this.#change({ enabled }, { question, note, yes: words.text("building.off"), always: !enabled });
  }

  /** @param {SiteChange} change @param {{question: string, yes: string, note?: string, always?: boolean}} asking */
  async #change(change, asking) {
    const { api, id, changed } = this.#parts;
    const ahead = await api.change(id, undefined, change, true);
    if (!(await this.#agreed(ahead, asking))) return;
    await api.change(id, undefined, { ...change, version: ahead.version });
    changed();
  }

  async #remove() {
    const { api, words, id } = this.#parts;
    const ahead = await api.remove(id, undefined, { preview: true });
    const question = words.text("building.remove.ask", { name: this.#called });
    const asking = { question, note: words.text("building.remove.note", { id }), yes: words.text("building.remove"), always: true, typed: id };
    if (!(await this.#agreed(ahead, asking))) return;
    await api.remove(id, undefined, { version: ahead.version });
    location.hash = "#/";
  }

  /** @param {Edit} ahead @param {{question: string, yes: string, note?: string, always?: boolean, typed?: string}} asking */
  #agreed(ahead, asking) {
    const names = Object.fromEntries((this.#site?.cameras ?? []).map(({ id, name }) => [id, name]));
    return agreed(this.#parts.words, { ...asking, ahead, names });
  }
}
