/** The console: who signs in, which building is chosen (`#/lenina-12`), and the board that keeps both panes present. */
import { Board } from "../board.js";
import { element } from "../element.js";
import { Away, Header, openPage, showMain } from "../page.js";
import { Building } from "./building.js";
import { Buildings } from "./buildings.js";
import { Fleet } from "./fleet.js";
import { Happenings } from "./happenings.js";
import { Finder } from "./finder.js";
import { NewBuilding } from "./new-building.js";
import { enter, leave } from "./sign-in.js";
import { unreadableList } from "./unreadable.js";
import { Views } from "./views.js";

// Changes come in bursts.
const REREAD_MS = 1_000;

const { words } = await openPage("resident.", "", "gateway.");
document.title = words.text("console.title");
const header = new Header(words, { back: false });
header.show(words.text("console.title"), "");
const away = new Away(words);

const { api, who } = await enter(words);
header.show(words.text("console.title"), who.name ?? "");
const fleet = new Fleet();
const manages = who.role === "administrator";
const buildings = new Buildings(words, fleet, { manage: manages });
const happenings = new Happenings(words);
const right = element("div", { class: "right" });
/** @type {Building|Finder|NewBuilding|Views|null} */
let inside = null;
let chosen = "";
let rereading = 0;

offerSignOut();
showMain(element("div", { class: "panes" }, buildings.pane, right));
show({ focus: false });
addEventListener("hashchange", () => show({ focus: true }));
new Board(api, "", {
  event(event) {
    const site = fleet.hear(event, Date.now());
    if (site === chosen) inside?.hear(event);
    if (event.name !== "camera") buildings.show();
    if (event.name !== "camera" && manages) soon();
    happenings.show(fleet.happenings, chosen);
  },
  connected(connected) {
    away.show(connected);
    if (connected) void list();
  },
  denied: () => void signOut(),
});

/** Read the mistakes of the files again: they change with the buildings. */
function soon() {
  clearTimeout(rereading);
  rereading = setTimeout(() => void list(), REREAD_MS);
}

/** What went while nobody listened is told by the list alone. */
async function list() {
  await api.sites().then((sites) => fleet.reset(sites), () => {});
  buildings.show();
  if (manages) await api.problems().then(warn, () => {});
}

/** @param {{problems: import("./types.js").Problem[], unreadable: string[]}} files */
function warn({ problems, unreadable }) {
  buildings.warn(problems, unreadableList(words, api, unreadable, soon));
}

/** Show what the address says: `#/lenina-12`, `#/lenina-12/find`, `#//new`. @param {{focus: boolean}} options */
function show({ focus }) {
  const [site, room, detail] = placeOf(location.hash);
  chosen = site;
  inside?.close();
  inside = opened(room, detail);
  document.body.dataset["view"] = inside ? "building" : "buildings";
  const choose = element("p", { class: "plain choose" }, words.text("console.choose"));
  right.replaceChildren(inside?.pane ?? choose, ...(room ? [] : [happenings.pane]));
  buildings.choose(chosen);
  happenings.show(fleet.happenings, chosen);
  if (!focus) return;
  scrollTo(0, 0);
  inside?.focus();
}

/** @param {string} room @param {string} detail */
function opened(room, detail) {
  const taken = () => [...fleet.sites.keys()];
  const parts = { api, words, id: chosen, summary: fleet.sites.get(chosen), who, fleet, taken, detail };
  if (manages && room === "views") return new Views(parts);
  if (manages && room === "new" && !chosen) return new NewBuilding(parts);
  if (!chosen) return null;
  return room === "find" ? new Finder(parts) : new Building(parts);
}

/** The building and the room that `#/lenina-12/find` names; what is no address names none. @param {string} hash */
function placeOf(hash) {
  const [site = "", room = "", detail = ""] = hash.replace(/^#\/?/, "").split("/");
  try {
    return /** @type {const} */ ([decodeURIComponent(site), room, decodeURIComponent(detail)]);
  } catch {
    return /** @type {const} */ (["", "", ""]);
  }
}

function offerSignOut() {
  const button = element("button", { class: "quiet", type: "button", onclick: () => void signOut() });
  button.append(words.text("console.leave"));
  document.querySelector(".top")?.append(button);
}

/** A new page knows nothing of what this one has seen. */
async function signOut() {
  await leave(api);
  location.replace(location.pathname);
}
