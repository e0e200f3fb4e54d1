/**
 * What a player shows and does, as a pure function: `next(state, event, now, random)`.
 *
 * It owns no timer, no socket and no element. The caller looks at two numbers of the state: `line`, the
 * connection that should stand (0 for none, a new number means a new connection), and `due`, the time at
 * which it wants to hear a `tick`. All times are milliseconds since the epoch.
 */
/** @import { Phase, PlayerEvent, Reason, State } from "../types.js" */

/** How long each stage may take, in milliseconds. */
export const PACE = Object.freeze({
  connect: 15_000, // from the offer to the first picture; a camera on demand takes up to 8 s of it
  hidden: 5_000, // a tile that scrolled away keeps its connection so long
  shaky: 2_000, // missed connectivity checks, before a new connection is made
  stalled: 8_000, // silence although the board calls the camera live
  resume: 2_500, // the camera is back: its next key picture should come on the same connection
  settled: 10_000, // a connection that lived so long was a good one: the waits start small again
  first: 600, // the longest first wait; it doubles from there
  longest: 30_000,
  refused: 60_000,
  herd: 800, // when a camera returns, its viewers come back spread over this time
});

/** @type {Readonly<State>} */
export const START = Object.freeze({
  phase: "idle",
  since: 0,
  reason: null,
  line: 0,
  lines: 0,
  attempt: 0,
  due: null,
  wanted: false,
  visible: true,
  online: true,
  shaky: false,
  up: null,
  upAt: 0,
});

/** Phases in which a connection stands or is being made. */
const CONNECTED = new Set(["connecting", "live", "silent"]);

/** Reasons that another try in a minute does not change, unless something is done. */
const FINAL = new Set(["ticket", "forbidden", "missing", "browser"]);

/**
 * @param {State} state
 * @param {PlayerEvent} event
 * @param {number} now
 * @param {number} random between 0 and 1
 * @returns {State} the same object when nothing changed
 */
export function next(state, event, now, random) {
  switch (event.type) {
    case "play":
      return CONNECTED.has(state.phase) ? state : start({ ...state, wanted: true, attempt: 0 }, now);
    case "stop":
      return state.wanted ? rest({ ...state, wanted: false }, "idle", now) : state;
    case "show":
      return show(state, now);
    case "hide":
      return hide(state, now);
    case "online":
      return state.online ? state : resume({ ...state, online: true, attempt: 0 }, now);
    case "offline":
      return offline(state, now);
    case "frame":
      return frame(state, now);
    case "quiet":
      return quiet(state, event.last, now);
    case "shaky":
      return CONNECTED.has(state.phase) && !state.shaky
        ? { ...state, shaky: true, due: now + PACE.shaky }
        : state;
    case "steady":
      return state.shaky ? { ...state, shaky: false, due: usualDue(state, now) } : state;
    case "lost":
      return lost(state, event.reason, event.retryAfter ?? 0, now, random);
    case "refused":
      return refused(state, event.reason, event.retryAfter ?? 0, now, random);
    case "board":
      return board(state, event.up, now, random);
    case "tick":
      return state.due !== null && now >= state.due ? tick(state, now, random) : state;
  }
}

/**
 * Whether the picture that is on the screen shows what happens now.
 * @param {State} state
 */
export function isLive(state) {
  return state.phase === "live";
}

/** @param {State} state @param {number} now @returns {State} */
function start(state, now) {
  if (!state.online) return rest(state, "offline", now);
  if (!state.visible) return rest(state, "paused", now);
  const line = state.lines + 1;
  return {
    ...state,
    phase: "connecting",
    since: now,
    reason: null,
    line,
    lines: line,
    shaky: false,
    due: now + PACE.connect,
  };
}

/** @param {State} state @param {Phase} phase @param {number} now @returns {State} */
function rest(state, phase, now) {
  return { ...state, phase, since: now, reason: null, line: 0, shaky: false, due: null };
}

/** @param {State} state @param {number} now @returns {State} */
function resume(state, now) {
  return state.wanted && !CONNECTED.has(state.phase) ? start(state, now) : state;
}

/** @param {State} state @param {number} now @returns {State} */
function show(state, now) {
  if (state.visible) return state;
  const shown = { ...state, visible: true };
  if (state.phase === "paused") return resume(shown, now);
  return CONNECTED.has(state.phase) ? { ...shown, due: usualDue(shown, now) } : shown;
}

