/**
 * What the gateway says by a code, in the reader's language; its own English where there is no sentence for it, and
 * beneath a sentence where it says more.
 */
import { ApiError } from "../api.js";
import { element } from "../element.js";
/** @import { Words } from "../i18n.js" */
/** @import { Advice, Failure, Remark, StaffCamera } from "./types.js" */

// Their sentence says all that there is to say.
const WHOLE = new Set([
  ...["building_off", "camera_off", "being_asked", "sends_nothing", "server_comes", "server_stopped", "server_starts"],
  ...["same_address", "outside", "locked", "no_onvif", "no_profile", "wrong_password", "needs_password", "unreachable"],
]);
const WHOLE_PROBLEMS = new Set([
  ...["changed", "busy", "by_hand", "bad_id", "site_taken", "camera_taken", "no_site", "survey_running", "unauthorized"],
  ...["too_many_requests", "gateway_busy", "privacy", "no_address", "password_in_address", "not_by_onvif"],
]);
const HOUR_S = 3600;

/**
 * The sentence of a key, "" when there is none.
 * @param {Words} words @param {string} key @param {Record<string, string|number>} [values]
 */
function sentence(words, key, values) {
  const found = words.text(key, values);
  return found === key ? "" : found;
}

/**
 * @param {Words} words
 * @param {{code: string, text: string, hint: string, values?: Record<string, string|number>}} what
 * @returns {HTMLElement[]}
 */
function lines(words, { code, text, hint, values = {} }) {
  const said = code ? sentence(words, `cause.${code}`, values) : "";
  if (!said) return [text, hint].filter(Boolean).map((line) => element("p", { lang: "en" }, line));
  const mend = sentence(words, `cause.${code}.do`, values);
  const shown = [said, mend].filter(Boolean).map((line) => element("p", { lang: words.language }, line));
  const more = !WHOLE.has(code) && text && text !== said ? [element("p", { class: "exact", lang: "en" }, text)] : [];
  return [...shown, ...more];
}

/**
 * Why a camera does not play, and what to do.
 * @param {Words} words @param {Pick<StaffCamera, "code"|"about"|"reason"|"hint">} camera
 */
export function causeLines(words, { code, about, reason, hint }) {
  return lines(words, { code, text: reason, hint, values: { about } });
}

/** Why a camera could not be probed. @param {Words} words @param {Failure|null} failure */
export function failureLines(words, failure) {
  return failure ? lines(words, { code: failure.kind, text: failure.message, hint: failure.hint }) : [];
}

/** What to know of a camera's video, and which setting to change. @param {Words} words @param {Advice} advice */
export function adviceItem(words, { code, text, setting, stream, value, wanted }) {
  const values = {
    value: code === "clock" ? span(words, Number(value)) : value,
    wanted,
    stream: sentence(words, `stream.${stream}`),
  };
  const said = sentence(words, `advice.${code}`, values);
  const mendedBy = code === "sub_instead" && value ? value : code;
  const mend = said ? sentence(words, `advice.${mendedBy}.do`, values) : setting;
  const item = element("li", { lang: said ? words.language : "en" }, said || text);
  if (mend) item.append(element("em", {}, mend));
  return item;
}

/**
 * A sentence for staff. Its `why` and `but` are said by the sentences of other remarks, or of a cause.
 * @param {Words} words @param {Remark} remark
 * @returns {(HTMLElement|string)[]}
 */
export function remarkSpans(words, { code, text, values }) {
  const { why = "", but = "", ...rest } = values;
  if (rest["seconds"]) rest["seconds"] = Number(rest["seconds"]).toLocaleString(words.language);
  const reason = why ? sentence(words, `remark.${why}`, rest) : "";
  const cause = why && !reason ? sentence(words, `cause.${why}`, rest) : "";
  const hindrance = but ? sentence(words, `remark.${but}`, rest) : "";
  const known = code && (!why || reason || cause) && (!but || hindrance);
  const said = known ? sentence(words, `remark.${code}`, { ...rest, why: reason || cause, but: hindrance }) : "";
  if (!said) return [element("span", { lang: "en" }, text)];
  const more = cause && !WHOLE.has(why) ? [" ", element("span", { class: "exact", lang: "en" }, text)] : [];
  return [element("span", { lang: words.language }, said), ...more];
}

/**
 * Why something was not done.
 * @param {Words} words @param {unknown} error
 */
export function sayError(words, error) {
  if (!(error instanceof ApiError) || error.status === 0) return words.text("console.nobody");
  if (error.status === 401) return words.text("console.expired");
  const code = error.reason && sentence(words, `problem.${error.reason}`) ? error.reason : error.kind;
  const said = sentence(words, `problem.${code}`);
  const exact = [error.message, error.hint].filter(Boolean).join(" ");
  if (!said) return exact;
  return WHOLE_PROBLEMS.has(code) || said === error.message ? said : `${said} ${exact}`;
}

/** Why a survey could not go on. @param {Words} words @param {string} code @param {string} exact in English */
export function whyEnded(words, code, exact) {
  const said = code ? sentence(words, `problem.${code}`) || sentence(words, `cause.${code}`) : "";
  return [said, exact].filter(Boolean).join(" ");
}

/** A length of time. @param {Words} words @param {number} seconds of either sign */
function span(words, seconds) {
  const size = Math.abs(seconds);
  return size < HOUR_S
    ? words.text("span.seconds", { seconds: Math.round(size) })
    : words.text("span.hours", { hours: (size / HOUR_S).toLocaleString(words.language, { maximumFractionDigits: 1 }) });
}
