/**
 * The page's words: which language, and texts with numbers and times in it.
 */
/** @import { LocalText } from "./types.js" */
/** @import { Api } from "./api.js" */

export const LANGUAGES = Object.freeze(["ru", "en"]);

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

  /**
   * Without an answer the texts are missing, and nothing else.
   * @param {Api} api @param {string} language @param {...string} names of the texts
   */
  static async load(api, language, ...names) {
    const texts = await Promise.all(names.map((name) => api.texts(`${name}${language}`).catch(() => ({}))));
    return new Words(language, Object.assign({}, ...texts));
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

/** The language of what is around an element. @param {Element} element */
export function languageAt(element) {
  const around = element.closest("[lang]") ?? document.documentElement;
  const preferred = [around.getAttribute("lang") ?? "", ...navigator.languages];
  return chooseLanguage({ search: "", kept: null, preferred });
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
