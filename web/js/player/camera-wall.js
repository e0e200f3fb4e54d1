/** `<camera-wall>`: the cameras of a building, kept up to date by its board. web/README.md tells how to use it. */
import { ApiError } from "../api.js";
import { Board, isFinal } from "../board.js";
import { element, icon } from "../element.js";
import { CameraPlayer } from "./camera-player.js";
import { Lines } from "./lines.js";
import { wallLook } from "./look.js";
import { apiOf, wordsOf } from "./own-gateway.js";
import { backoff } from "./player-state.js";
import { plainlySeen } from "./seen.js";
import { prepare } from "./spare.js";
import { reasonOf } from "./whep.js";
/** @import { Api } from "../api.js" */
/** @import { Words } from "../i18n.js" */
/** @import { Camera, ServerEvent, Site } from "../types.js" */

const AUTO = 6;
const TOTAL = { phone: 6, desktop: 12 };
// A tile of fewer device pixels is as sharp with the camera's small stream.
const SMALL = 720;
const HOUSE = ["M5 20.5V9.5L12 4l7 5.5v11", "M3 20.5h18", "M10 20.5v-5h4v5"];

export class CameraWall extends HTMLElement {
  static observedAttributes = ["ticket"];

  /** @type {Api|null} */
  api = null;
  /** @type {Words|null} */
  words = null;

  /** @type {Site|null} */
  #site = null;
  /** @type {Board|null} */
  #board = null;
  /** @type {Map<string, CameraPlayer>} */
  #players = new Map();
  #lines = new Lines({ auto: AUTO, total: matchMedia("(pointer: coarse)").matches ? TOTAL.phone : TOTAL.desktop });
  #message = element("div", { class: "message", part: "message", role: "status" });
  #sizes = new ResizeObserver(() => this.#players.forEach(choose));
  #seen = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && void this.#begin());
  #timer = 0;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [wallLook()];
    root.append(this.#message, element("div", { class: "grid", role: "list" }, element("slot")));
  }

  /** What the building's board says. */
  get site() {
    return this.#site;
  }

  connectedCallback() {
    this.#sizes.observe(this);
    // Only a page of ours has set everything by now.
    if (this.api && plainlySeen(this)) void this.#begin();
    else this.#seen.observe(this);
  }

  disconnectedCallback() {
    this.#seen.disconnect();
    this.#sizes.disconnect();
    this.#stop();
  }

  /** A page that brings another ticket wants to go on with it. */
  attributeChangedCallback() {
    if (!this.api) return;
    this.api.ticket = this.getAttribute("ticket") ?? "";
    this.#players.forEach((player) => player.setAttribute("ticket", this.api?.ticket ?? ""));
    void this.#load(0);
  }

  async #begin() {
    this.#seen.disconnect();
    if (this.#plays()) prepare();
    // What a page says in case that this script never comes.
    for (const child of [...this.childNodes]) if (!(child instanceof CameraPlayer)) child.remove();
    this.api ??= apiOf(this);
    this.words ??= await wordsOf(this, this.api);
    if (this.isConnected) await this.#load(0);
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#board?.close();
    this.#board = null;
  }

