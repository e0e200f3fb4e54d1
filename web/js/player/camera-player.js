/** `<camera-player>`: plays one camera and says honestly what happens to it. web/README.md tells how to use it. */
import { Api } from "../api.js";
import { pageLanguage, Words } from "../i18n.js";
import { next, START } from "./player-state.js";
import { say } from "./sentences.js";
import { Session } from "./session.js";
import { View } from "./view.js";
/** @import { Camera, PlayerEvent, State } from "../types.js" */
/** @import { Lines } from "./lines.js" */

const PLAYABLE = new Set(["live", "idle"]);
const TOLD = new Set(["silent", "waiting", "refused", "offline"]);
const HOLDING = new Set(["connecting", "live", "silent", "waiting"]);

export class CameraPlayer extends HTMLElement {
  static observedAttributes = ["label", "autoplay", "low", "poster"];

  /** @type {Api|null} */
  api = null;
  /** @type {Words|null} */
  words = null;
  /** @type {Lines|null} */
  lines = null;

  /** @type {State} */
  #state = next(START, { type: "hide" }, 0, 0);
  /** @type {Camera|null} */
  #status = null;
  #view;
  /** @type {Session|null} */
  #session = null;
  /** @type {AbortController|null} */
  #attached = null;
  #timer = 0;
  #onScreen = false;
  /** Whether a person started it, stopped it, or neither. */
  #hand = /** @type {"none"|"started"|"stopped"} */ ("none");
  #posterPath = "";
  #posterUrl = "";
  #taken = 0;
  #told = false;

