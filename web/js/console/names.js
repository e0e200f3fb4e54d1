/** Two fields for one name: people read it in Russian or in English. */
import { element } from "../element.js";
/** @import { Words } from "../i18n.js" */
/** @import { LocalText } from "../types.js" */

const LANGUAGES = ["ru", "en"];

export class Names {
  /** Labels and fields, in the reader's language first. @type {HTMLElement[]} */
  parts;
  /** @type {Map<string, HTMLInputElement>} */
  #fields = new Map();
  /** What the fields cannot show. @type {LocalText} */
  #name = {};

  /** @param {Words} words @param {{id: string, label: string}} options */
  constructor(words, { id, label }) {
    const first = words.language;
    const order = [first, ...LANGUAGES.filter((language) => language !== first)];
    this.parts = order.flatMap((language) => {
      const field = element("input", { id: `${id}-${language}`, lang: language, maxlength: "100", autocomplete: "off" });
      field.required = language === first;
      this.#fields.set(language, field);
      const text = words.text("name.in", { label, language: words.text(`language.${language}`) });
      return [element("label", { for: field.id }, text), field];
    });
  }

  /** The field in the reader's language. */
  get first() {
    return /** @type {HTMLInputElement} */ (this.#fields.values().next().value);
  }

  /** Show a name, unless somebody is writing another one. @param {LocalText} name */
  show(name) {
    if ([...this.#fields.values()].includes(/** @type {any} */ (document.activeElement))) return;
    this.#name = name;
    for (const [language, field] of this.#fields) field.value = name[language] ?? "";
    if (this.first.value === "") this.first.value = name[""] ?? Object.values(name)[0] ?? "";
  }

  /** A name without a language would be read by nobody beside one that has a language. @returns {LocalText} */
  get value() {
    const { "": _, ...others } = this.#name;
    const written = [...this.#fields].map(([language, field]) => [language, field.value.trim()]);
    const name = { ...others, ...Object.fromEntries(written) };
    return Object.fromEntries(Object.entries(name).filter(([, text]) => text));
  }
}
