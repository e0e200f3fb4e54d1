/** One camera that a survey has come across: what it is, how residents will see it, and the form that registers it. */
import { element } from "../element.js";
import { RegisterForm } from "./register-form.js";
import { codecName } from "./sayings.js";
import { adviceItem, failureLines, remarkSpans } from "./told.js";
/** @import { Words } from "../i18n.js" */
/** @import { Lines } from "../player/lines.js" */
/** @import { StaffApi } from "./api.js" */
/** @import { Sighting, StaffCamera } from "./types.js" */

/** @type {Record<string, string>} */
const STATES = { found: "sighting.found", interviewed: "sighting.interviewed" };
/** @type {Record<string, string>} */
const VERDICTS = {
  everywhere: "verdict.everywhere",
  somewhere: "verdict.somewhere",
  nowhere: "verdict.nowhere",
  unknown: "verdict.unknown",
};
/** @type {Record<string, string>} */
const TONES = { everywhere: "good", somewhere: "bad", nowhere: "bad" };

/**
 * `instead` is the camera that is to be replaced, "" for none; without `again` the card only shows.
 * @typedef {{api: StaffApi, words: Words, lines: Lines, site: string, survey: string, instead: string,
 *   cameras: () => StaffCamera[], alone: (target: string) => boolean,
 *   again: ((target: string) => void)|null}} SightingParts
 */

export class SightingCard {
  card;
  #parts;
  target = "";
  /** None of the building's cameras yet. */
  isNew = false;
  #screen = element("div", { class: "screen" });
  #picture = element("img", { alt: "", hidden: true });
  #name = element("h3");
  #chip = element("span", { class: "chip-still" });
  #state = element("p", { class: "state" });
  #facts = element("p", { class: "facts" });
  #alarms = element("div", { class: "why", hidden: true });
  #advice = element("ul", { class: "advice" });
  #acts = element("div", { class: "acts" });
  /** @type {RegisterForm|null} */
  #form = null;
  #shown = "";
  #shownOf = "";

  /** @param {SightingParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.card = element(parts.again ? "li" : "div", { class: parts.again ? "camera sighting" : "sighting" });
    this.#chip.hidden = !parts.again;
    this.#screen.append(this.#picture);
    const told = element("div", { class: "told" }, element("div", { class: "line" }, this.#name, this.#chip), this.#state);
    told.append(this.#facts, this.#alarms, this.#advice, this.#acts);
    this.card.append(this.#screen, told);
  }

  /** Somebody is registering it. */
  get busy() {
    return this.#form !== null;
  }

