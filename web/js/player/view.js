/**
 * The inside of a player: its elements, and how they show a saying. It decides nothing.
 */
import { element, icon } from "../element.js";
import { look } from "./look.js";
/** @import { Acts, Phase, Picture, Saying } from "../types.js" */
/** @import { Words } from "../i18n.js" */

const PLAY = "M7 4.5v15l12.5-7.5z";
const AGAIN = ["M20 11a8 8 0 1 0-2.5 6.5", "M20 5v6h-6"];
const PAUSE = ["M8.5 5.5v13", "M15.5 5.5v13"];
const LOUD = ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z", "M15.5 9a4.5 4.5 0 0 1 0 6", "M18 6.5a8 8 0 0 1 0 11"];
const MUTED = ["M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z", "m16 9.5 5 5", "m21 9.5-5 5"];
const ENLARGE = ["M14 4h6v6", "m20 4-7 7", "M10 20H4v-6", "m4 20 7-7"];
const CLOSE = ["M6 6l12 12", "M18 6 6 18"];
const DOOR = ["M7 21V3.5h10V21", "M4.5 21h15", "M14 12.5v.5"];

const SPOKEN_MS = 1_500;
const BUSY_MS = 400;

export class View {
  screen;
  frame;
  controls;
  video = element("video", { part: "video", playsinline: true, disableremoteplayback: true });
  #still = element("canvas", { class: "still", part: "still" });
  #spinner = element("span", { class: "spinner", part: "spinner", hidden: true });
  #note = element("div", { class: "note", part: "note" });
  #taken = element("span", { class: "taken", part: "taken", hidden: true });
  #label = element("h2", { class: "label", part: "label" });
  #state = element("span", { class: "state", part: "state" });
  #spoken = element("span", { class: "spoken", role: "status" });
  #start;
  #stop;
  #mute;
  #enlarge;
  #root;
  #large = false;
  #speaking = 0;
  #spinning = 0;

