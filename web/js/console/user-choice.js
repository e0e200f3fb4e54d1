/** Which of the building's users a camera is asked as. Passwords never come here: only what they are called by. */
import { element } from "../element.js";
/** @import { Words } from "../i18n.js" */
/** @import { CameraUser, SiteChange, SiteSettings } from "./types.js" */

const NOBODY = "nobody";
const OWN = "own";

export class UserChoice {
  /** @type {HTMLElement[]} */
  parts;
  #words;
  #camera;
  #field;
  #before = "";
  /** What each choice stands for in the file. @type {Map<string, unknown>} */
  #keys = new Map();

  /** @param {Words} words @param {string} camera */
  constructor(words, camera) {
    this.#words = words;
    this.#camera = camera;
    this.#field = element("select", { id: `user-of-${camera}` });
    this.parts = [element("label", { for: this.#field.id }, words.text("user")), this.#field];
    this.#show(false);
  }

  /** @param {SiteSettings} settings */
  show({ users, cameras }) {
    const words = this.#words;
    const now = cameras.find(({ id }) => id === this.#camera)?.user ?? null;
    this.#keys = new Map(users.map(({ reference, username, key }) => [said({ reference, username }), key]));
    const choices = [...this.#keys.keys()].map((text) => element("option", { value: text }, text));
    const mine = now ? said(now) : "";
    if (now && !this.#keys.has(mine)) choices.unshift(element("option", { value: OWN }, mine));
    // A building's only user is everybody's: a camera goes without only where there is a choice.
    if (!now || users.length > 1) choices.push(element("option", { value: NOBODY }, words.text("user.none")));
    this.#field.replaceChildren(...choices);
    this.#before = now ? (this.#keys.has(mine) ? mine : OWN) : NOBODY;
    this.#field.value = this.#before;
    this.#show(choices.length > 1);
  }

  /** What is to be changed, nothing while the choice is what it was. @returns {SiteChange} */
  get change() {
    const { value } = this.#field;
    if (value === "" || value === this.#before) return {};
    return { credential: value === NOBODY ? null : (this.#keys.get(value) ?? null) };
  }

  /** @param {boolean} shown */
  #show(shown) {
    for (const part of this.parts) part.hidden = !shown;
  }
}

/** @param {CameraUser} user */
function said({ username, reference }) {
  return `${username} · ${reference}`;
}
