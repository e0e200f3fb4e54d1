/** Looks at one registered camera now: what it sends, whether residents can see it, and its picture. */
import { element } from "../element.js";
import { Following } from "./following.js";
import { SightingCard } from "./sighting-card.js";
import { sayError } from "./told.js";
/** @import { CardParts } from "./types.js" */

export class CameraCheck {
  place = element("div", { class: "check" });
  button = element("button", { class: "act", type: "button" });
  #parts;
  #camera;
  #said = element("p", { class: "progress", role: "status" });
  /** @type {Following|null} */
  #following = null;
  /** @type {SightingCard|null} */
  #card = null;

  /** @param {CardParts} parts @param {string} camera */
  constructor(parts, camera) {
    this.#parts = parts;
    this.#camera = camera;
    this.button.append(parts.words.text("check"));
    this.button.addEventListener("click", () => void this.#check());
    this.place.append(this.#said);
    this.place.hidden = true;
  }

  close() {
    this.#following?.close();
  }

  async #check() {
    const { api, words, site } = this.#parts;
    this.button.disabled = true;
    this.place.hidden = false;
    this.#card?.card.remove();
    this.#card = null;
    this.#busy(words.text("check.busy"));
    try {
      const { cameras } = await api.settings(site);
      const address = cameras.find(({ id }) => id === this.#camera);
      const target = address?.onvif ?? address?.rtsp ?? "";
      const survey = await api.startSurvey(site, [target]);
      this.#following = new Following(api, site, {
        sighting: (sighting) => this.#show(survey.id).take(sighting, this.#camera),
        progress: ({ state, progress }) => {
          if (state === "running") this.#busy(words.text("check.busy"));
          else this.#done(words.text("check.done", { seconds: progress.seconds.toFixed(0) }));
        },
        failed: (error) => this.#done(sayError(words, error)),
      });
      this.#following.take(survey);
    } catch (error) {
      this.#done(sayError(words, error));
    }
  }

  /** @param {string} survey */
  #show(survey) {
    if (this.#card) return this.#card;
    const { api, words, lines, site } = this.#parts;
    const card = new SightingCard({
      ...{ api, words, lines, site, survey, instead: "" },
      cameras: () => [],
      alone: () => true,
      again: null,
    });
    this.#card = card;
    this.place.prepend(card.card);
    return card;
  }

  /** @param {string} text */
  #busy(text) {
    this.#said.classList.add("busy");
    this.#said.textContent = text;
  }

  /** @param {string} text */
  #done(text) {
    this.#said.classList.remove("busy");
    this.#said.textContent = text;
    this.button.disabled = false;
  }
}
