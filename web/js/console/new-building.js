/** Adds a building: what people call it, where its cameras are, and who may watch. */
import { element, icon } from "../element.js";
import { Names } from "./names.js";
import { suggestId } from "./naming.js";
import { doing } from "./work.js";
/** @import { ServerEvent } from "../types.js" */
/** @import { NewSite, RoomParts, SiteDraft } from "./types.js" */

const BACK = "m14.5 5-7 7 7 7";
const ACCESS = ["ticket", "staff", "public"];
// The gateway takes a new file over within a second; a busy machine needs more.
const TAKEN_OVER_MS = 15_000;
const LOOK_MS = 300;
const PLAIN = { autocapitalize: "none", autocomplete: "off", spellcheck: "false" };

export class NewBuilding {
  pane = element("section", { class: "building" });
  #api;
  #words;
  #taken;
  #heading = element("h2", { tabindex: "-1" });
  #names;
  #id = element("input", { id: "new-id", pattern: "[a-z0-9]+(-[a-z0-9]+)*", maxlength: "40", required: true, ...PLAIN });
  #subnets = element("input", { id: "new-subnets", ...PLAIN });
  #interface = element("input", { id: "new-interface", list: "new-interfaces", maxlength: "15", ...PLAIN });
  #interfaces = element("datalist", { id: "new-interfaces" });
  #user = element("select", { id: "new-user" });
  #address = element("input", { id: "new-address", ...PLAIN });
  #access = element("select", { id: "new-access" });
  #own = element("div", { class: "fields", hidden: true });
  #said = element("p", { class: "said", role: "alert" });
  /** Somebody has written an id of their own. */
  #ownId = false;
  /** @type {NewSite["users"]} */
  #users = [];

  /** @param {RoomParts} parts */
  constructor({ api, words, taken }) {
    this.#api = api;
    this.#taken = taken;
    this.#words = words;
    this.#heading.append(words.text("new"));
    this.#names = new Names(words, { id: "new-name", label: words.text("building.name") });
    this.#names.first.addEventListener("input", () => {
      if (!this.#ownId) this.#id.value = suggestId(this.#names.first.value, taken());
    });
    this.#id.addEventListener("input", () => (this.#ownId = true));
    for (const access of ACCESS) this.#access.append(element("option", { value: access }, words.text(`access.${access}`)));
    const back = element("a", { class: "back always", href: "#/", "aria-label": words.text("back") }, icon("", BACK));
    const form = element("form", { class: "fields card" }, ...this.#names.parts, ...this.#fields());
    form.append(this.#said, element("div", { class: "acts" }, element("button", { class: "main-act", type: "submit" }, words.text("new.send"))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void doing(words, form, this.#said, () => this.#add());
    });
    const head = element("header", { class: "head" }, back, element("div", { class: "title" }, this.#heading));
    this.pane.append(head, form);
    void doing(words, form, this.#said, () => this.#propose());
  }

  focus() {
    this.#heading.focus({ preventScroll: true });
  }

  close() {}

  /** @param {ServerEvent} _event */
  hear(_event) {}

  #fields() {
    const words = this.#words;
    this.#own.append(...labelled(words.text("new.address"), this.#address), hint(words.text("new.address.hint")));
    return [
      ...labelled(words.text("register.id"), this.#id),
      hint(words.text("new.id.hint")),
      ...labelled(words.text("new.subnets"), this.#subnets),
      hint(words.text("new.subnets.hint")),
      ...labelled(words.text("new.interface"), this.#interface),
      this.#interfaces,
      ...labelled(words.text("user"), this.#user),
      hint(words.text("new.user.hint")),
      ...labelled(words.text("new.access"), this.#access),
      this.#own,
    ];
  }

  async #propose() {
    const { own_address, address, interfaces, users } = await this.#api.newSite();
    this.#users = users;
    this.#own.hidden = !own_address;
    this.#address.value = address ?? "";
    this.#interfaces.replaceChildren(...interfaces.map((name) => element("option", { value: name })));
    const said = users.map(({ username, reference }, n) => element("option", { value: String(n) }, `${username} · ${reference}`));
    this.#user.replaceChildren(...said, element("option", { value: "" }, this.#words.text("user.none")));
  }

  async #add() {
    const draft = this.#draft();
    await this.#api.addSite(draft);
    const deadline = Date.now() + TAKEN_OVER_MS;
    while (Date.now() < deadline && !this.#taken().includes(draft.id)) {
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
    }
    location.hash = `#/${draft.id}/find`;
  }

  /** @returns {SiteDraft} */
  #draft() {
    const subnets = this.#subnets.value.split(/[\s,;]+/).filter(Boolean);
    const user = this.#user.value === "" ? undefined : this.#users[Number(this.#user.value)];
    return {
      id: this.#id.value.trim(),
      name: this.#names.value,
      access: this.#access.value,
      subnets,
      interface: this.#interface.value.trim(),
      users: user ? [{ username: user.username, reference: user.reference }] : [],
      ...(this.#own.hidden ? {} : { address: this.#address.value.trim() }),
    };
  }
}

/** @param {string} text @param {HTMLElement} field */
function labelled(text, field) {
  return [element("label", { for: field.id }, text), field];
}

/** @param {string} text */
function hint(text) {
  return element("p", { class: "hint" }, text);
}
