/** One building on the first page: a picture of its first live camera, its name and its state. */
import { element, icon } from "./element.js";
import { siteSentence } from "./page.js";
/** @import { Api } from "./api.js" */
/** @import { Words } from "./i18n.js" */
/** @import { Camera, SiteSummary } from "./types.js" */

const HOUSE = ["M5 20.5V9.5L12 4l7 5.5v11", "M3 20.5h18", "M10 20.5v-5h4v5"];
// A camera's first picture is taken some seconds after its video has come.
const PICTURE_MS = 5_000;
const PICTURE_TRIES = 6;

export class SiteCard {
  node;
  #id;
  #api;
  #words;
  #name = element("h2");
  #state = element("span", { class: "state" });
  #count = element("span");
  #picture = element("canvas", { hidden: true });
  /** @type {Map<string, Camera>} in the building's order */
  #cameras = new Map();
  #shown = "";
  #near = false;
  #tries = 0;
  #timer = 0;
  #watch = new IntersectionObserver((entries) => this.#see(entries.at(-1)?.isIntersecting ?? false), { rootMargin: "50%" });

  /** @param {Api} api @param {Words} words @param {string} id */
  constructor(api, words, id) {
    this.#id = id;
    this.#api = api;
    this.#words = words;
    const picture = element("div", { class: "picture" }, icon("", ...HOUSE), this.#picture);
    picture.setAttribute("aria-hidden", "true");
    const said = element("p", {}, this.#state, this.#count);
    const more = icon("more", "m9.5 5 7 7-7 7");
    const link = element("a", { class: "site", href: `/watch/${encodeURIComponent(id)}` });
    link.append(picture, element("div", { class: "about" }, this.#name, said), more);
    this.node = element("li", {}, link);
    this.#watch.observe(link);
  }

  /** @param {SiteSummary} site */
  show({ name, state, cameras }) {
    this.node.firstElementChild?.setAttribute("data-state", cameras.total === 0 ? "" : state);
    this.#name.textContent = this.#words.name(name);
    this.#state.textContent = siteSentence(this.#words, { state, ...cameras });
    this.#count.textContent = this.#words.text("cameras", { n: cameras.total });
    this.#count.hidden = state === "degraded" || cameras.total === 0;
  }

  /** What the board says of one of its cameras. @param {Camera} camera */
  hear(camera) {
    this.#cameras.set(camera.id, camera);
    void this.#load();
  }

  close() {
    this.#watch.disconnect();
    clearTimeout(this.#timer);
  }

  /** @param {boolean} near */
  #see(near) {
    this.#near = near;
    void this.#load();
  }

  /** Show the picture of the first live camera, or none: in privacy hours there is nothing to show. */
  async #load() {
    if (!this.#near) return;
    const live = [...this.#cameras.values()].filter((one) => one.state === "live" && !one.private);
    const path = live.find(({ poster }) => poster !== null)?.poster ?? "";
    if (!path && live.length > 0) this.#askLater();
    if (path === this.#shown) return;
    this.#shown = path;
    const picture = path ? await this.#api.poster(path).then(createImageBitmap).catch(() => null) : null;
    if (path !== this.#shown) return;
    this.#picture.hidden = picture === null;
    if (!picture) return;
    this.#picture.width = picture.width;
    this.#picture.height = picture.height;
    this.#picture.getContext("2d")?.drawImage(picture, 0, 0);
  }

  /** The board does not tell when a picture is taken. */
  #askLater() {
    if (this.#timer || this.#tries >= PICTURE_TRIES) return;
    this.#tries += 1;
    this.#timer = setTimeout(async () => {
      const site = await this.#api.site(this.#id).catch(() => null);
      this.#timer = 0;
      for (const camera of site?.cameras ?? []) this.#cameras.set(camera.id, camera);
      void this.#load();
    }, PICTURE_MS);
  }
}
