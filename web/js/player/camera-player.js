/** `<camera-player>`: plays one camera and says honestly what happens to it. web/README.md tells how to use it. */
import { apiOf, wordsOf } from "./own-gateway.js";
import { next, START } from "./player-state.js";
import { plainlySeen, watchSeen } from "./seen.js";
import { say } from "./sentences.js";
import { Session } from "./session.js";
import { View } from "./view.js";
/** @import { Camera, PlayerEvent, State } from "../types.js" */
/** @import { Api } from "../api.js" */
/** @import { Words } from "../i18n.js" */
/** @import { Lines } from "./lines.js" */

const PLAYABLE = new Set(["live", "idle"]);
const TOLD = new Set(["silent", "waiting", "refused", "offline"]);
const BY_TICKET = new Set(["over", "ticket", "revoked", "closed"]);
const HOLDING = new Set(["connecting", "live", "silent", "waiting"]);

export class CameraPlayer extends HTMLElement {
  static observedAttributes = ["label", "autoplay", "low", "poster", "ticket"];

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
  #turn = { queue: "", tcp: false };
  #onScreen = false;
  /** Whether a person started it, stopped it, or neither. */
  #hand = /** @type {"none"|"started"|"stopped"} */ ("none");
  #posterPath = "";
  #taken = 0;
  #told = false;
  #weak = false;
  /** @type {import("./large.js").Large|null} */
  #large = null;

  constructor() {
    super();
    this.#view = new View(this.attachShadow({ mode: "open" }), {
      start: () => this.play(),
      stop: () => this.pause(),
      mute: () => this.#mute(),
      enlarge: () => void this.#enlarge(),
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
    if (this.words) this.setAttribute("label", this.words.name(status.name));
    this.setAttribute("poster", status.poster ?? "");
    this.toggleAttribute("has-sub", status.has_sub);
    this.#send({ type: "board", up: PLAYABLE.has(status.state) });
    this.#render();
  }

  /** Play because a person asked for it. */
  async play() {
    this.#hand = "started";
    const { phase, reason } = this.#state;
    if (phase === "refused" && BY_TICKET.has(reason ?? "")) await this.api?.renew();
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

  /** Begin at once if it is in sight. */
  look() {
    if (plainlySeen(this)) this.#see(true);
  }

  connectedCallback() {
    const { signal } = (this.#attached = new AbortController());
    watchSeen(this, signal, (seen) => this.#see(seen));
    document.addEventListener("visibilitychange", () => this.#see(), { signal });
    addEventListener("online", () => this.#send({ type: "online" }), { signal });
    addEventListener("offline", () => this.#send({ type: "offline" }), { signal });
    addEventListener("pagehide", () => this.#leave(), { signal });
    addEventListener("pageshow", () => this.#see(), { signal });
    this.video.addEventListener("leavepictureinpicture", () => this.#see(), { signal });
    if (!navigator.onLine) this.#send({ type: "offline" });
    this.#render();
  }

  disconnectedCallback() {
    this.#attached?.abort();
    this.#leave();
    this.#large?.close();
    this.#view.close();
    this.#posterPath = "";
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (name === "autoplay") this.#auto();
    else if (name === "ticket") this.#takeTicket();
    else if (name === "low") this.#tune();
    else this.#render();
  }

  /** A player that stands alone finds words, a gateway and the camera's name, once it is seen. */
  async #prepare() {
    if (this.api) return;
    this.api = apiOf(this);
    this.words = await wordsOf(this, this.api);
    this.#render();
    this.#auto();
    const site = await this.api.site(this.#wish().site).catch(() => null);
    const status = site?.cameras.find(({ id }) => id === this.#wish().camera);
    if (status) this.status = status;
  }

  /** A page that brings another ticket wants to go on with it. */
  #takeTicket() {
    if (!this.api) return;
    this.api.ticket = this.getAttribute("ticket") ?? "";
    if (BY_TICKET.has(this.#state.reason ?? "")) this.#send({ type: "play" });
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
      way: (way) => this.setAttribute("way", way),
      lost: (reason, retryAfter, place) => send({ type: "lost", reason, retryAfter, place }),
      refused: (reason, retryAfter) => send({ type: "refused", reason, retryAfter }),
      weak: (weak) => {
        this.#weak = weak;
        this.#render();
      },
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
    this.#weak = false;
  }
  #wish() {
    return {
      site: this.getAttribute("site") ?? "",
      camera: this.getAttribute("camera") ?? "",
      low: this.hasAttribute("low") && !this.#large,
      audio: this.hasAttribute("sound"),
      turn: this.#turn,
    };
  }

  /** The right resolution for the size; the old connection plays on until the new one does. */
  #tune() {
    this.#see();
    if (this.#state.phase === "live") void this.#session?.change(this.#wish());
    this.#render();
  }

  /** Fill the page with this camera, or put it back. */
  async #enlarge() {
    if (this.#large) return this.#large.close();
    const { Large } = await import("./large.js");
    if (!this.words || this.#large || !this.isConnected) return;
    this.#large = new Large(this.#view, this.words, this.getAttribute("label") ?? "", () => {
      this.#large = null;
      this.#tune();
    });
    this.#tune();
  }

  #see(onScreen = this.#onScreen) {
    this.#onScreen = onScreen;
    const shown = (this.#onScreen || this.#large) && document.visibilityState === "visible";
    const visible = shown || document.pictureInPictureElement === this;
    if (visible) void this.#prepare();
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
    const detail = { camera: this.#wish().camera, phase: after.phase, reason: after.reason, took };
    this.dispatchEvent(new CustomEvent("statechange", { bubbles: true, detail }));
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
    const saying = say(this.#state, this.#status, words, Date.now(), this.#weak);
    const taken = this.#taken > 0 ? words.time(this.#taken) : "";
    const sound = this.#session?.hasAudio ?? false;
    const label = this.getAttribute("label") ?? "";
    this.#view.show({ label, phase: this.#state.phase, saying, taken, sound, large: this.#large !== null }, words);
    if (this.#state.phase !== "live") void this.#loadPoster();
  }

  /** The last picture, fetched only while there is no better one. */
  async #loadPoster() {
    const path = this.getAttribute("poster") ?? "";
    if (!this.api || !path || path === this.#posterPath) return;
    this.#posterPath = path;
    // After the offer, which goes out first where a network is narrow.
    await new Promise(requestAnimationFrame);
    const picture = await this.api.poster(path).then(createImageBitmap).catch(() => null);
    const time = Number(new URLSearchParams(path.split("?")[1]).get("t")) * 1_000;
    if (!picture || time <= this.#taken) return;
    this.#view.showStill(picture, picture.width, picture.height);
    this.#taken = time;
    this.#render();
  }
}

if (!customElements.get("camera-player")) customElements.define("camera-player", CameraPlayer);
