/** The first page: the buildings with a picture and their state. */
import { Board } from "./board.js";
import { element } from "./element.js";
import { Away, Header, openPage, showEmpty, showMain } from "./page.js";
import { SiteCard } from "./site-card.js";
/** @import { SiteSummary } from "./types.js" */

// So few buildings have room for large pictures on a phone, too.
const FEW = 3;

const { api, words } = await openPage("resident.");
new Header(words, { back: false }).show(words.text("sites"), "");
const away = new Away(words);
const list = element("ul", { class: "sites" });
/** @type {Map<string, SiteCard>} */
const cards = new Map();

await load();
new Board(api, "", {
  event({ name, data }) {
    if (name === "camera") cards.get(data.site)?.hear(data);
    else if (name === "site") put(data);
    else if (name === "gone") remove(data.site);
    show();
  },
  connected: (connected) => away.show(connected),
  denied: () => void load(),
});

async function load() {
  try {
    const listed = await api.sites();
    const ids = new Set(listed.map(({ id }) => id));
    for (const id of [...cards.keys()]) if (!ids.has(id)) remove(id);
    listed.forEach(put);
    show();
  } catch {
    away.show(false);
  }
}

/** @param {SiteSummary} site */
function put(site) {
  let card = cards.get(site.id);
  if (!card) {
    card = new SiteCard(api, words, site.id);
    cards.set(site.id, card);
    list.append(card.node);
  }
  card.show(site);
}

/** @param {string} id */
function remove(id) {
  const card = cards.get(id);
  card?.close();
  card?.node.remove();
  cards.delete(id);
}

function show() {
  list.toggleAttribute("data-few", cards.size <= FEW);
  if (cards.size === 0) {
    showEmpty(words.text("sites.none"), words.text("sites.none.resident"), words.text("sites.none.staff"));
  } else if (!list.isConnected) showMain(list);
}