  /** @param {Sighting} sighting */
  show(sighting) {
    const { words, cameras, alone } = this.#parts;
    this.target = sighting.target;
    this.isNew = !sighting.camera;
    const { camera, label, address, main, state, channel, failure, verdict } = sighting;
    this.#name.textContent = makeOf(sighting) || label || address;
    const known = cameras().find(({ id }) => id === camera);
    const name = known ? words.name(known.name) || known.id : (camera ?? "");
    this.#chip.textContent = camera ? words.text("sighting.known", { name }) : words.text("sighting.new");
    this.#chip.dataset["new"] = String(!camera);
    const size = main && main.width > 0 ? `${main.width}×${main.height}` : "";
    const fps = main?.fps ? `${Math.round(main.fps)} fps` : "";
    const facts = [address, alone(this.target) ? "" : (channel ?? ""), codecName(main?.codec ?? ""), size, fps].filter(Boolean);
    this.#facts.replaceChildren(...facts.map((one) => element("span", {}, one)));
    this.#say(sighting);
    const moved = sighting.moved_from ? [words.text("sighting.moved", { host: sighting.moved_from })] : [];
    this.#alarms.hidden = sighting.remarks.length === 0 && moved.length === 0 && !failure;
    this.#alarms.replaceChildren(
      ...moved.map((line) => element("p", {}, line)),
      ...failureLines(words, failure),
      ...sighting.remarks.map((remark) => element("p", {}, ...remarkSpans(words, remark))),
    );
    const advice = failure ? [] : (verdict?.reasons ?? []);
    this.#advice.replaceChildren(...advice.map((one) => adviceItem(words, one)));
    this.#screen.hidden = state === "failed" && !sighting.picture;
    this.#offer(sighting);
    this.card.toggleAttribute("aria-busy", state === "found" || state === "interviewed");
    void this.#show(sighting.picture ?? "");
  }

  /** Show a sighting if it is of this camera, or of nobody better. @param {Sighting} sighting @param {string} camera */
  take(sighting, camera) {
    if (this.#shownOf === camera && sighting.camera !== camera) return;
    this.#shownOf = sighting.camera ?? "";
    this.show(sighting);
  }

  /** @param {StaffCamera} camera of the building that is changed */
  hear(camera) {
    this.#form?.hear(camera);
  }

  /** @param {Sighting} sighting */
  #say({ state, verdict, failure }) {
    const { words } = this.#parts;
    const waiting = STATES[state];
    this.#state.dataset["tone"] = failure ? "bad" : (TONES[verdict?.playable ?? ""] ?? "calm");
    if (failure) this.#state.textContent = words.text("sighting.failed");
    else if (waiting) this.#state.textContent = words.text(waiting);
    else this.#state.textContent = words.text(VERDICTS[verdict?.playable ?? "unknown"] ?? "verdict.unknown");
  }

  /** @param {Sighting} sighting */
  #offer(sighting) {
    const { words, again, instead } = this.#parts;
    if (this.#form || !again) return;
    const label = words.text("sighting.again.this", { name: this.#name.textContent ?? "" });
    const look = element("button", { class: "act", type: "button", "aria-label": label });
    look.addEventListener("click", () => again(sighting.target));
    look.append(words.text("sighting.again"));
    const acts = sighting.state === "probed" || sighting.state === "failed" ? [look] : [];
    if (sighting.state === "probed" && (!sighting.camera || sighting.moved_from)) {
      const register = element("button", { class: "main-act", type: "button", onclick: () => this.#register(sighting) });
      const act = sighting.camera ? "sighting.update" : instead ? "sighting.instead" : "sighting.register";
      register.append(words.text(act));
      acts.unshift(register);
    }
    // A button that somebody is about to press stays the same one.
    const labels = (/** @type {Element[]} */ buttons) => buttons.map(({ textContent }) => textContent).join();
    if (labels(acts) !== labels([...this.#acts.children])) this.#acts.replaceChildren(...acts);
  }

  /** @param {Sighting} sighting */
  #register(sighting) {
    const cancel = () => this.#cancel(sighting);
    const done = () => this.card.replaceChildren(element("div", { class: "told" }, place));
    this.#form = new RegisterForm({ ...this.#parts, sighting, cancel, done });
    const { place } = this.#form;
    this.#acts.replaceChildren();
    this.#acts.before(place);
    this.#form.focus();
  }

  /** @param {Sighting} sighting */
  #cancel(sighting) {
    this.#form?.place.remove();
    this.#form = null;
    this.#offer(sighting);
    this.#acts.querySelector("button")?.focus();
  }

  /** @param {string} where the picture's path, "" while there is none */
  async #show(where) {
    if (!where || where === this.#shown) return;
    this.#shown = where;
    const blob = await this.#parts.api.poster(where).catch(() => null);
    if (!blob) return;
    this.#picture.src = URL.createObjectURL(blob);
    await this.#picture.decode().catch(() => {});
    URL.revokeObjectURL(this.#picture.src);
    this.#picture.hidden = false;
  }
}

/** Many makers write their name into the model too. @param {Sighting} sighting */
function makeOf({ make, model }) {
  return model.toLowerCase().startsWith(make.toLowerCase()) ? model : `${make} ${model}`.trim();
}
