/**
 * What a player shows and does, as a pure function: `next(state, event, now, random)`.
 *
 * It owns no timer, no socket and no element. The caller looks at two numbers of the state: `line`, the
 * connection that should stand (0 for none, a new number means a new connection), and `due`, the time at
 * which it wants to hear a `tick`. All times are milliseconds since the epoch.
 */
/** @import { Phase, PlayerEvent, Reason, State, Steps } from "../types.js" */

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
  place: 0,
});

/** Phases in which a connection stands or is being made. */
const CONNECTED = new Set(["connecting", "live", "silent"]);

/** Reasons that another try in a minute does not change, unless something is done. */
const FINAL = new Set(["watched", "over", "ticket", "revoked", "closed", "forbidden", "missing", "browser"]);

/**
 * @param {State} state @param {PlayerEvent} event @param {number} now @param {number} random between 0 and 1
 * @returns {State} the same object when nothing changed
 */
export function next(state, event, now, random) {
  return STEPS[event.type](state, /** @type {any} */ (event), now, random);
}

/** @type {Readonly<Steps>} */
const STEPS = Object.freeze({
  play: (state, _, now) =>
    CONNECTED.has(state.phase) ? state : start({ ...state, wanted: true, attempt: 0 }, now),

  stop: (state, _, now) => (state.wanted ? rest({ ...state, wanted: false }, "idle", now) : state),

  show(state, _, now) {
    if (state.visible) return state;
    const shown = { ...state, visible: true };
    if (state.phase === "paused") return resume(shown, now);
    return CONNECTED.has(state.phase) ? { ...shown, due: usualDue(shown, now) } : shown;
  },

  hide(state, _, now) {
    if (!state.visible) return state;
    const hidden = { ...state, visible: false };
    if (CONNECTED.has(state.phase)) return { ...hidden, due: now + PACE.hidden };
    return state.phase === "waiting" ? rest(hidden, "paused", now) : hidden;
  },

  online: (state, _, now) =>
    state.online ? state : resume({ ...state, online: true, attempt: 0 }, now),

  offline(state, _, now) {
    if (!state.online) return state;
    const gone = { ...state, online: false };
    return state.wanted ? rest(gone, "offline", now) : gone;
  },

  frame(state, _, now) {
    if (state.phase !== "connecting" && state.phase !== "silent") return state;
    return looked({ ...state, phase: "live", since: now, shaky: false, place: 0 }, now);
  },

  quiet(state, { last }, now) {
    // Connected to a camera that is away: no failure, and its picture will come on this connection.
    const away = state.phase === "connecting" && state.up === false;
    if (state.phase !== "live" && !away) return state;
    /** @type {State} */
    const silent = { ...state, phase: "silent", since: last };
    // The camera is back but not here: what this connection was made to has gone.
    if (state.up && state.upAt > last) return { ...silent, due: now };
    return state.shaky ? silent : looked(silent, now);
  },

  shaky: (state, _, now) =>
    CONNECTED.has(state.phase) && !state.shaky
      ? { ...state, shaky: true, due: now + PACE.shaky }
      : state,

  steady: (state, _, now) => (state.shaky ? looked({ ...state, shaky: false }, now) : state),

  lost(state, { reason, retryAfter = 0, place = 0 }, now, random) {
    if (!CONNECTED.has(state.phase)) return state;
    return place > 0 ? inLine(state, place, retryAfter, now, random) : again(state, reason, retryAfter, now, random);
  },

  refused(state, { reason, retryAfter = 0 }, now, random) {
    if (!CONNECTED.has(state.phase)) return state;
    const final = FINAL.has(reason);
    const due = final ? null : now + Math.max(retryAfter, spread(PACE.refused, random));
    return { ...rest(state, "refused", now), reason, due, wanted: !final };
  },

  board(state, { up }, now, random) {
    if (state.up === up) return state;
    if (!up) return { ...state, up };
    const heard = { ...state, up, upAt: state.up === null ? 0 : now };
    if (state.phase === "silent" && state.visible) return { ...heard, due: now + PACE.resume };
    const waits = state.phase === "waiting" || (state.phase === "refused" && state.due !== null);
    if (!waits || state.up === null) return heard;
    return { ...heard, attempt: 0, due: Math.min(state.due ?? Infinity, now + random * PACE.herd) };
  },

  tick(state, _, now, random) {
    if (state.due === null || now < state.due) return state;
    if (!CONNECTED.has(state.phase)) return state.wanted ? start(state, now) : { ...state, due: null };
    if (!state.visible) return rest(state, "paused", now);
    if (state.shaky || state.phase === "connecting") return again(state, "network", 0, now, random);
    if (state.phase === "silent" && state.up) return again(state, "server", 0, now, random);
    return looked(state, now);
  },
});

/** @param {State} state @param {number} now @returns {State} */
function start(state, now) {
  if (!state.online) return rest(state, "offline", now);
  if (!state.visible) return rest(state, "paused", now);
  const line = state.lines + 1;
  const due = now + PACE.connect;
  return { ...state, phase: "connecting", since: now, reason: null, line, lines: line, shaky: false, due };
}

/** @param {State} state @param {Phase} phase @param {number} now @returns {State} */
function rest(state, phase, now) {
  return { ...state, phase, since: now, reason: null, line: 0, shaky: false, due: null, place: 0 };
}

/** @param {State} state @param {number} now @returns {State} */
function resume(state, now) {
  return state.wanted && !CONNECTED.has(state.phase) ? start(state, now) : state;
}

/**
 * The connection ended; another try follows.
 * @param {State} state @param {Reason} reason @param {number} retryAfter @param {number} now @param {number} random
 * @returns {State}
 */
function again(state, reason, retryAfter, now, random) {
  const settled = state.phase !== "connecting" && now - state.since > PACE.settled;
  const attempt = settled ? 0 : state.attempt;
  const due = now + Math.max(retryAfter, backoff(attempt, random));
  return { ...rest(state, "waiting", now), reason, attempt: attempt + 1, due };
}

/**
 * The building is full, and the player stands in line: it asks again when it is told to, however often it has.
 * @param {State} state @param {number} place @param {number} retryAfter @param {number} now @param {number} random
 * @returns {State}
 */
function inLine(state, place, retryAfter, now, random) {
  const due = now + Math.round(retryAfter * (1 + random / 10));
  return { ...rest(state, "waiting", now), reason: "full", place, due };
}

/** @param {State} state @param {number} now @returns {State} */
function looked(state, now) {
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
