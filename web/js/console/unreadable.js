/** Buildings whose files nobody can read: all that can be done from here is to put such a file aside. */
import { element } from "../element.js";
import { agreed } from "./foresee.js";
import { doing } from "./work.js";
/** @import { Words } from "../i18n.js" */
/** @import { StaffApi } from "./api.js" */

/**
 * @param {Words} words @param {StaffApi} api @param {readonly string[]} ids @param {() => void} changed
 * @returns {Node[]}
 */
export function unreadableList(words, api, ids, changed) {
  return ids.map((id) => {
    const said = element("p", { class: "said", role: "alert" });
    const remove = element("button", { class: "act danger", type: "button" }, words.text("unreadable.remove", { id }));
    const place = element("div", { class: "acts" }, remove, said);
    remove.addEventListener("click", () =>
      void doing(words, place, said, async () => {
        const ahead = await api.remove(id, undefined, { preview: true });
        const question = words.text("building.remove.ask", { name: id });
        const note = words.text("building.remove.note", { id });
        const yes = words.text("building.remove");
        if (!(await agreed(words, { ahead, question, note, yes, names: {}, always: true, typed: id }))) return;
        await api.remove(id, undefined, { version: ahead.version });
        place.remove();
        changed();
      }),
    );
    return place;
  });
}
