/** `/api/v1/docs`: the API's own description, read out to people. */
import { element } from "../element.js";
import { Header, openPage, showEmpty, showMain } from "../page.js";
import { openapi } from "./api.js";
import { OperationView } from "./operation.js";
import { shape } from "./schema.js";
/** @import { OpenApi } from "./types.js" */

const METHODS = ["get", "post", "patch", "put", "delete"];

const { words } = await openPage("resident.", "developer.");
document.title = words.text("docs.title");
const header = new Header(words, { back: false });
header.show(words.text("docs.title"), "");
await load();

async function load() {
  /** @type {OpenApi} */
  let whole;
  try {
    whole = await openapi();
  } catch {
    showEmpty(words.text("docs.away"), words.text("docs.away.hint"));
    return;
  }
  header.show(words.text("docs.title"), `${whole.info.title} ${whole.info.version}`);
  show(whole);
}

/** @param {OpenApi} whole */
function show(whole) {
  const search = element("input", { id: "search", type: "search", autocomplete: "off", spellcheck: "false" });
  const none = element("p", { class: "hint", role: "status" });
  const groups = whole.tags.map(({ name }) => group(whole, name)).filter(({ views }) => views.length > 0);
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const { part, views } of groups) {
      for (const view of views) view.node.hidden = !view.matches(wanted);
      part.hidden = views.every(({ node }) => node.hidden);
    }
    none.textContent = groups.every(({ part }) => part.hidden) ? words.text("docs.none") : "";
  });
  showMain(
    element("div", { class: "intro" }, element("p", {}, words.text("docs.intro")), source(), signIn(whole), errors(whole)),
    element("p", { class: "find" }, element("label", { for: "search" }, words.text("docs.search")), search),
    none,
    ...groups.map(({ part }) => part),
  );
  openNamed(groups.flatMap(({ views }) => views));
  addEventListener("hashchange", () => openNamed(groups.flatMap(({ views }) => views)));
}

function source() {
  const link = element("a", { href: "/api/v1/openapi.json" }, "openapi.json");
  return element("p", { class: "hint" }, words.text("docs.source"), " ", link);
}

/** Who one can be to the API. The description itself speaks English. @param {OpenApi} whole */
function signIn({ components }) {
  const list = element("dl", { class: "terms", lang: "en" });
  for (const [name, { description }] of Object.entries(components.securitySchemes)) {
    list.append(element("dt", {}, element("code", {}, name)), element("dd", {}, description));
  }
  return element("details", { class: "who" }, element("summary", {}, words.text("docs.who")), list);
}

/** @param {OpenApi} whole */
function errors(whole) {
  const { Problem: problem } = whole.components.schemas;
  if (!problem) return "";
  const inside = element("div", { class: "type" }, shape(whole, problem));
  return element("details", { class: "who" }, element("summary", {}, words.text("docs.errors")), inside);
}

/** @param {OpenApi} whole @param {string} tag */
function group(whole, tag) {
  const views = Object.entries(whole.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation?.tags.includes(tag) ? [new OperationView(words, whole, { method, path, operation })] : [];
    }),
  );
  const part = element("section", { class: "group" }, element("h2", { lang: "en" }, tag));
  part.append(...views.map(({ node }) => node));
  return { part, views };
}

/** The operation that the address names: `#sites_show_site`. @param {OperationView[]} views */
function openNamed(views) {
  const named = views.find(({ id }) => location.hash === `#${id}`);
  if (!named) return;
  named.node.open = true;
  named.node.scrollIntoView();
}