  constructor() {
    super();
    this.#view = new View(this.attachShadow({ mode: "open" }), {
      start: () => this.play(),
      stop: () => this.pause(),
      mute: () => this.#mute(),
      full: () => void this.#view.toggleFull().catch(() => {}),
    });
  }

  /** What it does now: see player-state.js. */
  get phase() {
    return this.#state.phase;
  }

  /** The video inside, for those who count its pictures. */
  get video() {
    return this.#view.video;
  }

  /** What the board says of this camera. @param {Camera} status */
  set status(status) {
    this.#status = status;
    this.#send({ type: "board", up: PLAYABLE.has(status.state) });
    this.#render();
  }

  /** Play because a person asked for it. */
  play() {
    this.#hand = "started";
    this.#send({ type: "play" });
  }

  /** Stop until a person asks again. */
  pause() {
    this.#hand = "stopped";
    this.#send({ type: "stop" });
  }

  /** Another player needs the place (see lines.js). */
  makeRoom() {
    this.#hand = "none";
    this.#send({ type: "stop" });
  }

  /** A place became free (see lines.js). */
  roomCame() {
    this.#auto();
  }

  connectedCallback() {
    this.#attached = new AbortController();
    const { signal } = this.#attached;
    const seen = new IntersectionObserver((entries) => {
      this.#onScreen = entries.at(-1)?.isIntersecting ?? false;
      this.#see();
    });
    seen.observe(this);
    signal.addEventListener("abort", () => seen.disconnect());
    document.addEventListener("visibilitychange", () => this.#see(), { signal });
    document.addEventListener("fullscreenchange", () => this.#tune(), { signal });
    addEventListener("online", () => this.#send({ type: "online" }), { signal });
    addEventListener("offline", () => this.#send({ type: "offline" }), { signal });
    addEventListener("pagehide", () => this.#leave(), { signal });
    addEventListener("pageshow", () => this.#see(), { signal });
    if (!navigator.onLine) this.#send({ type: "offline" });
    void this.#prepare();
  }

  disconnectedCallback() {
    this.#attached?.abort();
    this.#attached = null;
    this.#leave();
    this.#view.close();
    URL.revokeObjectURL(this.#posterUrl);
    this.#posterUrl = "";
    this.#posterPath = "";
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (name === "autoplay") this.#auto();
    else if (name === "low") this.#tune();
    else this.#render();
  }

  /** A player that nobody has given words and a gateway finds its own. */
  async #prepare() {
    const gateway = this.getAttribute("gateway");
    this.api ??= new Api(gateway ? { base: gateway } : {});
    this.words ??= await Words.load(this.api, pageLanguage()).catch(() => new Words("en", {}));
    this.#render();
    this.#auto();
  }

  /** @param {PlayerEvent} event */
  #send(event) {
    const before = this.#state;
    const after = next(before, event, Date.now(), Math.random());
    if (after === before) return;
    this.#state = after;
    this.#connect();
    if (this.#state !== after) return;
    this.#schedule();
    if (after.phase !== before.phase || after.reason !== before.reason) this.#announce(before, after);
    this.#render();
  }

  /** Make the connections be what the state says. */
  #connect() {
    const { line } = this.#state;
    if (!HOLDING.has(this.#state.phase)) this.lines?.give(this);
    if (line === (this.#session?.line ?? 0)) return;
    this.#hangUp();
    if (line === 0) return;
    if (this.lines && !this.lines.take(this, this.#hand === "started")) {
      this.#send({ type: "stop" });
      return;
    }
    this.#dial(line);
  }

  /** @param {number} line */
  #dial(line) {
    if (!this.api) return;
    /** @param {PlayerEvent} event */
    const send = (event) => {
      if (this.#session?.line === line) this.#send(event);
    };
    this.#session = new Session(line, this.api, this.video, {
      frame: () => send({ type: "frame" }),
      quiet: (last) => send({ type: "quiet", last }),
      shaky: () => send({ type: "shaky" }),
      steady: () => send({ type: "steady" }),
      lost: (reason, retryAfter) => send({ type: "lost", reason, retryAfter }),
      refused: (reason, retryAfter) => send({ type: "refused", reason, retryAfter }),
      beforeSwap: () => this.#view.keepStill(),
      blocked: () => this.pause(),
    });
    void this.#session.open(this.#wish());
  }

  #hangUp() {
    if (!this.#session) return;
    if (this.#session.last > 0) {
      this.#view.keepStill();
      this.#taken = this.#session.last;
    }
    this.#session.close();
    this.#session = null;
  }

  #wish() {
    return {
      site: this.getAttribute("site") ?? "",
      camera: this.getAttribute("camera") ?? "",
      low: this.hasAttribute("low") && !this.#view.isFull,
      audio: this.hasAttribute("sound"),
    };
  }

  /** The right resolution for the size; the old connection plays on until the new one does. */
  #tune() {
    this.#see();
    if (this.#state.phase === "live") void this.#session?.change(this.#wish());
    this.#render();
  }

  #see() {
    const visible = (this.#onScreen || this.#view.isFull) && document.visibilityState === "visible";
    this.#send({ type: visible ? "show" : "hide" });
    this.#auto();
  }

  #auto() {
    const may = this.hasAttribute("autoplay") && this.#hand !== "stopped" && this.#state.visible;
    if (may && this.#state.phase === "idle" && this.words && this.isConnected) this.#send({ type: "play" });
  }

  /** The page goes away or the element is taken out: hang up at once. */
  #leave() {
    this.#onScreen = false;
    this.#send({ type: "stop" });
    this.#send({ type: "hide" });
    clearTimeout(this.#timer);
  }

  /** One timer: for the state's next tick, and for the seconds that are counted down. */
  #schedule() {
    clearTimeout(this.#timer);
    const { due, phase } = this.#state;
    if (due === null) return;
    const left = Math.max(0, due - Date.now());
    const pause = phase === "waiting" ? Math.min(left, 1_000) : left;
    this.#timer = setTimeout(() => {
      this.#send({ type: "tick" });
      if (this.#state.due === null) return;
      this.#render();
      this.#schedule();
    }, pause);
  }

  /** @param {State} before @param {State} after */
  #announce(before, after) {
    this.setAttribute("state", after.phase);
    const took = before.phase === "connecting" && after.phase === "live" ? after.since - before.since : null;
    this.dispatchEvent(
      new CustomEvent("statechange", { detail: { phase: after.phase, reason: after.reason, took } }),
    );
    // That a video plays is news only to somebody who asked for it or has heard that it does not.
    const news = after.phase === "live" ? this.#told || this.#hand === "started" : TOLD.has(after.phase);
    if (!this.words || !news) return;
    this.#told = true;
    const { title, short } = say(after, this.#status, this.words, Date.now());
    this.#view.speak(`${this.getAttribute("label") ?? ""}: ${title || short}`);
  }

  #mute() {
    this.video.muted = !this.video.muted;
    this.#render();
  }

  #render() {
    const { words } = this;
    if (!words) return;
    const saying = say(this.#state, this.#status, words, Date.now());
    const taken = this.#taken > 0 ? words.time(this.#taken) : "";
    const sound = this.#session?.hasAudio ?? false;
    const label = this.getAttribute("label") ?? "";
    this.#view.show({ label, phase: this.#state.phase, saying, taken, sound }, words);
    if (this.#state.phase !== "live") void this.#loadPoster();
  }

  /** The last picture, fetched only while there is no better one. */
  async #loadPoster() {
    const path = this.getAttribute("poster") ?? "";
    if (!this.api || !path || path === this.#posterPath) return;
    this.#posterPath = path;
    const url = await this.api.poster(path).catch(() => "");
    if (!url) return;
    URL.revokeObjectURL(this.#posterUrl);
    this.#posterUrl = url;
    const time = Number(new URLSearchParams(path.split("?")[1]).get("t")) * 1_000;
    this.#view.showPoster(url, time > this.#taken);
    this.#taken = Math.max(this.#taken, time);
    this.#render();
  }
}

customElements.define("camera-player", CameraPlayer);
