/** What can be done to a camera: rename, choose its user, switch, replace, remove; each an edit of the building's file. */
import { element } from "../element.js";
import { CameraCheck } from "./camera-check.js";
import { agreed } from "./foresee.js";
import { Names } from "./names.js";
import { offerRecord } from "./record.js";
import { UserChoice } from "./user-choice.js";
import { doing } from "./work.js";
/** @import { CardParts, SiteChange, StaffCamera } from "./types.js" */

export class CameraManage {
  place = element("details", { class: "more" });
  check;
  #parts;
  #camera;
  #names;
  #user;
  #switch = element("button", { class: "act", type: "button" });
  #said = element("p", { class: "said", role: "alert" });

  /** @param {CardParts} parts @param {StaffCamera} camera */
  constructor(parts, camera) {
    this.#parts = parts;
    this.#camera = camera;
    const { words, site } = parts;
    this.check = new CameraCheck(parts, camera.id);
    this.#names = new Names(words, { id: `rename-${camera.id}`, label: words.text("camera.name") });
    this.#user = new UserChoice(words, camera.id);
    const rename = element("form", { class: "fields" }, ...this.#names.parts, ...this.#user.parts);
    rename.append(element("div", { class: "acts" }, element("button", { class: "act", type: "submit" }, words.text("camera.rename"))));
    rename.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#do(() => this.#save());
    });
    this.#switch.addEventListener("click", () => void this.#do(() => this.#toggle()));
    const find = `#/${encodeURIComponent(site)}/find/${encodeURIComponent(camera.id)}`;
    const replace = element("a", { class: "act", href: find }, words.text("camera.replace"));
    const remove = element("button", { class: "act danger", type: "button" }, words.text("camera.remove"));
    remove.addEventListener("click", () => void this.#do(() => this.#remove()));
    const acts = element("div", { class: "acts" }, this.check.button, replace, offerRecord(parts, site, camera.id), this.#switch, remove);
    this.place.append(
      element("summary", {}, words.text("camera.manage")),
      element("div", { class: "fields" }, rename, acts, this.check.place, this.#said),
    );
    this.place.addEventListener("toggle", () => {
      if (this.place.open) void this.#do(() => this.#read());
    });
  }

  close() {
    this.check.close();
  }

  /** @param {StaffCamera} camera */
  show(camera) {
    this.#camera = camera;
    const { words } = this.#parts;
    this.#switch.textContent = words.text(camera.state === "disabled" ? "camera.on" : "camera.off");
    this.#names.show(camera.name);
  }

  /** @param {() => Promise<unknown>} work */
  #do(work) {
    return doing(this.#parts.words, this.place, this.#said, work);
  }

  async #read() {
    const { api, site } = this.#parts;
    this.#user.show(await api.settings(site));
  }

  get #called() {
    const { id, name } = this.#camera;
    return this.#parts.words.name(name) || id;
  }

  async #save() {
    const { words } = this.#parts;
    const name = this.#names.value;
    const same = JSON.stringify(Object.entries(name).sort()) === JSON.stringify(Object.entries(this.#camera.name).sort());
    const change = { ...(same ? {} : { name }), ...this.#user.change };
    if (Object.keys(change).length === 0) return;
    await this.#apply(change, { question: words.text("plan.ask", { name: this.#called }), yes: words.text("plan.go") });
    await this.#read();
  }

  async #toggle() {
    const { words } = this.#parts;
    const enabled = this.#camera.state === "disabled";
    const question = words.text("camera.off.ask", { name: this.#called });
    await this.#apply({ enabled }, { question, yes: words.text("camera.off"), always: !enabled });
  }

  async #remove() {
    const { api, words, site, names, changed } = this.#parts;
    const { id } = this.#camera;
    const ahead = await api.remove(site, id, { preview: true });
    const question = words.text("camera.remove.ask", { name: this.#called });
    const note = words.text("camera.remove.note");
    const yes = words.text("camera.remove");
    if (!(await agreed(words, { ahead, question, yes, note, names: names(), always: true }))) return;
    await api.remove(site, id, { version: ahead.version });
    changed();
  }

  /** @param {SiteChange} change @param {{question: string, yes: string, always?: boolean}} asking */
  async #apply(change, asking) {
    const { api, words, site, names, changed } = this.#parts;
    const { id } = this.#camera;
    const ahead = await api.change(site, id, change, true);
    if (!(await agreed(words, { ...asking, ahead, names: names() }))) return;
    await api.change(site, id, { ...change, version: ahead.version });
    changed();
  }
}