  /** @param {ShadowRoot} root @param {Acts} acts */
  constructor(root, acts) {
    this.#root = root;
    root.adoptedStyleSheets = [look()];
    this.video.muted = true;
    this.#start = element("button", { type: "button", class: "start", part: "start", onclick: acts.start });
    this.#stop = element("button", { type: "button", onclick: acts.stop }, icon("", ...PAUSE));
    this.#mute = element("button", { type: "button", onclick: acts.mute });
    this.#enlarge = element("button", { type: "button", class: "enlarge", onclick: acts.enlarge });
    this.controls = element("div", { class: "controls", part: "controls" }, this.#stop, this.#mute, this.#enlarge);
    this.screen = element(
      "div",
      { class: "screen", part: "screen" },
      icon("blank", ...DOOR),
      this.#still,
      this.video,
      this.#spinner,
      this.#note,
      this.#taken,
      this.#start,
      this.controls,
    );
    // A touch of the picture is what everybody tries first; the button says so to those who do not see it.
    this.video.addEventListener("click", () => this.#large || acts.enlarge());
    const caption = element("div", { class: "caption", part: "caption" }, this.#label, this.#state);
    caption.append(element("slot", { name: "actions" }));
    this.frame = element("div", { class: "frame", part: "frame", role: "group" }, this.screen, caption, this.#spoken);
    root.append(this.frame);
  }

  /** @param {Picture} picture @param {Words} words */
  show({ label, phase, saying, taken, sound, large }, words) {
    const focused = this.#root.activeElement;
    const playing = phase === "connecting" || phase === "live" || phase === "silent";
    this.screen.dataset["phase"] = phase;
    this.screen.dataset["veil"] = saying.title ? "dark" : phase === "live" ? "none" : "light";
    this.frame.setAttribute("aria-label", label);
    this.video.setAttribute("aria-label", words.text("video.of", { name: label }));
    setText(this.#label, label);
    setText(this.#state, saying.short);
    this.#state.dataset["tone"] = saying.tone;
    this.#showNote(saying);
    this.#spin(phase === "connecting");
    setText(this.#taken, taken && words.text("taken", { time: taken }));
    this.#taken.hidden = !taken || saying.title !== "" || (phase !== "idle" && phase !== "paused");
    this.#showStart(phase, saying, label, words);
    this.#stop.hidden = !playing;
    name(this.#stop, words.text("stop"));
    this.#enlarge.hidden = !playing && !large;
    if (large !== this.#large || this.#enlarge.childElementCount === 0) {
      this.#large = large;
      this.#enlarge.replaceChildren(icon("", ...(large ? CLOSE : ENLARGE)));
    }
    name(this.#enlarge, words.text(large ? "enlarge.leave" : "enlarge"));
    this.#mute.hidden = !playing || !sound;
    this.#mute.replaceChildren(icon("", ...(this.video.muted ? MUTED : LOUD)));
    name(this.#mute, words.text(this.video.muted ? "sound.on" : "sound.off"));
    // Who works with the keyboard finds the hand where it was, on what the button has become.
    if (focused instanceof HTMLButtonElement && focused.hidden) (playing ? this.#stop : this.#start).focus();
  }

  /** Tell a screen reader, after a moment: only what lasts is worth saying. @param {string} text */
  speak(text) {
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => setText(this.#spoken, text), SPOKEN_MS);
  }

  /** Keep the picture that the video shows now, for the time when there is none. */
  keepStill() {
    this.showStill(this.video, this.video.videoWidth, this.video.videoHeight);
  }

  /** Drawn, not linked: a page's security policy need not allow it. @param {CanvasImageSource} picture @param {number} width @param {number} height */
  showStill(picture, width, height) {
    if (width === 0) return;
    this.#still.width = width;
    this.#still.height = height;
    this.#still.getContext("2d")?.drawImage(picture, 0, 0);
    this.#still.classList.add("kept");
  }

  /** A copy of the picture that is shown now. */
  get picture() {
    if (this.screen.dataset["phase"] === "live") this.keepStill();
    return this.#still;
  }

  /** Stop what would act later. */
  close() {
    clearTimeout(this.#speaking);
    clearTimeout(this.#spinning);
  }

  /** @param {Saying} saying */
  #showNote({ title, hint }) {
    const [strong, span] = this.#note.children;
    if (!title) this.#note.replaceChildren();
    else if (strong && span) {
      setText(strong, title);
      setText(span, hint);
    } else this.#note.replaceChildren(element("strong", {}, title), element("span", {}, hint));
  }

  /** A connection that stands at once shows no spinner. @param {boolean} busy */
  #spin(busy) {
    if (busy === this.#spinning > 0) return;
    clearTimeout(this.#spinning);
    this.#spinning = 0;
    if (busy) this.#spinning = setTimeout(() => (this.#spinner.hidden = false), BUSY_MS);
    else this.#spinner.hidden = true;
  }

  /** @param {Phase} phase @param {Saying} saying @param {string} label @param {Words} words */
  #showStart(phase, saying, label, words) {
    const again = saying.title !== "";
    this.#start.hidden = saying.final || (phase !== "idle" && phase !== "waiting" && phase !== "refused");
    this.#start.classList.toggle("again", again);
    if (this.#start.childElementCount === 0 || this.#start.dataset["again"] !== String(again)) {
      this.#start.dataset["again"] = String(again);
      this.#start.replaceChildren(element("span", {}, icon("", ...(again ? AGAIN : [PLAY]))));
    }
    name(this.#start, words.text(again ? "start.again" : "start", { name: label }));
  }
}

/** Writes only a change: nothing is read out twice. @param {Element} target @param {string} text */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** @param {HTMLElement} button @param {string} text */
export function name(button, text) {
  button.setAttribute("aria-label", text);
  button.title = text;
}
