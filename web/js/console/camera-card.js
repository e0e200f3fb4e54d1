/** One camera of a building: its picture, its video on a tap, and all that is known of its state. */
import { element } from "../element.js";
import { CameraPlayer } from "../player/camera-player.js";
import { cameraState, facts, since, toneOf } from "./sayings.js";
/** @import { Api } from "../api.js" */
/** @import { Words } from "../i18n.js" */
/** @import { Lines } from "../player/lines.js" */
/** @import { StaffCamera } from "./types.js" */

export class CameraCard {
  card = element("li", { class: "camera" });
  #words;
  #player = new CameraPlayer();
  #state = element("p", { class: "state" });
  #why = element("div", { class: "why", lang: "en", hidden: true });
  #facts = element("p", { class: "facts" });

  /** @param {{api: Api, words: Words, lines: Lines, site: string}} parts @param {StaffCamera} camera */
  constructor({ api, words, lines, site }, camera) {
    this.#words = words;
    Object.assign(this.#player, { api, words, lines });
    this.#player.setAttribute("site", site);
    this.#player.setAttribute("camera", camera.id);
    this.#player.toggleAttribute("sound", true);
    this.card.append(this.#player, element("div", { class: "told" }, this.#state, this.#why, this.#facts));
    this.show(camera);
  }

  /** @param {StaffCamera} camera */
  show(camera) {
    const words = this.#words;
    this.#player.setAttribute("label", words.name(camera.name) || camera.id);
    this.#player.setAttribute("poster", camera.poster ?? "");
    // A card is small; the full screen takes the large stream by itself.
    this.#player.toggleAttribute("low", camera.has_sub);
    this.#player.status = camera;
    this.#state.dataset["tone"] = toneOf(camera.state);
    this.#state.textContent = since(words, cameraState(words, camera.state), camera.since);
    const lines = [camera.reason, camera.hint].filter(Boolean);
    this.#why.hidden = lines.length === 0;
    this.#why.replaceChildren(...lines.map((line) => element("p", {}, line)));
    this.#facts.replaceChildren(...[camera.id, ...facts(words, camera)].map((one) => element("span", {}, one)));
  }
}
