/** What can be done to a camera: rename, switch, look again, replace, remove; each an edit of the building's file. */
import { element } from "../element.js";
import { ask } from "./ask.js";
import { offerRecord } from "./record.js";
import { sayError } from "./sayings.js";
/** @import { CardParts, StaffCamera } from "./types.js" */

export class CameraManage {
  place = element("details", { class: "more" });
  #parts;
  #camera;
  #name;
  #switch = element("button", { class: "act", type: "button" });
  #said = element("p", { class: "said", role: "alert" });

  /** @param {CardParts} parts @param {StaffCamera} camera */
  constructor(parts, camera) {
    this.#parts = parts;
    this.#camera = camera;
    const { words, site } = parts;
    const id = `rename-${camera.id}`;
    this.#name = element("input", { id, required: true, maxlength: "100", autocomplete: "off", value: words.name(camera.name) });
    const rename = element("form", { class: "line" }, this.#name);
    rename.append(element("button", { class: "act", type: "submit" }, words.text("camera.rename")));
    rename.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#do(() => this.#rename());
    });
    this.#switch.addEventListener("click", () => void this.#do(() => this.#toggle()));
    const find = element("a", { class: "act", href: `#/${encodeURIComponent(site)}/find` }, words.text("camera.replace"));
    const remove = element("button", { class: "act danger", type: "button" }, words.text("camera.remove"));
    remove.addEventListener("click", () => void this.#do(() => this.#remove()));
    const acts = element("div", { class: "acts" }, offerRecord(parts, site, camera.id), this.#switch, find, remove);
    const label = element("label", { for: id }, words.text("register.name"));
    const fields = element("div", { class: "fields" }, label, rename, acts, this.#said);
    this.place.append(element("summary", {}, words.text("camera.manage")), fields);
  }

  /** @param {StaffCamera} camera */
  show(camera) {
    this.#camera = camera;
    const { words } = this.#parts;
    this.#switch.textContent = words.text(camera.state === "disabled" ? "camera.on" : "camera.off");
    if (document.activeElement !== this.#name) this.#name.value = words.name(camera.name);
  }

  /** @param {() => Promise<unknown>} work */
  async #do(work) {
    const buttons = this.place.querySelectorAll("button");
    const hand = /** @type {HTMLElement|null} */ (document.activeElement);
    this.#said.textContent = "";
    for (const button of buttons) button.disabled = true;
    try {
      await work();
    } catch (error) {
      this.#said.textContent = sayError(this.#parts.words, error);
    }
    for (const button of buttons) button.disabled = false;
    // A button that was out of use has lost the keyboard's hand.
    if (document.activeElement === document.body) hand?.focus();
  }

  async #rename() {
    const { api, words, site, changed } = this.#parts;
    const name = { ...this.#camera.name, [words.language]: this.#name.value.trim() };
    // A name without a language is everybody's; beside one it would be read by nobody.
    if (name[""] !== undefined) delete name[""];
    await api.change(site, this.#camera.id, { name });
    changed();
  }

  async #toggle() {
    const { api, words, site, changed } = this.#parts;
    const { id, name, state, viewers } = this.#camera;
    const off = state !== "disabled";
    const question = words.text("camera.off.ask", { name: words.name(name) || id });
    const note = viewers > 0 ? words.text("watching", { n: viewers }) : "";
    if (off && !(await ask(words, { question, note, yes: words.text("camera.off") }))) return;
    await api.change(site, id, { enabled: !off });
    changed();
  }

  async #remove() {
    const { api, words, site, changed } = this.#parts;
    const { id, name, viewers } = this.#camera;
    const question = words.text("camera.remove.ask", { name: words.name(name) || id });
    const note = [words.text("camera.remove.note"), viewers > 0 ? words.text("watching", { n: viewers }) : ""].join(" ");
    if (!(await ask(words, { question, note, yes: words.text("camera.remove") }))) return;
    await api.remove(site, id);
    changed();
  }
}
