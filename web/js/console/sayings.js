/** States and errors in the console's words. */
/** @import { Words } from "../i18n.js" */
/** @import { Happening, Server, StaffCamera } from "./types.js" */

/** @type {Record<string, string>} */
const CAMERA = {
  live: "camera.live",
  idle: "camera.idle",
  connecting: "camera.connecting",
  silent: "camera.silent",
  failed: "camera.failed",
  waiting: "camera.waiting",
  disabled: "camera.disabled",
};
/** @type {Record<string, string>} */
const SITE = {
  ok: "site.state.ok",
  degraded: "building.degraded",
  down: "site.state.down",
  starting: "site.state.starting",
  disabled: "site.state.disabled",
};
/** @type {Record<string, string>} */
const TONES = { live: "good", idle: "good", ok: "good", silent: "bad", failed: "bad", down: "bad", degraded: "warn" };
/** @type {Record<string, string>} */
const SERVER = {
  starting: "server.starting",
  running: "server.running",
  stopped: "server.stopped",
  failing: "server.failing",
};
/** @type {Record<string, string>} */
const SERVER_TONES = { running: "good", failing: "bad", stopped: "warn" };
/** @type {Record<string, string>} */
const ROLES = { origin: "server.origin", edge: "server.edge" };

/** How much a state weighs: `good`, `bad` (an error), `warn` or `calm`. @param {string} state */
export function toneOf(state) {
  return TONES[state] ?? "calm";
}

/** @param {Words} words @param {string} state */
export function cameraState(words, state) {
  return words.text(CAMERA[state] ?? state);
}

/** "Live since 14:02:11". @param {Words} words @param {string} said @param {string} since RFC 3339 */
export function since(words, said, since) {
  const time = Date.parse(since);
  return Number.isNaN(time) ? said : words.text("since", { said, time: words.time(time) });
}

/** Codec, size and viewers, as far as they are known. @param {Words} words @param {StaffCamera} camera */
export function facts(words, { video_codec, width, height, viewers }) {
  const size = width > 0 ? `${width}×${height}` : "";
  return [codecName(video_codec ?? ""), size, words.text("viewers", { n: viewers })].filter(Boolean);
}

/** As a camera's own page writes it. @param {string} codec */
export function codecName(codec) {
  return codec.replace(/^H26(\d)$/i, "H.26$1");
}

/** @param {Words} words @param {Server} server */
export function serverName(words, { role, id }) {
  return `${words.text(ROLES[role] ?? role)} ${id}`;
}

/** @param {Words} words @param {Server} server */
export function serverState(words, { state }) {
  return words.text(SERVER[state] ?? state);
}

/** @param {Server} server */
export function serverTone({ state }) {
  return SERVER_TONES[state] ?? "calm";
}

/** @param {Words} words @param {Happening} happening */
export function happeningSentence(words, { camera, state }) {
  if (camera) return `${words.name(camera)}: ${cameraState(words, state)}`;
  return words.text(SITE[state] ?? state);
}
