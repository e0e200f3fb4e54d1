/**
 * Finding the cameras of a building: a survey, what it comes across as it comes, and the way of each into the
 * building's file.
 */
import { ApiError } from "../api.js";
import { element, icon } from "../element.js";
import { Lines } from "../player/lines.js";
import { sayError } from "./sayings.js";
import { SightingCard } from "./sighting-card.js";
/** @import { ServerEvent } from "../types.js" */
/** @import { RoomParts, Sighting, StaffCamera, Survey } from "./types.js" */

const BACK = "m14.5 5-7 7 7 7";
// Between two tries to hear a survey again.
const AGAIN_MS = 1_500;

export class Finder {
  pane = element("section", { class: "building finder" });
  #api;
  #words;
  #id;
  #lines = new Lines({ auto: 4, total: 4 });
  #name = element("h2", { tabindex: "-1" });
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
  #following = new AbortController();

  /** @param {RoomParts} parts */
  constructor({ api, words, id, summary }) {
    this.#api = api;
    this.#words = words;
    this.#id = id;
    const label = words.text("find.back");
    const back = element("a", { class: "back always", href: `#/${encodeURIComponent(id)}`, "aria-label": label }, icon("", BACK));
    const where = element("p", { class: "hint" }, summary ? words.name(summary.name) || id : id);
    this.#name.append(words.text("find"));
    this.#start.append(words.text("find.start"));
    this.#stop.append(words.text("find.stop"));
    this.#start.addEventListener("click", () => void this.#begin([]));
    this.#stop.addEventListener("click", () => void this.#api.cancelSurvey(this.#id, this.#survey).catch(() => {}));
    this.pane.append(
      element("header", { class: "head" }, back, element("div", { class: "title" }, this.#name, where)),
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
    this.#following.abort();
    this.#following = new AbortController();
    this.#following.abort();
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
    for (const sighting of survey.sightings) this.#put(sighting);
    this.#count(survey);
    if (survey.state !== "running") this.#newFirst();
    if (survey.state !== "running") return;
    this.#following.abort();
    this.#following = new AbortController();
    void this.#follow(survey.id, this.#following.signal);
  }

  /** @param {string} survey @param {AbortSignal} signal */
  async #follow(survey, signal) {
    try {
      await this.#api.followSurvey(this.#id, survey, (event) => this.#heard(event), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status >= 400) {
        this.#fail(error);
        return;
      }
      await new Promise((wake) => setTimeout(wake, AGAIN_MS));
    }
    if (signal.aborted) return;
    const now = await this.#api.lastSurvey(this.#id).catch(() => null);
    if (now && !signal.aborted) this.#take(now);
    else if (!signal.aborted) void this.#follow(survey, signal);
  }

  /** @param {ServerEvent} event */
  #heard({ name, data }) {
    if (name === "open") return;
    if (data.sighting) this.#put(data.sighting);
    const state = name === "finished" ? data.state : "running";
    if (name === "finished") this.#newFirst();
    this.#count({ state, reason: data.reason ?? "", progress: data.progress });
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
      cameras: () => this.#cameras,
      alone: (target) => [...this.#cards.values()].filter((other) => other.target === target).length < 2,
      again: (target) => void this.#begin([target]),
    });
    card.show(sighting);
    this.#cards.set(sighting.n, card);
    this.#list.append(card.card);
  }

  /** @param {Pick<Survey, "state"|"reason"|"progress">} survey */
  #count({ state, reason, progress }) {
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
    if (!running && state !== "finished" && reason) this.#said.textContent = reason;
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#start.disabled = false;
    const missing = error instanceof ApiError && error.status === 404;
    this.#said.textContent = missing ? this.#words.text("site.missing") : sayError(this.#words, error);
  }
}
