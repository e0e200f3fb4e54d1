/** A building's page: the wall of its cameras, kept up to date by the board. */
import { ApiError } from "./api.js";
import { Board } from "./board.js";
import { element, icon } from "./element.js";
import { Away, Header, openPage, showEmpty, showMain, siteSentence } from "./page.js";
import { CameraPlayer } from "./player/camera-player.js";
import { Lines } from "./player/lines.js";
import { backoff } from "./player/player-state.js";
/** @import { Camera, Site, SiteSummary } from "./types.js" */

const AUTO = 6;
const TOTAL = { phone: 6, desktop: 12 };
// A tile of fewer device pixels is as sharp with the camera's small stream.
const SMALL = 720;
const PLUG = ["M9 3v5", "M15 3v5", "M6.5 8h11v3a5.5 5.5 0 0 1-11 0z", "M12 16.5V21"];

const siteId = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const { api, words } = await openPage();
const header = new Header(words, { back: true });
const away = new Away(words);
const phone = matchMedia("(pointer: coarse)").matches;
const lines = new Lines({ auto: AUTO, total: phone ? TOTAL.phone : TOTAL.desktop });
const wall = element("ul", { class: "wall" });
/** @type {Map<string, CameraPlayer>} */
const players = new Map();
/** @type {Site|null} */
let site = null;

await load(0);
new Board(api, siteId, {
  event({ name, data }) {
    if (name === "camera") update(data);
    else if (name === "site") updateSite(data);
    else if (name === "gone") missing();
  },
  connected: (connected) => away.show(connected),
  denied: () => void load(0),
});
new ResizeObserver(() => players.forEach(choose)).observe(wall);

/** Fetch the building, for as long as it takes. @param {number} attempt */
async function load(attempt) {
  try {
    site = await api.site(siteId);
    show(site);
  } catch (error) {
    const status = error instanceof ApiError ? error.status : 0;
    if (status === 401 || status === 403 || status === 404) {
      missing();
      return;
    }
    away.show(false);
    setTimeout(() => void load(attempt + 1), backoff(attempt, Math.random()));
  }
}

function missing() {
  site = null;
  delete document.body.dataset["count"];
  players.clear();
  wall.replaceChildren();
  header.show(words.text("title"), "");
  showEmpty(words.text("site.missing"), words.text("site.missing.hint"));
}

/** @param {Site} shown */
function show(shown) {
  const { cameras } = shown;
  document.title = `${words.name(shown.name)} — ${words.text("title")}`;
  head();
  const ids = new Set(cameras.map(({ id }) => id));
  for (const [id, player] of players) {
    if (ids.has(id)) continue;
    player.closest("li")?.remove();
    players.delete(id);
  }
  for (const camera of cameras) update(camera);
  if (cameras.length === 0) showEmpty(words.text("site.empty"), words.text("site.empty.hint"));
  else if (!wall.isConnected) {
    showMain(wall, ...(shown.demo ? [element("p", { class: "foot" }, words.text("demo.note"))] : []));
  }
  document.body.dataset["count"] = cameras.length > 4 ? "many" : String(cameras.length);
  if (shown.demo) void showPlugs();
}

function head() {
  if (!site) return;
  const live = site.cameras.filter(({ state }) => state === "live" || state === "idle").length;
  const sentence = siteSentence(words, { state: site.state, total: site.cameras.length, live });
  header.show(words.name(site.name), sentence);
}

/** @param {SiteSummary} summary */
function updateSite(summary) {
  if (!site || summary.cameras.total !== site.cameras.length) {
    void load(0);
    return;
  }
  site.name = summary.name;
  site.state = summary.state;
  head();
}

/** @param {Camera} camera */
function update(camera) {
  if (!site) return;
  const index = site.cameras.findIndex(({ id }) => id === camera.id);
  if (index < 0) {
    void load(0);
    return;
  }
  site.cameras[index] = camera;
  const player = players.get(camera.id) ?? add(camera);
  player.setAttribute("label", words.name(camera.name));
  player.setAttribute("poster", camera.poster ?? "");
  player.toggleAttribute("has-sub", camera.has_sub);
  choose(player);
  player.status = camera;
  head();
}

/** @param {Camera} camera */
function add(camera) {
  const player = new CameraPlayer();
  player.api = api;
  player.words = words;
  player.lines = lines;
  player.setAttribute("site", siteId);
  player.setAttribute("camera", camera.id);
  player.toggleAttribute("sound", true);
  player.toggleAttribute("autoplay", !savesData());
  players.set(camera.id, player);
  wall.append(element("li", {}, player));
  return player;
}

/** The small stream for a small tile. @param {CameraPlayer} player */
function choose(player) {
  const width = player.clientWidth * devicePixelRatio;
  if (width > 0) player.toggleAttribute("low", player.hasAttribute("has-sub") && width < SMALL);
}

/** Whether the person has asked the browser to save traffic; then nothing plays by itself. */
function savesData() {
  const { connection } = /** @type {{connection?: {saveData?: boolean}}} */ (navigator);
  return connection?.saveData === true;
}

/** In the demo every camera has a plug that can be pulled. */
async function showPlugs() {
  const plugs = await api.plugs().catch(() => /** @type {Record<string, boolean>} */ ({}));
  for (const [id, plugged] of Object.entries(plugs)) {
    const player = players.get(id);
    if (!player || player.querySelector(".plug")) continue;
    player.append(plug(id, plugged));
  }
}

/** @param {string} id @param {boolean} plugged */
function plug(id, plugged) {
  const button = element("button", { class: "plug", type: "button", slot: "actions" });
  /** @param {boolean} is */
  const show = (is) => {
    button.dataset["plugged"] = String(is);
    button.replaceChildren(icon("", ...PLUG), words.text(is ? "demo.unplug" : "demo.plug"));
  };
  show(plugged);
  button.addEventListener("click", async () => {
    const wish = button.dataset["plugged"] !== "true";
    button.disabled = true;
    await api.plug(id, wish).then(() => show(wish), () => {});
    button.disabled = false;
    button.focus();
  });
  return button;
}
