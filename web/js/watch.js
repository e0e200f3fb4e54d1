/** A building's page: its name and state, the wall of its cameras, and a link to pass on. */
import { element, icon } from "./element.js";
import { Away, Header, openSitePage, showMain, siteOfPage, siteSentence } from "./page.js";
import { CameraWall } from "./player/camera-wall.js";
import { pageTicket } from "./ticket.js";
/** @import { Site } from "./types.js" */

const SHARE = ["M12 15V4", "m8 7.5 4-4 4 4", "M6 11.5H5V20h14v-8.5h-1"];
const TOLD_MS = 3_000;

const { api, words } = await openSitePage();
const header = new Header(words, { back: true });
const away = new Away(words);
const wall = new CameraWall();
wall.api = api;
wall.words = words;
wall.setAttribute("site", siteOfPage());
wall.addEventListener("sitechange", (event) => show(/** @type {CustomEvent<{site: Site|null}>} */ (event).detail.site));
// Before the first cameras the wall itself says that nobody answers.
wall.addEventListener("serverchange", (event) =>
  away.show(wall.site === null || /** @type {CustomEvent<{connected: boolean}>} */ (event).detail.connected),
);
// A newer link that is opened in the same tab changes nothing but the fragment.
addEventListener("hashchange", () => {
  const ticket = pageTicket();
  if (ticket !== api.ticket) wall.setAttribute("ticket", ticket);
});
header.add(shareButton());
showMain(wall);

/** @param {Site|null} site */
function show(site) {
  const title = words.text("title");
  const name = site ? words.name(site.name) : title;
  document.title = site ? `${name} — ${title}` : title;
  document.body.dataset["count"] = wall.dataset["count"] ?? "";
  if (site?.demo) void import("./demo.js").then(({ showPlugs }) => showPlugs(api, words, wall));
  const live = site?.cameras.filter(({ state }) => state === "live" || state === "idle").length ?? 0;
  header.show(name, site ? siteSentence(words, { state: site.state, total: site.cameras.length, live }) : "");
}

/** Passes the page on without the ticket, which is the neighbour's own to ask for. */
function shareButton() {
  const button = element("button", { class: "quiet", type: "button", "aria-label": words.text("share") }, icon("", ...SHARE));
  const told = element("span", { role: "status" });
  button.addEventListener("click", async () => {
    const link = { title: document.title, url: location.origin + location.pathname };
    if (typeof navigator.share === "function") {
      await navigator.share(link).catch(() => {});
      return;
    }
    const copied = await navigator.clipboard?.writeText(link.url).then(() => true, () => false);
    told.textContent = copied ? words.text("share.copied") : link.url;
    setTimeout(() => (told.textContent = ""), TOLD_MS);
  });
  return element("span", { class: "share" }, told, button);
}
