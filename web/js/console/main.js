/** The console: who signs in, which building is chosen (`#/lenina-12`), and the board that keeps both panes present. */
import { Api } from "../api.js";
import { Board } from "../board.js";
import { element } from "../element.js";
import { Away, Header, openPage, showMain } from "../page.js";
import { Building } from "./building.js";
import { Buildings } from "./buildings.js";
import { Fleet } from "./fleet.js";
import { Happenings } from "./happenings.js";
import { askForKey } from "./sign-in.js";
import { keepKey, recallKey } from "./staff-key.js";

const { words } = await openPage();
document.title = words.text("console.title");
const header = new Header(words, { back: false });
header.show(words.text("console.title"), "");
const away = new Away(words);

let key = recallKey();
if (!key) {
  key = await askForKey(words, "");
  keepKey(key);
}
const api = new Api({ ticket: key });
const fleet = new Fleet();
const buildings = new Buildings(words, fleet);
const happenings = new Happenings(words);
const right = element("div", { class: "right" });
/** @type {Building|null} */
let building = null;
let chosen = "";

offerSignOut();
showMain(element("div", { class: "panes" }, buildings.pane, right));
open({ focus: false });
addEventListener("hashchange", () => open({ focus: true }));
new Board(api, "", {
  event(event) {
    const site = fleet.hear(event, Date.now());
    if (event.name === "camera") {
      if (site === chosen) building?.updateCamera(event.data);
    } else {
      buildings.show();
      if (site === chosen) building?.update();
    }
    happenings.show(fleet.happenings, chosen);
  },
  connected(connected) {
    away.show(connected);
    if (connected) void list();
  },
  denied: () => signOut(),
});

/** What went while nobody listened is told by the list alone. */
async function list() {
  await api.sites().then((sites) => fleet.reset(sites), () => {});
  buildings.show();
}

/** Show what the address says. @param {{focus: boolean}} options */
function open({ focus }) {
  chosen = idOf(location.hash);
  building?.close();
  building = chosen ? new Building({ api, words }, chosen, fleet.sites.get(chosen)) : null;
  document.body.dataset["view"] = chosen ? "building" : "buildings";
  right.replaceChildren(
    building?.pane ?? element("p", { class: "plain choose" }, words.text("console.choose")),
    happenings.pane,
  );
  buildings.choose(chosen);
  happenings.show(fleet.happenings, chosen);
  if (!focus) return;
  scrollTo(0, 0);
  building?.focus();
}

/** The building that `#/lenina-12` names; what is no address names none. @param {string} hash */
function idOf(hash) {
  try {
    return decodeURIComponent(hash.replace(/^#\/?/, "").split("/")[0] ?? "");
  } catch {
    return "";
  }
}

function offerSignOut() {
  const leave = element("button", { class: "quiet", type: "button", onclick: signOut }, words.text("console.leave"));
  document.querySelector(".top")?.append(leave);
}

/** A new page knows nothing of what this one has seen. */
function signOut() {
  keepKey("");
  location.replace(location.pathname);
}
