/** The way in: by name and password, or with the staff key where nobody has a name. */
import { ApiError } from "../api.js";
import { element } from "../element.js";
import { showMain } from "../page.js";
import { StaffApi } from "./api.js";
/** @import { Words } from "../i18n.js" */
/** @import { Who } from "./types.js" */

const KEPT = "staff";
const STAFF = new Set(["administrator", "technician"]);

/**
 * Somebody of staff: who is signed in already, or who comes now.
 * @param {Words} words @returns {Promise<{api: StaffApi, who: Who}>}
 */
export async function enter(words) {
  const { api, who, error } = await known(recallKey());
  if (who && STAFF.has(who.role)) return { api, who };
  const away = error && error.status !== 401 && error.status !== 403 ? words.text("console.nobody") : "";
  return new Promise((resolve) => {
    const named = new NamedForm(words, (api, who) => resolve({ api, who }));
    const keyed = new KeyForm(words, (api, who) => resolve({ api, who }));
    for (const [form, other] of /** @type {const} */ ([[named, keyed], [keyed, named]])) {
      form.other.addEventListener("click", () => other.open(""));
    }
    const byName = who?.sign_in === true;
    keyed.other.hidden = !byName;
    (byName ? named : keyed).open(away);
  });
}

/** @param {StaffApi} api */
export async function leave(api) {
  keepKey("");
  await api.signOut().catch(() => {});
}

/**
 * Who the gateway takes this browser for.
 * @param {string} key @returns {Promise<{api: StaffApi, who?: Who, error?: ApiError}>}
 */
async function known(key) {
  const api = new StaffApi(key);
  try {
    return { api, who: await api.whoAmI() };
  } catch (error) {
    if (key && error instanceof ApiError && error.status === 401) {
      keepKey("");
      return known("");
    }
    return { api, error: error instanceof ApiError ? error : new ApiError(0, "network", String(error)) };
  }
}

/** A form that is asked again until it lets somebody in. */
class Form {
  other = element("button", { class: "quiet", type: "button" });
  #said = element("p", { id: "said", class: "said", role: "alert" });
  #enter;
  #form;
  #words;
  #fields;

  /** @param {Words} words @param {HTMLInputElement[]} fields @param {(...content: Node[]) => Node[]} content */
  constructor(words, fields, content) {
    this.#words = words;
    this.#fields = fields;
    this.#enter = element("button", { class: "main-act", type: "submit" }, words.text("console.enter"));
    const title = element("h2", {}, words.text("console.signin"));
    this.#form = element("form", { class: "sign-in" }, title, ...content(this.#said, this.#enter), this.other);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#try();
    });
  }

  /** @param {string} notice */
  open(notice) {
    this.#said.textContent = notice;
    showMain(this.#form);
    this.#fields[0]?.focus();
  }

  async #try() {
    this.#enter.disabled = true;
    this.#said.textContent = "";
    const refusal = await this.ask().catch((error) => this.#refusalOf(error));
    this.#enter.disabled = false;
    if (!refusal) return;
    this.#said.textContent = refusal;
    const field = this.#fields.at(-1);
    field?.setAttribute("aria-invalid", "true");
    field?.select();
  }

  /** Try to enter; tells why not. @returns {Promise<string>} */
  async ask() {
    return "";
  }

  /** What a wrong answer is called. @returns {string} */
  get wrong() {
    return "";
  }

  /** @param {unknown} error */
  #refusalOf(error) {
    const { status, retryAfter } = error instanceof ApiError ? error : { status: 0, retryAfter: 0 };
    if (status === 401 || status === 403) return this.wrong;
    if (status === 429) return this.#words.text("console.often", { n: Math.max(1, Math.ceil(retryAfter / 60)) });
    return this.#words.text("console.nobody");
  }
}

class NamedForm extends Form {
  #words;
  #name;
  #password;
  #done;

  /** @param {Words} words @param {(api: StaffApi, who: Who) => void} done */
  constructor(words, done) {
    const name = element("input", { id: "name", autocomplete: "username", autocapitalize: "none", required: true });
    const password = passwordField("password");
    super(words, [name, password], (said, enter) => [
      element("label", { for: "name" }, words.text("console.name")),
      name,
      element("label", { for: "password" }, words.text("console.password")),
      password,
      said,
      enter,
    ]);
    this.#words = words;
    this.#name = name;
    this.#password = password;
    this.#done = done;
    this.other.append(words.text("console.bykey"));
  }

  /** @override */
  async ask() {
    const api = new StaffApi("");
    this.#done(api, await api.signIn(this.#name.value.trim(), this.#password.value));
    return "";
  }

  /** @override */
  get wrong() {
    return this.#words.text("console.wrong");
  }
}

class KeyForm extends Form {
  #words;
  #key;
  #done;

  /** @param {Words} words @param {(api: StaffApi, who: Who) => void} done */
  constructor(words, done) {
    const key = passwordField("key");
    // The browser's password keeper wants a name beside a password.
    const user = element("input", { type: "text", autocomplete: "username", value: "staff", hidden: true });
    key.setAttribute("aria-describedby", "key-hint");
    super(words, [key], (said, enter) => [
      element("label", { for: "key" }, words.text("console.key")),
      user,
      key,
      element("p", { id: "key-hint", class: "hint" }, words.text("console.key.hint")),
      said,
      enter,
    ]);
    this.#words = words;
    this.#key = key;
    this.#done = done;
    this.other.append(words.text("console.byname"));
  }

  /** @override */
  async ask() {
    const key = this.#key.value.trim();
    const api = new StaffApi(key);
    const who = await api.whoAmI();
    if (!STAFF.has(who.role)) return this.#words.text("console.key.ticket");
    keepKey(key);
    this.#done(api, who);
    return "";
  }

  /** @override */
  get wrong() {
    return this.#words.text("console.key.wrong");
  }
}

/** @param {string} id */
function passwordField(id) {
  return element("input", { id, type: "password", autocomplete: "current-password", required: true });
}

/** The key is kept for this tab only, never in an address. */
function recallKey() {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key "" to forget it */
function keepKey(key) {
  try {
    if (key) sessionStorage.setItem(KEPT, key);
    else sessionStorage.removeItem(KEPT);
  } catch {
    // Without storage one signs in again after a reload.
  }
}
