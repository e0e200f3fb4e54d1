/**
 * One camera over the whole page: zoom, a picture to keep, picture in picture, the full screen. Loaded when somebody
 * first asks for it.
 *
 * A modal dialog brings what such a view needs: the page behind it is inert, Escape and the phone's "back" close it,
 * and nothing of the page can lie above it. The frame moves into it and back without a pause of its video.
 */
import { element, icon } from "../element.js";
import { name } from "./view.js";
import { Zoom } from "./zoom.js";
/** @import { View } from "./view.js" */
/** @import { Words } from "../i18n.js" */

const FULL = ["M4 9V4h5", "M15 4h5v5", "M20 15v5h-5", "M9 20H4v-5"];
const SNAPSHOT = ["M4 8h3.5L9 5.5h6L16.5 8H20v11H4z", "M15.2 13.2a3.2 3.2 0 1 1-6.4 0 3.2 3.2 0 0 1 6.4 0z"];
const INSET = ["M3.5 5h17v14h-17z", "M12.5 12.5h5v3.5h-5z"];

const CSS = `
dialog { width: 100vw; max-width: none; height: 100dvh; max-height: none; margin: 0; padding: 0; border: 0;
  overflow: hidden; overscroll-behavior: none; background: #000; color: #fff; }
dialog::backdrop { background: #000; }
dialog .frame { height: 100%; border: 0; border-radius: 0; background: #000; }
dialog .screen { flex: 1; aspect-ratio: auto; background: #000; touch-action: none; }
dialog .screen :is(video, .still) { translate: var(--x, 0) var(--y, 0); scale: var(--zoom, 1); cursor: default;
  user-select: none; -webkit-user-select: none; }
dialog .screen[data-zoomed] :is(video, .still) { cursor: grab; }
dialog .caption { position: absolute; inset: 0 0 auto; z-index: 2; color: #fff; pointer-events: none;
  padding: max(.75rem, env(safe-area-inset-top)) 4.5rem 1.5rem max(1rem, env(safe-area-inset-left));
  background: linear-gradient(#000b, #0000); }
dialog .caption .state { color: #fff; }
dialog slot { display: none; }
dialog .more { display: contents; }
dialog .screen .controls { z-index: 4; right: max(.75rem, env(safe-area-inset-right)); opacity: 1;
  bottom: max(.75rem, env(safe-area-inset-bottom)); }
dialog .controls svg { background: #30373bcc; }
dialog .controls .enlarge { position: fixed; z-index: 4; top: max(.5rem, env(safe-area-inset-top));
  right: max(.75rem, env(safe-area-inset-right)); }
dialog .start.again { padding-bottom: 4.5rem; }
`;

export class Large {
  #view;
  #closed;
  #sheet = new CSSStyleSheet();
  #dialog = element("dialog");
  #more = element("span", { class: "more" });
  #zoom;

  /** @param {View} view @param {Words} words @param {string} label @param {() => void} closed is called when it is over */
  constructor(view, words, label, closed) {
    this.#view = view;
    this.#closed = closed;
    const root = /** @type {ShadowRoot} */ (view.frame.getRootNode());
    this.#sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, this.#sheet];
    this.#dialog.setAttribute("aria-label", label);
    this.#dialog.addEventListener("close", () => this.#restore());
    this.#dialog.addEventListener("keydown", (event) => this.#zoom.key(event));
    this.#more.append(...this.#buttons(words, label));
    view.controls.prepend(this.#more);
    this.#zoom = new Zoom(view.screen);
    const host = /** @type {HTMLElement} */ (root.host);
    // Its place in the page stays as large as it was.
    host.style.setProperty("min-height", `${host.offsetHeight}px`);
    root.append(this.#dialog);
    this.#dialog.append(view.frame);
    this.#dialog.showModal();
    this.#focus();
  }

  close() {
    this.#dialog.close();
    this.#restore();
  }

  #restore() {
    if (!this.#dialog.isConnected) return;
    const root = /** @type {ShadowRoot} */ (this.#dialog.getRootNode());
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
    this.#zoom.close();
    this.#more.remove();
    this.#dialog.replaceWith(this.#view.frame);
    /** @type {HTMLElement} */ (root.host).style.removeProperty("min-height");
    root.adoptedStyleSheets = root.adoptedStyleSheets.filter((sheet) => sheet !== this.#sheet);
    this.#closed();
    this.#focus();
  }

  /** The hand stays on the button that opened and closes this. */
  #focus() {
    /** @type {HTMLElement|null} */ (this.#view.controls.querySelector(".enlarge"))?.focus();
  }

  /** Only what this browser can do. @param {Words} words @param {string} label */
  #buttons(words, label) {
    const { video, frame } = this.#view;
    const full = button(words.text("full"), FULL, () => void this.#toggleFull());
    const inset = button(words.text("inset"), INSET, () => void video.requestPictureInPicture().then(() => this.close(), () => {}));
    const snapshot = button(words.text("snapshot"), SNAPSHOT, () => this.#save(label));
    return [snapshot, ...(document.pictureInPictureEnabled ? [inset] : []), ...("requestFullscreen" in frame ? [full] : [])];
  }

  async #toggleFull() {
    if (document.fullscreenElement) await document.exitFullscreen().catch(() => {});
    else await this.#view.frame.requestFullscreen().catch(() => {});
  }

  /** @param {string} label */
  #save(label) {
    const time = new Date().toLocaleString("sv").replaceAll(":", "-");
    this.#view.picture.toBlob((blob) => {
      if (!blob) return;
      const link = element("a", { href: URL.createObjectURL(blob), download: `${label} ${time}.jpg`.trim() });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    }, "image/jpeg", 0.92);
  }
}

/** @param {string} text @param {string[]} paths @param {() => void} act */
function button(text, paths, act) {
  const made = element("button", { type: "button", onclick: act }, icon("", ...paths));
  name(made, text);
  return made;
}
