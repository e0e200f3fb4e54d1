/**
 * What both pages share: the language and the gateway, the header, empty states, and the word that the server is away.
 */
import { Api } from "./api.js";
import { element, icon } from "./element.js";
import { chooseLanguage, Words } from "./i18n.js";
import { PageApi } from "./page-api.js";
import { prepare } from "./player/spare.js";
import { pageTicket } from "./ticket.js";
/** @import { PageParts } from "./types.js" */

const HOUSE = ["M5 20.5V9.5L12 4l7 5.5v11", "M3 20.5h18", "M10 20.5v-5h4v5"];
const BACK = "m14.5 5-7 7 7 7";
// A server that is back after a moment is not worth a banner.
const AWAY_MS = 4_000;
const KEPT = "language";

/** The building that the page's address names. */
export function siteOfPage() {
  return decodeURIComponent(location.pathname.split("/")[2] ?? "");
}

/** A building's page. @returns {Promise<PageParts>} */
export function openSitePage() {
  prepare();
  const api = new PageApi({ ticket: pageTicket() });
  api.askAhead(siteOfPage());
  return opened(api, "resident.");
}

/** Pages for staff say more than those for residents. @param {...string} texts @returns {Promise<PageParts>} */
export function openPage(...texts) {
  return opened(new Api({ ticket: pageTicket() }), ...texts);
}

/** @param {Api} api @param {...string} texts @returns {Promise<PageParts>} */
async function opened(api, ...texts) {
  const language = pageLanguage();
  document.documentElement.lang = language;
  const words = await Words.load(api, language, ...(texts.length > 0 ? texts : ["resident.", ""]));
  document.title = words.text("title");
  return { api, words };
}

/** The header of a page; `note` is the line under its name. */
export class Header {
  #title;
  #note = element("p");

  /** @param {Words} words @param {{back: boolean}} options */
  constructor(words, { back }) {
    this.#title = element("h1");
    const top = /** @type {HTMLElement} */ (document.querySelector(".top"));
    const other = words.language === "ru" ? "en" : "ru";
    const skip = element("a", { class: "skip", href: "#main" }, words.text("skip"));
    const home = element("a", { class: "back", href: "/", "aria-label": words.text("back") }, icon("", BACK));
    const switchTo = element(
      "button",
      { class: "quiet", type: "button", lang: other, "aria-label": `${other.toUpperCase()}, ${words.text("language")}` },
      other.toUpperCase(),
    );
    switchTo.addEventListener("click", () => {
      keepLanguage(other);
      const here = new URL(location.href);
      here.searchParams.set("lang", other);
      location.replace(here);
    });
    top.replaceChildren(
      skip,
      ...(back ? [home] : []),
      element("div", { class: "title" }, this.#title, this.#note),
      switchTo,
    );
  }

  /** @param {Node} more at its right end */
  add(more) {
    document.querySelector(".top .title")?.after(more);
  }

  /** @param {string} title @param {string} note */
  show(title, note) {
    if (this.#title.textContent !== title) this.#title.textContent = title;
    if (this.#note.textContent !== note) this.#note.textContent = note;
  }
}

/** Says that the server does not answer, when that lasts. */
export class Away {
  #banner;
  #timer = 0;

  /** @param {Words} words */
  constructor(words) {
    this.#banner = element("p", { class: "banner", role: "status", hidden: true }, words.text("server.away"));
    document.querySelector(".top")?.after(this.#banner);
  }

  /** @param {boolean} connected */
  show(connected) {
    if (connected) {
      clearTimeout(this.#timer);
      this.#timer = 0;
      this.#banner.hidden = true;
    } else this.#timer ||= setTimeout(() => (this.#banner.hidden = false), AWAY_MS);
  }
}

/** Fill the page with one message. @param {string} title @param {...string} hints */
export function showEmpty(title, ...hints) {
  const lines = hints.map((hint) => element("p", {}, hint));
  showMain(element("div", { class: "empty" }, icon("", ...HOUSE), element("h2", {}, title), ...lines));
}

/** @param {...Node} content */
export function showMain(...content) {
  const main = /** @type {HTMLElement} */ (document.querySelector("main"));
  main.replaceChildren(...content);
  main.removeAttribute("aria-busy");
}

/** The language of this page; an override in the address is kept. */
function pageLanguage() {
  const { search } = location;
  const language = chooseLanguage({ search, kept: recall(), preferred: navigator.languages });
  if (new URLSearchParams(search).has("lang")) keepLanguage(language);
  return language;
}

/** @param {string} language */
function keepLanguage(language) {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // A page in somebody's frame may have no storage; the language then lasts as long as the address.
  }
}

function recall() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** A building's state in words. @param {Words} words @param {{state: string, total: number, live: number}} site */
export function siteSentence(words, { state, total, live }) {
  if (total === 0 && state !== "disabled") return words.text("site.empty");
  return words.text(`site.state.${state}`, { live, total });
}
