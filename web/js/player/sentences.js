/**
 * What a player says, from what it knows: one short line for the caption, and for the screen a title and a hint.
 */
/** @import { Known, Saying, State, Tone } from "../types.js" */
/** @import { Words } from "../i18n.js" */

/**
 * @param {State} state @param {Known} camera
 * @param {Words} words @param {number} now @param {boolean} [weak] the network loses too much
 * @returns {Saying}
 */
export function say(state, camera, words, now, weak = false) {
  switch (state.phase) {
    case "live":
      return weak ? caption("warn", words.text("live.weak")) : caption("live", words.text("live"));
    case "connecting":
      return state.place > 0 ? inLine(state.place, words) : caption("busy", words.text("connecting"));
    case "silent":
      return silent(state.since || lastLive(camera) || now, words, now);
    case "offline":
      return note("warn", "offline", words.text("offline"), words.text("offline.hint"), words);
    case "paused":
      return caption("rest", words.text("paused"));
    case "refused":
      return refused(state, words);
    case "waiting":
      return waiting(state, camera, words, now);
    case "idle":
      return away(camera, words, now) ?? caption("rest", words.text("idle"));
  }
}

/** @param {Tone} tone @param {string} short @returns {Saying} */
function caption(tone, short) {
  return { tone, short, title: "", hint: "", final: false };
}

/**
 * @param {Tone} tone @param {string} short @param {string} title @param {string} hint @param {Words} words
 * @returns {Saying}
 */
function note(tone, short, title, hint, words) {
  return { tone, short: words.text(`short.${short}`), title, hint, final: false };
}

/** @param {number} since @param {Words} words @param {number} now */
function silent(since, words, now) {
  const title = words.text("silent", { time: words.time(since, now) });
  return note("warn", "silent", title, words.text("silent.hint"), words);
}

/** @param {Known} camera @returns {number} 0 when nothing is known */
function lastLive(camera) {
  return camera ? Date.parse(camera.last_live ?? camera.since) : 0;
}

/** @param {State} state @param {Words} words */
function refused({ reason }, words) {
  const title = words.text(`refused.${reason}`);
  const hint = words.text(`refused.${reason}.hint`);
  return reason === "watched" ? note("rest", "watched", title, hint, words) : note("warn", "refused", title, hint, words);
}

/** @param {State} state @param {Known} camera @param {Words} words @param {number} now */
function waiting({ reason, due, place }, camera, words, now) {
  if (place > 0) return inLine(place, words);
  const known = away(camera, words, now);
  if (known && (reason === "camera" || reason === "server")) return known;
  const seconds = Math.max(1, Math.ceil(((due ?? now) - now) / 1_000));
  const title = reason === "camera" ? "away.silent" : `waiting.${reason}`;
  return note("warn", "waiting", words.text(title), words.text("again", { n: seconds }), words);
}

/** @param {number} place @param {Words} words */
function inLine(place, words) {
  const hint = place === 1 ? words.text("queue.next") : words.text("queue.ahead", { n: place - 1 });
  return note("busy", "queue", words.text("waiting.full"), hint, words);
}

/**
 * What the board says of a camera that cannot be played now.
 * @param {Known} camera @param {Words} words @param {number} now
 * @returns {Saying|null}
 */
function away(camera, words, now) {
  switch (camera?.state) {
    case "silent":
      return silent(lastLive(camera), words, now);
    case "failed":
      return note("warn", "refused", words.text("away.failed"), words.text("away.failed.hint"), words);
    case "waiting":
      return note("busy", "preparing", words.text("away.waiting"), words.text("away.waiting.hint"), words);
    case "disabled":
      return { ...note("rest", "disabled", words.text("away.disabled"), "", words), final: true };
    default:
      return null;
  }
}
