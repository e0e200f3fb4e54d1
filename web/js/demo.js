/** In the demo every camera has a plug that can be pulled. No other page loads this. */
import { element, icon } from "./element.js";
/** @import { Api } from "./api.js" */
/** @import { Words } from "./i18n.js" */

const PLUG = ["M9 3v5", "M15 3v5", "M6.5 8h11v3a5.5 5.5 0 0 1-11 0z", "M12 16.5V21"];

/** @param {Api} api @param {Words} words @param {HTMLElement} wall */
export async function showPlugs(api, words, wall) {
  if (!wall.parentElement || wall.hasAttribute("data-demo")) return;
  wall.toggleAttribute("data-demo", true);
  wall.after(element("p", { class: "foot" }, words.text("demo.note")));
  const plugs = await api.plugs().catch(() => /** @type {Record<string, boolean>} */ ({}));
  for (const [id, plugged] of Object.entries(plugs)) {
    wall.querySelector(`camera-player[camera="${CSS.escape(id)}"]`)?.append(plug(api, words, id, plugged));
  }
}

/** @param {Api} api @param {Words} words @param {string} id @param {boolean} plugged */
function plug(api, words, id, plugged) {
  const button = element("button", { class: "plug", type: "button", slot: "actions" });
  /** @param {boolean} is */
  const show = (is) => {
    button.dataset["plugged"] = String(is);
    button.replaceChildren(icon("", ...PLUG), words.text(is ? "demo.unplug" : "demo.plug"));
  };
  show(plugged);
  button.addEventListener("click", async () => {
    const wish = button.dataset["plugged"] !== "true";
    button.disabled = true;
    await api.plug(id, wish).then(() => show(wish), () => {});
    button.disabled = false;
    button.focus();
  });
  return button;
}