/** @param {State} state @param {number} now @returns {State} */
function hide(state, now) {
  if (!state.visible) return state;
  const hidden = { ...state, visible: false };
  if (CONNECTED.has(state.phase)) return { ...hidden, due: now + PACE.hidden };
  return state.phase === "waiting" ? rest(hidden, "paused", now) : hidden;
}

/** @param {State} state @param {number} now @returns {State} */
function offline(state, now) {
  if (!state.online) return state;
  const gone = { ...state, online: false };
  return state.wanted ? rest(gone, "offline", now) : gone;
}

/** @param {State} state @param {number} now @returns {State} */
function frame(state, now) {
  if (state.phase !== "connecting" && state.phase !== "silent") return state;
  const live = /** @type {State} */ ({ ...state, phase: "live", since: now, shaky: false });
  return { ...live, due: usualDue(live, now) };
}

/** @param {State} state @param {number} last @param {number} now @returns {State} */
function quiet(state, last, now) {
  // Connected to a camera that is away: no failure, and its picture will come on this connection.
  const away = state.phase === "connecting" && state.up === false;
  if (state.phase !== "live" && !away) return state;
  const silent = /** @type {State} */ ({ ...state, phase: "silent", since: last });
  // The camera is back but not here: what this connection was made to has gone.
  if (state.up && state.upAt > last) return { ...silent, due: now };
  return { ...silent, due: state.shaky ? state.due : usualDue(silent, now) };
}

/**
 * The camera or the connection went away; another try follows.
 * @param {State} state @param {Reason} reason @param {number} retryAfter @param {number} now
 * @param {number} random @returns {State}
 */
function lost(state, reason, retryAfter, now, random) {
  if (!CONNECTED.has(state.phase)) return state;
  const settled = state.phase !== "connecting" && now - state.since > PACE.settled;
  const attempt = settled ? 0 : state.attempt;
  const delay = Math.max(retryAfter, backoff(attempt, random));
  return {
    ...rest(state, "waiting", now),
    reason,
    attempt: attempt + 1,
    due: now + delay,
  };
}

/** @param {State} state @param {Reason} reason @param {number} retryAfter @param {number} now @param {number} random @returns {State} */
function refused(state, reason, retryAfter, now, random) {
  if (!CONNECTED.has(state.phase)) return state;
  if (reason === "camera" || reason === "server" || reason === "network" || reason === "full") {
    return lost(state, reason, retryAfter, now, random);
  }
  const again = FINAL.has(reason) ? null : now + Math.max(retryAfter, spread(PACE.refused, random));
  return { ...rest(state, "refused", now), reason, due: again };
}

/** @param {State} state @param {boolean} up @param {number} now @param {number} random @returns {State} */
function board(state, up, now, random) {
  if (state.up === up) return state;
  if (!up) return { ...state, up };
  const heard = { ...state, up, upAt: state.up === null ? 0 : now };
  if (state.phase === "silent" && state.visible) return { ...heard, due: now + PACE.resume };
  const again = state.phase === "waiting" || (state.phase === "refused" && state.due !== null);
  if (!again || state.up === null) return heard;
  const soon = now + random * PACE.herd;
  return { ...heard, attempt: 0, due: state.due === null ? soon : Math.min(state.due, soon) };
}

/** @param {State} state @param {number} now @param {number} random @returns {State} */
function tick(state, now, random) {
  if (!CONNECTED.has(state.phase)) {
    return state.wanted ? start(state, now) : { ...state, due: null };
  }
  if (!state.visible) return rest(state, "paused", now);
  if (state.shaky || state.phase === "connecting") return lost(state, "network", 0, now, random);
  if (state.phase === "silent" && state.up) return lost(state, "server", 0, now, random);
  return { ...state, due: usualDue(state, now) };
}

/**
 * When a connection should be looked at again if nothing else happens.
 * @param {State} state @param {number} now @returns {number|null}
 */
function usualDue(state, now) {
  if (!state.visible) return state.due ?? now + PACE.hidden;
  if (state.phase === "connecting") return Math.max(now, state.since + PACE.connect);
  return state.phase === "silent" ? now + PACE.stalled : null;
}

/**
 * The wait before try number `attempt` (0 is the first), spread so that many viewers do not come at once.
 * @param {number} attempt @param {number} random @returns {number} milliseconds
 */
export function backoff(attempt, random) {
  return spread(Math.min(PACE.longest, PACE.first * 2 ** Math.min(attempt, 10)), random);
}

/** @param {number} longest @param {number} random @returns {number} between half of `longest` and all of it */
function spread(longest, random) {
  return Math.round(longest * (0.5 + random / 2));
}
