/** The right pane: one building with its cameras, its media servers and what is wrong with its file. */
import { ApiError } from "../api.js";
import { element, icon } from "../element.js";
import { siteSentence } from "../page.js";
import { Lines } from "../player/lines.js";
import { Availability } from "./availability.js";
import { CameraCard } from "./camera-card.js";
import { problemList, serverList } from "./behind.js";
import { toneOf } from "./sayings.js";
import { SiteManage } from "./site-manage.js";
/** @import { ServerEvent } from "../types.js" */
/** @import { RoomParts, StaffCamera, StaffSite } from "./types.js" */

const BACK = "m14.5 5-7 7 7 7";
// Changes come in bursts, and one look at the building shows all of them.
const AGAIN_MS = 400;

export class Building {
  pane = element("section", { class: "building" });
  #api;
  #words;
  #id;
  #lines = new Lines({ auto: 0, total: 4 });
  #name = element("h2", { tabindex: "-1" });
  #state = element("p", { class: "state" });
  #tools = element("div", { class: "acts" });
  /** How many watch now, and who. */
  #watching = element("a", { class: "act", hidden: true });
  #problems = element("div");
  /** @type {SiteManage|null} */
  #manage = null;
  #wall = element("ul", { class: "cameras" });
  #servers = element("div");
  #availability;
  #notice = element("div", { class: "notice", role: "status" });
  /** @type {Map<string, CameraCard>} */
  #cards = new Map();
  /** @type {StaffSite|null} */
  #site = null;
  #timer = 0;
  #closed = false;

  /** @param {RoomParts} parts */
  constructor({ api, words, id, summary, who }) {
    this.#api = api;
    this.#words = words;
    this.#id = id;
    const back = element("a", { class: "back", href: "#/", "aria-label": words.text("back") }, icon("", BACK));
    const page = element("a", { class: "quiet", href: `/watch/${encodeURIComponent(id)}`, target: "_blank", rel: "noopener" });
    page.append(words.text("building.page"));
    const embed = element("a", { class: "quiet", href: `/embed-preview/${encodeURIComponent(id)}`, target: "_blank", rel: "noopener" });
    embed.append(words.text("building.embed"));
    this.#availability = new Availability({ api, words, id });
    const head = element("header", { class: "head" }, back, element("div", { class: "title" }, this.#name, this.#state), embed, page);
    const find = element("a", { class: "main-act", href: `#/${encodeURIComponent(id)}/find` }, words.text("find"));
    this.#tools.append(find);
    if (who.role === "administrator") {
      const views = element("a", { class: "act", href: `#/${encodeURIComponent(id)}/views` }, words.text("views"));
      this.#tools.append(views, this.#watching);
      this.#manage = new SiteManage({ api, words, id, changed: () => this.#soon() });
    }
    this.pane.append(head, this.#tools, this.#problems, this.#notice, this.#wall, this.#servers, this.#availability.place);
    if (this.#manage) this.pane.append(this.#manage.place);
    this.#name.textContent = summary ? words.name(summary.name) || id : id;
    this.#notice.textContent = words.text("console.loading");
    void this.#load();
  }

  /** Put the hand on the name: who reads with the ears hears where they are. */
  focus() {
    this.#name.focus({ preventScroll: true });
  }

  /** Nothing comes after this. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const card of this.#cards.values()) card.close();
  }

  /** @param {ServerEvent} event about this building */
  hear({ name, data }) {
    if (!this.#site) return;
    const card = name === "camera" ? this.#cards.get(data.id) : undefined;
    if (!card) {
      this.#soon();
      return;
    }
    this.#site.cameras = this.#site.cameras.map((known) => (known.id === data.id ? data : known));
    card.show(data);
    this.#head();
  }

  #soon() {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#load(), AGAIN_MS);
  }

  async #load() {
    try {
      const site = /** @type {StaffSite} */ (await this.#api.site(this.#id));
      if (this.#closed) return;
      this.#site = site;
      this.#show(site);
    } catch (error) {
      if (!this.#closed) this.#fail(error instanceof ApiError ? error.status : 0);
    }
  }

  /** @param {StaffSite} site */
  #show(site) {
    const words = this.#words;
    const ids = new Set(site.cameras.map(({ id }) => id));
    for (const [id, card] of this.#cards) {
      if (ids.has(id)) continue;
      card.close();
      this.#cards.delete(id);
    }
    for (const camera of site.cameras) {
      const card = this.#cards.get(camera.id);
      if (card) card.show(camera);
      else this.#add(camera);
    }
    this.#notice.replaceChildren(
      ...(site.cameras.length > 0 ? [] : [element("p", {}, words.text("site.empty"))]),
    );
    this.#problems.replaceChildren(...problemList(words, site.problems ?? []));
    this.#servers.replaceChildren(...serverList(words, site));
    this.#availability.show(site.cameras);
    this.#head();
  }

  /** @param {StaffCamera} camera */
  #add(camera) {
    const changed = () => this.#soon();
    const names = () => Object.fromEntries((this.#site?.cameras ?? []).map(({ id, name }) => [id, name]));
    const parts = { api: this.#api, words: this.#words, lines: this.#lines, site: this.#id, names, changed };
    const card = new CameraCard(parts, camera);
    this.#cards.set(camera.id, card);
    this.#wall.append(card.card);
  }

  #head() {
    if (!this.#site) return;
    const { name, state, cameras } = this.#site;
    const live = cameras.filter((camera) => camera.state === "live" || camera.state === "idle").length;
    this.#name.textContent = this.#words.name(name) || this.#id;
    this.#state.dataset["tone"] = cameras.length > 0 ? toneOf(state) : "calm";
    this.#state.textContent = siteSentence(this.#words, { state, total: cameras.length, live });
    const viewers = cameras.reduce((sum, camera) => sum + camera.viewers, 0);
    this.#watching.hidden = viewers === 0;
    this.#watching.href = `#/${encodeURIComponent(this.#id)}/views/now`;
    this.#watching.textContent = this.#words.text("views.watching", { n: viewers });
    this.#manage?.show(this.#site);
  }

  /** @param {number} status */
  #fail(status) {
    const words = this.#words;
    if (status === 404) {
      for (const card of this.#cards.values()) card.close();
      this.#cards.clear();
      this.#notice.replaceChildren(element("p", {}, words.text("site.missing")));
      return;
    }
    const again = element("button", { class: "act", type: "button", onclick: () => void this.#load() });
    again.append(words.text("console.again"));
    this.#notice.replaceChildren(element("p", {}, words.text("console.nobody")), again);
  }
}
