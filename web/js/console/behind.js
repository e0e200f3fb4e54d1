/** What stands behind a building's video: mistakes in its file, its media servers, the last step. */
import { element } from "../element.js";
import { serverName, since } from "./sayings.js";
/** @import { Words } from "../i18n.js" */
/** @import { Problem, Server, StaffSite } from "./types.js" */

/** @param {Words} words @param {readonly Problem[]} problems @returns {Node[]} */
export function problemList(words, problems) {
  if (problems.length === 0) return [];
  const lines = problems.map(({ file, line, key, message }) => {
    const place = [line > 0 ? `${file}:${line}` : file, key].filter(Boolean).join(": ");
    return element("li", {}, element("code", {}, place), element("span", { lang: "en" }, message));
  });
  const title = element("h3", {}, words.text("building.problems", { n: problems.length }));
  return [
    element("div", { class: "problems" }, title, element("p", {}, words.text("building.mend")), element("ul", {}, ...lines)),
  ];
}

/** @param {Words} words @param {StaffSite} site @returns {Node[]} */
export function serverList(words, { servers = [], last_step = "" }) {
  if (servers.length === 0 && !last_step) return [];
  const rows = servers.map((server) => element("li", { class: "server" }, ...serverLines(words, server)));
  const step = last_step
    ? [element("p", { class: "step" }, words.text("building.step"), " ", element("span", { lang: "en" }, last_step))]
    : [];
  const list = rows.length > 0 ? [element("ul", { class: "rows" }, ...rows)] : [];
  return [element("h3", {}, words.text("building.servers")), ...list, ...step];
}

/** @param {Words} words @param {Server} server */
function serverLines(words, server) {
  const lines = [
    element("strong", {}, serverName(words, server)),
    element("span", { class: "count" }, words.text("viewers", { n: server.viewers })),
    element("span", { class: "state" }, since(words, server.state, server.since)),
  ];
  if (server.detail) lines.push(element("span", { class: "facts", lang: "en" }, server.detail));
  return lines;
}
