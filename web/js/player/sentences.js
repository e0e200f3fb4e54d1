/**
 * What a player says, from what it knows: one short line for the caption, and for the screen a title and a hint.
 *
 * @typedef {import("../i18n.js").Words} Words
 * @typedef {import("../api.js").Camera} Camera
 * @typedef {import("./player-state.js").State} State
 * @typedef {"live"|"busy"|"warn"|"rest"} Tone
 * @typedef {{tone: Tone, short: string, title: string, hint: string}} Saying
 */

/**
 * @param {State} state @param {Pick<Camera, "state"|"since"|"last_live">|null} camera the board's word on it
 * @param {Words} words @param {number} now
 * @returns {Saying}
 */
export function say(state, camera, words, now) {
  switch (state.phase) {
    case "live":
      return { tone: "live", short: words.text("live"), title: "", hint: "" };
    case "connecting":
      return { tone: "busy", short: words.text("connecting"), title: "", hint: "" };
    case "silent":
      return silent(state.since, words, now);
    case "offline":
      return both("warn", words.text("offline"), words.text("offline.hint"));
    case "paused":
      return both("rest", words.text("paused"), "");
    case "refused":
      return refused(state, words);
    case "waiting":
      return waiting(state, camera, words, now);
    case "idle":
      return idle(camera, words, now);
  }
}

/** @param {Tone} tone @param {string} title @param {string} hint @returns {Saying} */
function both(tone, title, hint) {
  return { tone, short: title, title, hint };
}

/** @param {number} since @param {Words} words @param {number} now */
function silent(since, words, now) {
  return both("warn", words.text("silent", { time: words.time(since, now) }), words.text("silent.hint"));
}

/** @param {State} state @param {Words} words */
function refused({ reason }, words) {
  return both("warn", words.text(`refused.${reason}`), words.text(`refused.${reason}.hint`));
}

/** @param {State} state @param {Pick<Camera, "state"|"since"|"last_live">|null} camera @param {Words} words @param {number} now */
function waiting({ reason, due }, camera, words, now) {
  const known = away(camera, words, now);
  if (known && (reason === "camera" || reason === "server")) return known;
  const seconds = Math.max(1, Math.ceil(((due ?? now) - now) / 1_000));
  const title = reason === "camera" ? "away.silent" : `waiting.${reason}`;
  return both("warn", words.text(title), words.text("again", { n: seconds }));
}

/** @param {Pick<Camera, "state"|"since"|"last_live">|null} camera @param {Words} words @param {number} now */
function idle(camera, words, now) {
  const known = away(camera, words, now);
  if (known) return known;
  return { tone: /** @type {Tone} */ ("rest"), short: words.text("idle"), title: "", hint: "" };
}

/**
 * What the board says of a camera that cannot be played now.
 * @param {Pick<Camera, "state"|"since"|"last_live">|null} camera @param {Words} words @param {number} now
 * @returns {Saying|null}
 */
function away(camera, words, now) {
  switch (camera?.state) {
    case "silent":
      return silent(Date.parse(camera.last_live ?? camera.since), words, now);
    case "failed":
      return both("warn", words.text("away.failed"), words.text("away.failed.hint"));
    case "waiting":
      return both("busy", words.text("away.waiting"), words.text("away.waiting.hint"));
    case "disabled":
      return both("rest", words.text("away.disabled"), "");
    default:
      return null;
  }
}
