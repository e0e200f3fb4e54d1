/** `/embed-preview/<site>`: what a web developer pastes to show a building, and what it will look like. For staff. */
import { ApiError } from "../api.js";
import { enter } from "../console/sign-in.js";
import { element } from "../element.js";
import { Header, openPage, showEmpty, showMain } from "../page.js";
import { CameraPlayer } from "../player/camera-player.js";
import { CameraWall } from "../player/camera-wall.js";
import { embedFacts } from "./api.js";
import { choice, code } from "./code.js";
import { minting, policy, snippets } from "./snippets.js";
/** @import { EmbedFacts } from "./types.js" */

const ATTRIBUTES = ["cameras", "manual", "lang", "ticketProvider"];
const PROPERTIES = ["accent", "warning", "text", "muted", "surface", "line", "radius", "gap", "columns"];
const EVENTS = ["statechange", "sitechange"];

const { words } = await openPage("resident.", "", "developer.");
document.title = words.text("preview.title");
const header = new Header(words, { back: false });
header.show(words.text("preview.title"), "");
const site = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const { api } = await enter(words);
await load();

async function load() {
  try {
    show(await embedFacts(site, api.ticket));
  } catch (error) {
    const known = error instanceof ApiError && error.status === 404 ? "missing" : "away";
    showEmpty(words.text(`preview.${known}`), words.text(`preview.${known}.hint`));
  }
}

/** @param {EmbedFacts} facts */
function show(facts) {
  const address = facts.public_url ?? location.origin;
  header.show(words.text("preview.title"), words.name(facts.name));
  showMain(
    element("div", { class: "preview" }, ...warnings(facts, address), embedding(facts, address)),
    ...(facts.access === "ticket" ? [ticketing(facts)] : []),
    section(words.text("preview.policy"), element("p", {}, words.text("preview.policy.note")), policyCode(address)),
    reference(),
  );
}

/** What keeps the snippet from working, or lets more people watch than somebody may think. @param {EmbedFacts} facts @param {string} address */
function warnings({ access, allowed_origins, tickets, public_url }, address) {
  const nobody = allowed_origins.length === 0;
  const said = [
    access === "staff" && "staff",
    access === "ticket" && nobody && "nobody",
    access === "public" && (nobody ? "everybody" : "public"),
    access === "ticket" && !tickets && "nokey",
    public_url === null && "address",
    address.startsWith("http:") && "plain",
  ];
  return said.filter((one) => one !== false).map((one) => {
    const values = { origins: allowed_origins.join(", "), address };
    return element("p", { class: "warning", role: "note" }, words.text(`preview.warn.${one}`, values));
  });
}

/** @param {EmbedFacts} facts @param {string} address */
function embedding(facts, address) {
  const snippet = element("div");
  const shown = element("div", { class: "stage" });
  const select = element("select", { id: "camera" });
  for (const { id, name } of facts.cameras) select.append(element("option", { value: id }, words.name(name)));
  const which = element("p", { class: "which" }, element("label", { for: "camera" }, words.text("preview.camera")), select);
  /** @type {"wall"|"player"|"frame"} */
  let kind = "wall";
  const refresh = () => {
    const texts = snippets(facts, address, select.value, words.text("title"));
    which.hidden = kind !== "player";
    snippet.replaceChildren(code(words, texts[kind], words.text(`preview.${kind}`)));
    shown.replaceChildren(sample(kind, facts, select.value));
  };
  const names = {
    wall: words.text("preview.wall"),
    player: words.text("preview.player"),
    frame: words.text("preview.frame"),
  };
  const choose = choice(words.text("preview.kind"), names, (chosen) => {
    kind = chosen;
    refresh();
  });
  select.addEventListener("change", refresh);
  const note = element("p", { class: "hint" }, words.text(facts.access === "ticket" ? "preview.paste.ticket" : "preview.paste"));
  return section(words.text("preview.snippet"), choose, which, snippet, note, element("h3", {}, words.text("preview.live")), shown);
}

/** The thing itself, seen with the rights of who has signed in. @param {string} kind @param {EmbedFacts} facts @param {string} camera */
function sample(kind, facts, camera) {
  if (kind === "frame" && facts.access === "public") {
    const allow = "autoplay; fullscreen; picture-in-picture; local-network; local-network-access";
    return element("iframe", { src: `/embed/${facts.site}?lang=${words.language}`, title: words.name(facts.name), allow });
  }
  const made = kind === "player" ? new CameraPlayer() : new CameraWall();
  made.api = api;
  made.words = words;
  made.setAttribute("site", facts.site);
  if (kind === "player") {
    const known = facts.cameras.find(({ id }) => id === camera);
    made.setAttribute("camera", camera);
    made.setAttribute("label", known ? words.name(known.name) : camera);
  }
  return made;
}

/** @param {EmbedFacts} facts */
function ticketing(facts) {
  const texts = minting(facts.site);
  const shown = element("div");
  const choose = choice(words.text("preview.language"), { PHP: "PHP", Python: "Python", Node: "Node" }, (name) =>
    shown.replaceChildren(code(words, texts[name], name)),
  );
  return section(words.text("preview.ticket"), element("p", {}, words.text("preview.ticket.note")), choose, shown);
}

/** @param {string} address */
function policyCode(address) {
  return code(words, policy(address), words.text("preview.policy"));
}

/** The attributes, properties and events in a line each. */
function reference() {
  /** @type {[string[], string][]} */
  const rows = [
    ...ATTRIBUTES.map((name) => /** @type {[string[], string]} */ ([[name], words.text(`preview.attribute.${name}`)])),
    ...EVENTS.map((name) => /** @type {[string[], string]} */ ([[name], words.text(`preview.event.${name}`)])),
    [PROPERTIES.map((name) => `--camera-${name}`), words.text("preview.look")],
    [["::part()"], words.text("preview.parts")],
  ];
  const list = element("dl", { class: "terms" });
  for (const [names, meaning] of rows) {
    const codes = names.map((name) => element("code", { translate: "no" }, name));
    list.append(element("dt", {}, ...codes), element("dd", {}, meaning));
  }
  const more = element("p", { class: "hint" }, words.text("preview.more"), " ");
  more.append(element("a", { href: "/api/v1/docs" }, words.text("docs.title")));
  return section(words.text("preview.reference"), list, more);
}

/** @param {string} title @param {...Node} content */
function section(title, ...content) {
  return element("section", { class: "part" }, element("h2", {}, title), ...content);
}
