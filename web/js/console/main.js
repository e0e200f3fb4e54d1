/** The console: who signs in, which building is chosen (`#/lenina-12`), and the board that keeps both panes present. */
import { Board } from "../board.js";
import { element } from "../element.js";
import { Away, Header, openPage, showMain } from "../page.js";
import { Building } from "./building.js";
import { Buildings } from "./buildings.js";
import { Fleet } from "./fleet.js";
import { Happenings } from "./happenings.js";
import { Finder } from "./finder.js";
import { enter, leave } from "./sign-in.js";
import { Views } from "./views.js";

const { words } = await openPage();
document.title = words.text("console.title");
const header = new Header(words, { back: false });
header.show(words.text("console.title"), "");
const away = new Away(words);

const { api, who } = await enter(words);
header.show(words.text("console.title"), who.name ?? "");
const fleet = new Fleet();
const buildings = new Buildings(words, fleet);
const happenings = new Happenings(words);
const right = element("div", { class: "right" });
/** @type {Building|Finder|Views|null} */
let open = null;
let chosen = "";

offerSignOut();
showMain(element("div", { class: "panes" }, buildings.pane, right));
show({ focus: false });
addEventListener("hashchange", () => show({ focus: true }));
new Board(api, "", {
  event(event) {
    const site = fleet.hear(event, Date.now());
    if (site === chosen) open?.hear(event);
    if (event.name !== "camera") buildings.show();
    happenings.show(fleet.happenings, chosen);
  },
  connected(connected) {
    away.show(connected);
    if (connected) void list();
  },
  denied: () => void signOut(),
});

/** What went while nobody listened is told by the list alone. */
async function list() {
  await api.sites().then((sites) => fleet.reset(sites), () => {});
  buildings.show();
}

/** Show what the address says: `#/lenina-12`, `#/lenina-12/find`. @param {{focus: boolean}} options */
function show({ focus }) {
  const [site, room] = placeOf(location.hash);
  chosen = site;
  open?.close();
  open = chosen ? opened(room) : null;
  document.body.dataset["view"] = chosen ? "building" : "buildings";
  const choose = element("p", { class: "plain choose" }, words.text("console.choose"));
  right.replaceChildren(open?.pane ?? choose, ...(room ? [] : [happenings.pane]));
  buildings.choose(chosen);
  happenings.show(fleet.happenings, chosen);
  if (!focus) return;
  scrollTo(0, 0);
  open?.focus();
}

/** @param {string} room */
function opened(room) {
  const parts = { api, words, id: chosen, summary: fleet.sites.get(chosen), who };
  if (room === "find") return new Finder(parts);
  return room === "views" ? new Views(parts) : new Building(parts);
}

/** The building and the room that `#/lenina-12/find` names; what is no address names none. @param {string} hash */
function placeOf(hash) {
  const [site = "", room = ""] = hash.replace(/^#\/?/, "").split("/");
  try {
    return /** @type {const} */ ([decodeURIComponent(site), room]);
  } catch {
    return /** @type {const} */ (["", ""]);
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
