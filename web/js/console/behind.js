/** What stands behind a building's video: mistakes in its file, its media servers, the last step. */
import { element } from "../element.js";
import { serverName, serverState, serverTone, since } from "./sayings.js";
import { remarkSpans } from "./told.js";
/** @import { Words } from "../i18n.js" */
/** @import { Problem, Server, StaffSite } from "./types.js" */

/**
 * What keeps a file out of force stands open; what is only to be known waits.
 * @param {Words} words @param {readonly Problem[]} problems @param {"h2"|"h3"} [level] of the heading @returns {Node[]}
 */
export function problemList(words, problems, level = "h3") {
  const errors = problems.filter(({ severity }) => severity === "error");
  const rest = problems.filter(({ severity }) => severity !== "error");
  const shown = [];
  if (errors.length > 0) {
    const title = element(level, { class: "small" }, words.text("building.errors", { n: errors.length }));
    shown.push(element("div", { class: "problems" }, title, element("p", {}, words.text("building.mend")), lines(words, errors)));
  }
  if (rest.length > 0) {
    const summary = element("summary", {}, words.text("building.problems", { n: rest.length }));
    shown.push(element("details", { class: "more" }, summary, lines(words, rest)));
  }
  return shown;
}

/** @param {Words} words @param {readonly Problem[]} problems */
function lines(words, problems) {
  const items = problems.map(({ file, line, key, message, severity, code, values }) => {
    const place = [line > 0 ? `${file}:${line}` : file, key].filter(Boolean).join(": ");
    const weight = element("strong", { class: "weight" }, words.text(`severity.${severity}`));
    const tone = severity === "error" ? "bad" : "warn";
    const said = element("span", {}, ...remarkSpans(words, { code, text: message, values }));
    return element("li", { "data-tone": tone }, weight, element("code", {}, place), said);
  });
  return element("ul", { class: "mistakes" }, ...items);
}

/** @param {Words} words @param {StaffSite} site @returns {Node[]} */
export function serverList(words, { servers = [], step = null, growth = null }) {
  if (servers.length === 0 && !step) return [];
  const rows = servers.map((server) => element("li", { class: "server" }, ...serverLines(words, server)));
  const list = rows.length > 0 ? [element("ul", { class: "rows" }, ...rows)] : [];
  const said = [
    { key: "building.step", spans: step ? remarkSpans(words, step) : [] },
    { key: "building.scaling", spans: growth ? remarkSpans(words, growth) : [] },
  ];
  const steps = said
    .filter(({ spans }) => spans.length > 0)
    .map(({ key, spans }) => element("p", { class: "exact" }, element("strong", {}, words.text(key)), " ", ...spans));
  return [element("h3", {}, words.text("building.servers")), ...list, ...steps];
}

/** @param {Words} words @param {Server} server */
function serverLines(words, server) {
  const load = typeof server.cpu === "number" ? [words.text("server.cpu", { percent: Math.round(server.cpu * 100) })] : [];
  const leaving = server.draining ? [words.text("server.draining")] : [];
  const lines = [
    element("strong", {}, serverName(words, server)),
    element("span", { class: "count" }, words.text("viewers", { n: server.viewers })),
    element("span", { class: "state", "data-tone": serverTone(server) }, since(words, serverState(words, server), server.since)),
  ];
  const facts = [...load, ...leaving].map((one) => element("span", {}, one));
  if (facts.length > 0) lines.push(element("span", { class: "facts" }, ...facts));
  if (server.detail) lines.push(element("span", { class: "facts exact", lang: "en" }, server.detail));
  return lines;
}
