/**
 * The gateway as staff sees it: what residents may ask, asked by somebody who has signed in, and the changes.
 *
 * Who signed in by name is known by a cookie, and every change then carries the session's token; a staff key is sent
 * with each request instead.
 */
import { Api } from "../api.js";
/** @import { Asking, ServerEvent } from "../types.js" */
/**
 * @import { AuditPage, AuditWish, Edit, Month, NewCamera, NewSite, Problem, Registered, SiteChange, SiteDraft, SiteSettings,
 *   Survey, Who } from "./types.js"
 */

// A registration waits for the camera's first video.
const REGISTER_MS = 75_000;
const WRITES = new Set(["POST", "PATCH", "DELETE"]);

export class StaffApi extends Api {
  #csrf = "";

  /** @param {string} key "" for who has signed in by name, or has still to */
  constructor(key) {
    super({ ticket: key, credentials: "same-origin" });
  }

  /** It is asked in the name of a session, which links carry too; a key travels with requests only. */
  get bySession() {
    return this.ticket === "";
  }

  /** Who is asking; what follows is asked in the session's name. @returns {Promise<Who>} */
  async whoAmI() {
    return this.#known(await this.#json("api/v1/session"));
  }

  /** @param {string} name @param {string} password @returns {Promise<Who>} */
  async signIn(name, password) {
    return this.#known(await this.#send("POST", "api/v1/session", { name, password }));
  }

  async signOut() {
    await this.ask("api/v1/session", { method: "DELETE" });
  }

  /** The survey that runs or has run last at a building. @param {string} site @returns {Promise<Survey|null>} */
  async lastSurvey(site) {
    return (await this.#json(`${path(site)}/surveys`)).survey;
  }

  /**
   * Begin to look for cameras, everywhere or at some addresses.
   * @param {string} site @param {string[]} targets @returns {Promise<Survey>}
   */
  startSurvey(site, targets) {
    return this.#send("POST", `${path(site)}/surveys`, targets.length > 0 ? { targets } : {});
  }

  /** @param {string} site @param {string} survey */
  async cancelSurvey(site, survey) {
    await this.ask(`${path(site)}/surveys/${survey}`, { method: "DELETE" });
  }

  /**
   * Every step of a survey; comes back when it is over.
   * @param {string} site @param {string} survey @param {(event: ServerEvent) => void} listener
   * @param {AbortSignal} signal
   */
  async followSurvey(site, survey, listener, signal) {
    await this.listen(`${path(site)}/surveys/${survey}/events`, listener, signal);
  }

  /** @param {string} site @param {NewCamera} camera @returns {Promise<Registered>} */
  register(site, camera) {
    return this.#send("POST", `${path(site)}/cameras`, camera, { patience: REGISTER_MS });
  }

  /**
   * Put another device in a camera's place.
   * @param {string} site @param {string} camera @param {Partial<NewCamera>} device @returns {Promise<Registered>}
   */
  replace(site, camera, device) {
    return this.#send("POST", `${path(site, camera)}/replace`, device, { patience: REGISTER_MS });
  }

  /**
   * What replacing would do.
   * @param {string} site @param {string} camera @param {Partial<NewCamera>} device @returns {Promise<Edit>}
   */
  foreseeReplace(site, camera, device) {
    return this.#send("POST", `${path(site, camera)}/replace?preview=1`, device);
  }

  /**
   * Change a building or a camera of it; `preview` only says what that would do.
   * @param {string} site @param {string|undefined} camera @param {SiteChange} change @param {boolean} [preview]
   * @returns {Promise<Edit>}
   */
  change(site, camera, change, preview = false) {
    return this.#send("PATCH", `${path(site, camera)}${preview ? "?preview=1" : ""}`, change);
  }

  /**
   * Remove a building or a camera of it; with a version only from the file as it was then.
   * @param {string} site @param {string|undefined} camera @param {{preview?: boolean, version?: string}} how
   * @returns {Promise<Edit>}
   */
  remove(site, camera, { preview = false, version = "" }) {
    const query = new URLSearchParams({ ...(preview && { preview: "1" }), ...(version && { version }) });
    return this.#send("DELETE", `${path(site, camera)}?${query}`);
  }

  /** A building as its file says it. @param {string} site @returns {Promise<SiteSettings>} */
  settings(site) {
    return this.#json(`${path(site)}/settings`);
  }

  /** What a new building may be given. @returns {Promise<NewSite>} */
  newSite() {
    return this.#json("api/v1/new-site");
  }

  /** @param {SiteDraft} draft @returns {Promise<Edit>} */
  addSite(draft) {
    return this.#send("POST", "api/v1/sites", draft);
  }

  /** How much of each month every camera could be watched. @param {string} site @returns {Promise<Month[]>} */
  async availability(site) {
    return (await this.#json(`${path(site)}/availability`)).months;
  }

  /** Every mistake of the files, and the buildings of which nothing else is known. @returns {Promise<{problems: Problem[], unreadable: string[]}>} */
  problems() {
    return this.#json("api/v1/problems");
  }

  /** The acceptance record as a page to print. @param {string} site @param {string} camera @param {string} language */
  async record(site, camera, language) {
    return (await this.ask(recordPath(site, camera, language))).blob();
  }

  /** Who watched, newest first, for administrators. @param {AuditWish} wish @returns {Promise<AuditPage>} */
  audit(wish) {
    return this.#json(`api/v1/audit?${new URLSearchParams({ ...wish })}`);
  }

  /** The same as a table. @param {AuditWish} wish */
  async auditTable(wish) {
    return (await this.ask(`api/v1/audit.csv?${new URLSearchParams({ ...wish })}`, { patience: REGISTER_MS })).blob();
  }

  /** @override @protected @param {Asking} options @returns {Record<string, string>} */
  proof(options) {
    const proof = super.proof(options);
    return this.#csrf && WRITES.has(options.method ?? "GET") ? { ...proof, "X-CSRF-Token": this.#csrf } : proof;
  }

  /** @param {Who} who */
  #known(who) {
    this.#csrf = who.csrf_token ?? "";
    return who;
  }

  /** @param {string} where @param {Asking} [options] */
  async #json(where, options) {
    return (await this.ask(where, options)).json();
  }

  /** @param {string} method @param {string} where @param {unknown} [body] @param {Asking} [options] */
  #send(method, where, body, options = {}) {
    if (body === undefined) return this.#json(where, { ...options, method });
    const headers = { "Content-Type": "application/json" };
    return this.#json(where, { ...options, method, headers, body: JSON.stringify(body) });
  }
}

/** @param {string} site @param {string} camera @param {string} language */
export function recordPath(site, camera, language) {
  return `${path(site, camera)}/record?format=html&lang=${language}`;
}

/** @param {string} site @param {string} [camera] */
function path(site, camera) {
  const building = `api/v1/sites/${encodeURIComponent(site)}`;
  return camera === undefined ? building : `${building}/cameras/${encodeURIComponent(camera)}`;
}
