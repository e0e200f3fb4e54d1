/**
 * The page's words: which language, and texts with numbers and times in it.
 */
/** @import { LocalText } from "./types.js" */
/** @import { Api } from "./api.js" */

export const LANGUAGES = Object.freeze(["ru", "en"]);
const KEPT = "language";

export class Words {
  #texts;
  #plurals;
  #clock;
  #day;

  /** @param {string} language @param {Record<string, string>} texts */
  constructor(language, texts) {
    this.language = language;
    this.#texts = texts;
    this.#plurals = new Intl.PluralRules(language);
    this.#clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this.#day = new Intl.DateTimeFormat(language, {
      day: "numeric",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
    });
  }

  /** @param {Api} api @param {string} language */
  static async load(api, language) {
    return new Words(language, await api.texts(language));
  }

  /**
   * The text of `key`; `{name}` is replaced from `values`, and `n` among them picks `key.one`, `key.few` ...
   * @param {string} key @param {Record<string, string|number>} [values] @returns {string}
   */
  text(key, values = {}) {
    const n = values["n"];
    const plural = typeof n === "number" ? `${key}.${this.#plurals.select(n)}` : key;
    const found = this.#texts[plural] ?? this.#texts[`${key}.other`] ?? this.#texts[key] ?? key;
    return found.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  }

  /** A time of today to the second, of another day with the day. @param {number} time @param {number} [now] */
  time(time, now = Date.now()) {
    const today = new Date(now).toDateString() === new Date(time).toDateString();
    return (today ? this.#clock : this.#day).format(time);
  }

  /** @param {LocalText} name */
  name(name) {
    return name[this.language] ?? Object.values(name)[0] ?? "";
  }
}

/**
 * The language to speak: `?lang=` (kept for the next time), the kept one, the browser's list, English.
 * @param {{search: string, kept: string|null, preferred: readonly string[]}} from
 */
export function chooseLanguage({ search, kept, preferred }) {
  const asked = [new URLSearchParams(search).get("lang") ?? "", kept ?? "", ...preferred];
  const codes = asked.map((code) => code.toLowerCase().split("-")[0] ?? "");
  return codes.find((code) => LANGUAGES.includes(code)) ?? "en";
}

/** The language of this page; an override in the address is kept. */
export function pageLanguage() {
  const { search } = location;
  const language = chooseLanguage({ search, kept: recall(), preferred: navigator.languages });
  if (new URLSearchParams(search).has("lang")) keepLanguage(language);
  return language;
}

/** @param {string} language */
export function keepLanguage(language) {
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
