/** One camera of a building: its picture, its video on a tap, its state and why, and what can be changed. */
import { element } from "../element.js";
import { CameraPlayer } from "../player/camera-player.js";
import { CameraManage } from "./camera-manage.js";
import { cameraState, facts, since, toneOf } from "./sayings.js";
/** @import { CardParts, StaffCamera } from "./types.js" */

export class CameraCard {
  card = element("li", { class: "camera" });
  #words;
  #player = new CameraPlayer();
  #state = element("p", { class: "state" });
  #why = element("div", { class: "why", lang: "en", hidden: true });
  #facts = element("p", { class: "facts" });
  #manage;

  /** @param {CardParts} parts @param {StaffCamera} camera */
  constructor(parts, camera) {
    const { api, words, lines, site } = parts;
    this.#words = words;
    Object.assign(this.#player, { api, words, lines });
    this.#player.setAttribute("site", site);
    this.#player.setAttribute("camera", camera.id);
    this.#player.toggleAttribute("sound", true);
    this.#manage = new CameraManage(parts, camera);
    const told = element("div", { class: "told" }, this.#state, this.#why, this.#facts, this.#manage.place);
    this.card.append(this.#player, told);
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
    this.#manage.show(camera);
  }
}
