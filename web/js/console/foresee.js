/** What a change would do, said before it is done. */
import { element } from "../element.js";
import { ask } from "./ask.js";
/** @import { Words } from "../i18n.js" */
/** @import { Edit, ForeseenStep, LocalNames } from "./types.js" */

// Nobody loses a picture by these.
const HARMLESS = new Set(["create", "start", "pull"]);

/**
 * Whether to go on: asks only when the change interrupts something, or when it is grave in itself.
 * @param {Words} words
 * @param {{ahead: Edit, question: string, yes: string, names: LocalNames, note?: string, always?: boolean,
 *   typed?: string}} what
 */
export async function agreed(words, { ahead, question, yes, names, note = "", always = false, typed = "" }) {
  const plan = ahead.plan ?? { viewers: 0, steps: [] };
  const interrupting = plan.viewers > 0 || plan.steps.some(({ kind }) => !HARMLESS.has(kind));
  if (!interrupting && !always) return true;
  const viewers = plan.viewers > 0 ? "plan.viewers" : "plan.nobody";
  const said = element("p", { class: "cut", "data-tone": plan.viewers > 0 ? "bad" : "calm" }, words.text(viewers, { n: plan.viewers }));
  const notes = [...(note ? [element("p", {}, note)] : []), ...steps(words, plan.steps, names), said];
  return ask(words, { question, notes, yes, typed });
}

/** @param {Words} words @param {readonly ForeseenStep[]} steps @param {LocalNames} names */
function steps(words, steps, names) {
  if (steps.length === 0) return [];
  const several = steps.filter(({ viewers }) => viewers > 0).length > 1;
  const said = steps.map(({ kind, camera, viewers }) => {
    const name = camera ? words.name(names[camera] ?? {}) || camera : "";
    const watched = several && viewers > 0 ? [element("span", { class: "count" }, words.text("viewers", { n: viewers }))] : [];
    return element("li", {}, element("span", {}, words.text(`plan.${kind}`, { name })), ...watched);
  });
  const unique = [...new Map(said.map((item) => [item.textContent, item])).values()];
  return [element("p", {}, words.text("plan.steps")), element("ul", { class: "steps" }, ...unique)];
}
