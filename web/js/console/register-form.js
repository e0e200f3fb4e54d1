/** Registers a found camera under a name that residents read, and shows it play at the same place. */
import { element } from "../element.js";
import { CameraPlayer } from "../player/camera-player.js";
import { nextEntrance, suggestId } from "./naming.js";
import { offerRecord } from "./record.js";
import { agreed } from "./foresee.js";
import { causeLines, sayError } from "./told.js";
/** @import { SightingParts } from "./sighting-card.js" */
/** @import { NewCamera, Registered, Sighting, StaffCamera } from "./types.js" */

const WAIT_S = 30;

/** @typedef {SightingParts & {sighting: Sighting, cancel: () => void, done: () => void}} RegisterParts */

export class RegisterForm {
  place = element("div", { class: "register" });
  #parts;
  #name;
  #id;
  #instead;
  #user;
  #variable;
  #said = element("p", { class: "said", role: "alert" });
  #send = element("button", { class: "main-act", type: "submit" });
  /** Somebody has written an id of their own. */
  #ownId = false;
  /** @type {CameraPlayer|null} */
  #player = null;
  #camera = "";

  /** @param {RegisterParts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { words, sighting, cameras, cancel } = parts;
    const n = `-${sighting.n}`;
    const taken = cameras().map(({ id }) => id);
    const name = words.text("register.entrance", { number: nextEntrance(taken) });
    const plain = { autocapitalize: "none", autocomplete: "off", spellcheck: "false" };
    const kebab = { pattern: "[a-z0-9]+(-[a-z0-9]+)*", maxlength: "40", required: true };
    this.#name = element("input", { id: `name${n}`, value: name, maxlength: "100", required: true, autocomplete: "off" });
    this.#id = element("input", { id: `id${n}`, ...kebab, ...plain });
    this.#id.value = suggestId(name, taken);
    this.#instead = element("select", { id: `instead${n}` }, element("option", { value: "" }, words.text("register.new")));
    for (const camera of cameras()) {
      const label = words.text("register.instead", { name: words.name(camera.name) || camera.id });
      this.#instead.append(element("option", { value: camera.id }, label));
    }
    this.#instead.value = sighting.camera || parts.instead;
    this.#user = element("input", { id: `user${n}`, ...plain });
    this.#variable = element("input", { id: `variable${n}`, pattern: "[A-Za-z_][A-Za-z0-9_]*", ...plain });
    this.#name.addEventListener("input", () => {
      if (!this.#ownId) this.#id.value = suggestId(this.#name.value, taken);
    });
    this.#id.addEventListener("input", () => (this.#ownId = true));
    const naming = element("div", { class: "fields" }, ...labelled(words.text("register.name"), this.#name));
    naming.append(...labelled(words.text("register.id"), this.#id));
    const showNaming = () => {
      naming.hidden = this.#instead.value !== "";
      for (const field of [this.#name, this.#id]) field.disabled = naming.hidden;
      this.#send.textContent = words.text(naming.hidden ? "register.replace" : "register.send");
    };
    this.#instead.addEventListener("change", showNaming);
    showNaming();
    const back = element("button", { class: "act", type: "button", onclick: cancel }, words.text("cancel"));
    const form = element("form", { class: "fields" });
    if (cameras().length > 0) form.append(...labelled(words.text("register.place"), this.#instead));
    form.append(naming, this.#credentials(), this.#said, element("div", { class: "acts" }, this.#send, back));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#register(form);
    });
    this.place.append(form);
  }

  focus() {
    const first = this.#name.disabled ? this.#instead : this.#name;
    first.focus();
    if (first instanceof HTMLInputElement) first.select();
  }

  /** @param {StaffCamera} camera */
  hear(camera) {
    if (this.#player && camera.id === this.#camera) this.#player.status = camera;
  }

  /** A camera with a user of its own: the password itself never passes through here. */
  #credentials() {
    const { words } = this.#parts;
    const fields = element("div", { class: "fields" });
    fields.append(element("p", { class: "hint" }, words.text("register.user.hint")));
    fields.append(...labelled(words.text("register.user"), this.#user));
    fields.append(...labelled(words.text("register.variable"), this.#variable));
    return element("details", { class: "more" }, element("summary", {}, words.text("register.credentials")), fields);
  }

  /** @param {HTMLFormElement} form */
  async #register(form) {
    const { api, words, site } = this.#parts;
    const instead = this.#instead.value;
    this.#said.textContent = "";
    this.#busy(form, true);
    try {
      const id = this.#id.value.trim();
      const name = { [words.language]: this.#name.value.trim() };
      const done = instead ? await this.#replace(instead) : await api.register(site, { id, name, ...this.#device() });
      if (done) this.#showDone(done, instead || id);
      else this.#busy(form, false);
    } catch (error) {
      this.#busy(form, false);
      this.#said.textContent = sayError(words, error);
    }
  }

  /** Nothing when somebody would lose a picture by it and that was not wanted. @param {string} camera */
  async #replace(camera) {
    const { api, words, site, cameras } = this.#parts;
    const device = this.#device();
    const names = Object.fromEntries(cameras().map(({ id, name }) => [id, name]));
    const { wait_s: _, ...fields } = device;
    const ahead = await api.foreseeReplace(site, camera, fields);
    const question = words.text("plan.replace.ask", { name: words.name(names[camera] ?? {}) || camera });
    if (!(await agreed(words, { ahead, question, yes: words.text("register.replace"), names }))) return null;
    return api.replace(site, camera, { ...device, version: ahead.version });
  }

  /** @param {HTMLFormElement} form @param {boolean} busy */
  #busy(form, busy) {
    const { words } = this.#parts;
    for (const button of form.querySelectorAll("button")) button.disabled = busy;
    if (busy) this.#send.textContent = words.text("register.sending");
    else this.#instead.dispatchEvent(new Event("change"));
  }

  #device() {
    const { survey, sighting } = this.#parts;
    const user = this.#user.value.trim();
    const variable = this.#variable.value.trim();
    /** @type {Omit<NewCamera, "id"|"name">} */
    const device = { survey, sighting: sighting.n, wait_s: WAIT_S };
    if (user) device.credential = variable ? { username: user, password: { env: variable } } : user;
    return device;
  }

  /** @param {Registered} done @param {string} camera */
  #showDone({ live, seconds, reason, hint, record }, camera) {
    const { api, words, lines, site, cameras } = this.#parts;
    this.#camera = camera;
    const player = new CameraPlayer();
    this.#player = player;
    Object.assign(player, { api, words, lines });
    player.setAttribute("site", site);
    player.setAttribute("camera", camera);
    player.setAttribute("label", words.name(cameras().find(({ id }) => id === camera)?.name ?? {}) || this.#name.value);
    player.toggleAttribute("autoplay", true);
    const count = seconds?.toLocaleString(words.language, { maximumFractionDigits: 1 });
    const took = count ? words.text("register.took", { seconds: count }) : words.text("register.done");
    const said = element("p", { class: "state", role: "status", tabindex: "-1", "data-tone": live ? "good" : "bad" });
    said.append(live ? took : words.text("register.notlive"));
    const known = cameras().find(({ id }) => id === camera);
    const why = live ? [] : causeLines(words, { code: "", about: "", ...known, reason, hint });
    const acts = element("div", { class: "acts" });
    if (record) acts.append(offerRecord(this.#parts, site, camera));
    acts.append(element("a", { class: "act", href: `#/${encodeURIComponent(site)}` }, words.text("find.back")));
    this.place.replaceChildren(player, said, ...(why.length > 0 ? [element("div", { class: "why" }, ...why)] : []), acts);
    this.#parts.done();
    said.focus();
  }
}

/** @param {string} text @param {HTMLElement} field */
function labelled(text, field) {
  return [element("label", { for: field.id }, text), field];
}