  /** Fetch the building, for as long as it takes. @param {number} attempt */
  async #load(attempt) {
    const { api } = this;
    if (!api) return;
    clearTimeout(this.#timer);
    try {
      this.#show(await api.site(this.getAttribute("site") ?? ""));
    } catch (error) {
      if (error instanceof ApiError && isFinal(error)) {
        this.#refuse(error);
        return;
      }
      this.#tell("serverchange", { connected: false });
      if (!this.#site) this.#say("server.away", "");
      this.#timer = setTimeout(() => void this.#load(attempt + 1), backoff(attempt, Math.random()));
    }
  }

  /** @param {Site} site */
  #show(site) {
    this.#site = site;
    const wanted = this.getAttribute("cameras")?.split(/\s+/);
    if (wanted) site.cameras = site.cameras.filter(({ id }) => wanted.includes(id));
    const ids = new Set(site.cameras.map(({ id }) => id));
    for (const [id, player] of this.#players) {
      if (ids.has(id)) continue;
      player.remove();
      this.#players.delete(id);
    }
    for (const camera of site.cameras) this.#update(camera);
    if (site.cameras.length > 0) this.#say();
    else this.#say("site.empty", "site.empty.hint");
    this.dataset["count"] = site.cameras.length > 4 ? "many" : String(site.cameras.length);
    this.#tell("sitechange", { site });
    this.#players.forEach((player) => {
      choose(player);
      player.look();
    });
    this.#board ??= new Board(/** @type {Api} */ (this.api), site.id, {
      event: (event) => this.#heard(event),
      connected: (connected) => this.#tell("serverchange", { connected }),
      denied: (error) => this.#refuse(error),
    });
  }

  /** Nothing is asked again by itself. @param {ApiError} error */
  #refuse(error) {
    const reason = error.status === 404 ? "missing" : reasonOf(error, this.api?.ticket !== "");
    this.#stop();
    this.#site = null;
    this.#players.clear();
    this.replaceChildren();
    delete this.dataset["count"];
    if (reason === "missing") this.#say("site.missing", "site.missing.hint");
    else this.#say(`refused.${reason}`, `refused.${reason}.hint`);
    this.#tell("sitechange", { site: null, reason });
  }

  /** Show one sentence in place of the cameras, or none. @param {string} [title] @param {string} [hint] */
  #say(title = "", hint = "") {
    const { words } = this;
    if (!title || !words) {
      this.#message.replaceChildren();
      return;
    }
    const again = element("button", { type: "button", onclick: () => void this.#again() }, words.text("reload"));
    this.#message.replaceChildren(
      icon("", ...HOUSE),
      element("h2", {}, words.text(title)),
      ...(hint ? [element("p", {}, words.text(hint))] : []),
      ...(this.#site ? [] : [again]),
    );
  }

  async #again() {
    await this.api?.renew();
    await this.#load(0);
  }

  /** @param {ServerEvent} event */
  #heard({ name, data }) {
    const site = this.#site;
    if (!site) return;
    const known = site.cameras.findIndex(({ id }) => id === data.id);
    if (name === "gone") this.#refuse(new ApiError(404, "not_found"));
    else if (name === "camera" && known >= 0) {
      site.cameras[known] = data;
      this.#update(data);
      this.#tell("sitechange", { site });
    } else if (name === "camera" || data.cameras?.total !== site.cameras.length) {
      if (!this.hasAttribute("cameras")) void this.#load(0);
    } else {
      this.#site = { ...data, demo: site.demo, cameras: site.cameras };
      this.#tell("sitechange", { site: this.#site });
    }
  }

  /** @param {Camera} camera */
  #update(camera) {
    const player = this.#players.get(camera.id) ?? this.#add(camera.id);
    player.status = camera;
    choose(player);
  }

  /** @param {string} id */
  #add(id) {
    const player = new CameraPlayer();
    player.api = this.api;
    player.words = this.words;
    player.lines = this.#lines;
    player.setAttribute("role", "listitem");
    player.setAttribute("site", this.getAttribute("site") ?? "");
    player.setAttribute("camera", id);
    player.toggleAttribute("sound", true);
    player.toggleAttribute("autoplay", this.#plays());
    this.#players.set(id, player);
    this.append(player);
    return player;
  }

  /** Whether cameras play before anybody asks. */
  #plays() {
    return !this.hasAttribute("manual") && !savesData();
  }

  /** @param {string} type @param {object} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** The small stream for a small tile. @param {CameraPlayer} player */
function choose(player) {
  const width = player.clientWidth * devicePixelRatio;
  if (width > 0) player.toggleAttribute("low", player.hasAttribute("has-sub") && width < SMALL);
}

/** Whether the person has asked the browser to save traffic; then nothing plays by itself. */
function savesData() {
  const { connection } = /** @type {{connection?: {saveData?: boolean}}} */ (navigator);
  return connection?.saveData === true;
}

if (!customElements.get("camera-wall")) customElements.define("camera-wall", CameraWall);
