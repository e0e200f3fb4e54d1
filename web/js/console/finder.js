/**
 * Finding the cameras of a building: a survey, what it comes across as it comes, and the way of each into the
 * building's file.
 */
import { ApiError } from "../api.js";
import { element, icon } from "../element.js";
import { Lines } from "../player/lines.js";
import { Following } from "./following.js";
import { sayError, whyEnded } from "./told.js";
import { SightingCard } from "./sighting-card.js";
/** @import { ServerEvent } from "../types.js" */
/** @import { RoomParts, Sighting, StaffCamera, Survey } from "./types.js" */

const BACK = "m14.5 5-7 7 7 7";
export class Finder {
  pane = element("section", { class: "building finder" });
  #api;
  #words;
  #id;
  #lines = new Lines({ auto: 4, total: 4 });
  #name = element("h2", { tabindex: "-1" });
  #where = element("p", { class: "hint" });
  #start = element("button", { class: "main-act", type: "button" });
  #stop = element("button", { class: "act", type: "button", hidden: true });
  #said = element("p", { class: "said", role: "alert" });
  #progress = element("p", { class: "progress", role: "status" });
  #list = element("ul", { class: "cameras" });
  #address = element("input", { id: "address", inputmode: "url", autocapitalize: "none", autocomplete: "off", spellcheck: "false" });
  /** @type {Map<number, SightingCard>} */
  #cards = new Map();
  /** @type {StaffCamera[]} */
  #cameras = [];
  #survey = "";
  #started = 0;
  #following;
  #instead;

  /** @param {RoomParts} parts */
  constructor({ api, words, id, summary, detail }) {
    this.#api = api;
    this.#words = words;
    this.#id = id;
    this.#instead = detail;
    this.#following = new Following(api, id, {
      sighting: (sighting) => this.#put(sighting),
      progress: (survey) => this.#count(survey),
      failed: (error) => this.#fail(error),
    });
    const label = words.text("find.back");
    const back = element("a", { class: "back always", href: `#/${encodeURIComponent(id)}`, "aria-label": label }, icon("", BACK));
    this.#where.append(summary ? words.name(summary.name) || id : id);
    this.#name.append(words.text("find"));
    this.#start.append(words.text("find.start"));
    this.#stop.append(words.text("find.stop"));
    this.#start.addEventListener("click", () => void this.#begin([]));
    this.#stop.addEventListener("click", () => void this.#api.cancelSurvey(this.#id, this.#survey).catch(() => {}));
    this.pane.append(
      element("header", { class: "head" }, back, element("div", { class: "title" }, this.#name, this.#where)),
      element("div", { class: "acts" }, this.#start, this.#stop),
      this.#byHand(),
      this.#said,
      this.#progress,
      this.#list,
    );
    void this.#resume();
  }

  focus() {
    this.#name.focus({ preventScroll: true });
  }

  close() {
    this.#following.close();
  }

  /** @param {ServerEvent} event about this building */
  hear({ name, data }) {
    if (name !== "camera") return;
    this.#cameras = [...this.#cameras.filter(({ id }) => id !== data.id), data];
    for (const card of this.#cards.values()) card.hear(data);
  }

  #byHand() {
    const words = this.#words;
    const form = element("form", { class: "line" }, this.#address);
    form.append(element("button", { class: "act", type: "submit" }, words.text("find.look")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const address = this.#address.value.trim();
      if (address) void this.#begin([address]);
    });
    const label = element("label", { for: "address" }, words.text("find.address"));
    const fields = element("div", { class: "fields" }, label, form);
    fields.append(element("p", { class: "hint" }, words.text("find.address.hint")));
    return element("details", { class: "more" }, element("summary", {}, words.text("find.byhand")), fields);
  }

  /** Show what was found before, and follow what still runs. */
  async #resume() {
    try {
      const [site, survey] = await Promise.all([this.#api.site(this.#id), this.#api.lastSurvey(this.#id)]);
      this.#cameras = site.cameras;
      const old = site.cameras.find(({ id }) => id === this.#instead);
      if (old) this.#where.textContent = this.#words.text("find.instead", { name: this.#words.name(old.name) || old.id });
      else this.#instead = "";
      if (survey) this.#take(survey);
      else this.#progress.textContent = this.#words.text("find.hint");
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {string[]} targets */
  async #begin(targets) {
    this.#said.textContent = "";
    this.#start.disabled = true;
    try {
      this.#take(await this.#api.startSurvey(this.#id, targets));
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) await this.#resume();
      else this.#fail(error);
    }
  }

  /** @param {Survey} survey */
  #take(survey) {
    if (survey.id !== this.#survey) {
      this.#survey = survey.id;
      this.#cards.clear();
      this.#list.replaceChildren();
    }
    this.#started = Date.parse(survey.started);
    this.#following.take(survey);
  }

  /** Once nothing moves any more: what is left to do stands on top. */
  #newFirst() {
    const cards = [...this.#cards.values()];
    if (cards.some(({ busy }) => busy)) return;
    const focused = document.activeElement;
    this.#list.append(...cards.sort((a, b) => Number(b.isNew) - Number(a.isNew)).map(({ card }) => card));
    if (focused instanceof HTMLElement && this.#list.contains(focused)) focused.focus();
  }

  /** @param {Sighting} sighting */
  #put(sighting) {
    const known = this.#cards.get(sighting.n);
    if (known) {
      known.show(sighting);
      return;
    }
    const card = new SightingCard({
      api: this.#api,
      words: this.#words,
      lines: this.#lines,
      site: this.#id,
      survey: this.#survey,
      instead: this.#instead,
      cameras: () => this.#cameras,
      alone: (target) => [...this.#cards.values()].filter((other) => other.target === target).length < 2,
      again: (target) => void this.#begin([target]),
    });
    card.show(sighting);
    this.#cards.set(sighting.n, card);
    this.#list.append(card.card);
  }

  /** @param {Pick<Survey, "state"|"reason"|"code"|"progress">} survey */
  #count({ state, reason, code, progress }) {
    const words = this.#words;
    const running = state === "running";
    this.#start.disabled = running;
    this.#start.textContent = words.text(progress.found > 0 || running ? "find.again" : "find.start");
    this.#stop.hidden = !running;
    this.#list.toggleAttribute("aria-busy", running);
    this.#progress.classList.toggle("busy", running);
    const count = words.text("find.found", { n: progress.found });
    const seconds = progress.seconds.toFixed(0);
    if (running) this.#progress.textContent = words.text("find.running", { count, done: progress.found - progress.left, seconds });
    else if (progress.found === 0) this.#progress.textContent = words.text("find.nothing");
    else this.#progress.textContent = words.text("find.done", { count, seconds, time: words.time(this.#started) });
    if (running) return;
    this.#newFirst();
    if (state !== "finished") this.#said.textContent = words.text(`find.ended.${state}`, { reason: whyEnded(words, code, reason) });
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#start.disabled = false;
    const missing = error instanceof ApiError && error.status === 404;
    this.#said.textContent = missing ? this.#words.text("site.missing") : sayError(this.#words, error);
  }
}
