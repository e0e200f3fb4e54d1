/** One camera of a building: its picture, its video on a tap, its state and why, and what can be changed. */
import { element } from "../element.js";
import { CameraPlayer } from "../player/camera-player.js";
import { CameraManage } from "./camera-manage.js";
import { cameraState, facts, since, toneOf } from "./sayings.js";
import { adviceItem, causeLines } from "./told.js";
/** @import { Words } from "../i18n.js" */
/** @import { CardParts, StaffCamera } from "./types.js" */

export class CameraCard {
  card = element("li", { class: "camera" });
  #words;
  #player = new CameraPlayer();
  #state = element("p", { class: "state" });
  #why = element("div", { class: "why", hidden: true });
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

  /** Nothing comes after this. */
  close() {
    this.#manage.close();
    this.card.remove();
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
    const lines = [...causeLines(words, camera), ...checkedLines(words, camera)];
    this.#why.hidden = lines.length === 0;
    this.#why.dataset["tone"] = toneOf(camera.state);
    this.#why.replaceChildren(...lines);
    this.#facts.replaceChildren(...[camera.id, ...facts(words, camera)].map((one) => element("span", {}, one)));
    this.#manage.show(camera);
  }
}

/**
 * What stands against the video of a camera that plays: only where some browser does not show it.
 * @param {Words} words @param {StaffCamera} camera
 */
function checkedLines(words, { checked }) {
  if (!checked || checked.playable === "everywhere" || checked.playable === "unknown") return [];
  const advice = checked.reasons.map((reason) => adviceItem(words, reason));
  return [element("p", {}, words.text(`verdict.${checked.playable}`)), element("ul", { class: "advice" }, ...advice)];
}
