/** The first page: the buildings and their state. */
import { Board } from "./board.js";
import { element, icon } from "./element.js";
import { Away, Header, openPage, showEmpty, showMain, siteSentence } from "./page.js";
/** @import { SiteSummary } from "./types.js" */
/** @import { Words } from "./i18n.js" */

const { api, words } = await openPage("resident.");
new Header(words, { back: false }).show(words.text("sites"), "");
const away = new Away(words);
/** @type {Map<string, SiteSummary>} */
const sites = new Map();

await load();
new Board(api, "", {
  event({ name, data }) {
    if (name === "site") sites.set(data.id, data);
    else if (name === "gone") sites.delete(data.site);
    else return;
    show();
  },
  connected: (connected) => away.show(connected),
  denied: () => void load(),
});

async function load() {
  try {
    const listed = await api.sites();
    sites.clear();
    for (const site of listed) sites.set(site.id, site);
    show();
  } catch {
    away.show(false);
  }
}

function show() {
  if (sites.size === 0) {
    showEmpty(words.text("sites.none"), words.text("sites.none.resident"), words.text("sites.none.staff"));
    return;
  }
  const list = document.querySelector(".sites") ?? element("ul", { class: "sites" });
  const focused = document.activeElement?.getAttribute("href");
  list.replaceChildren(...[...sites.values()].map((site) => element("li", {}, card(site, words))));
  if (!list.isConnected) showMain(list);
  if (focused) /** @type {HTMLElement|null} */ (list.querySelector(`a[href="${CSS.escape(focused)}"]`))?.focus();
}

/** @param {SiteSummary} site @param {Words} words */
function card({ id, name, state, cameras }, words) {
  const count = element("span", {}, words.text("cameras", { n: cameras.total }));
  return element(
    "a",
    { class: "site", "data-state": state, href: `/watch/${encodeURIComponent(id)}` },
    element(
      "div",
      {},
      element("h2", {}, words.name(name)),
      element(
        "p",
        {},
        element("span", { class: "state" }, siteSentence(words, { state, ...cameras })),
        ...(state === "degraded" || cameras.total === 0 ? [] : [count]),
      ),
    ),
    icon("", "m9.5 5 7 7-7 7"),
  );
}
