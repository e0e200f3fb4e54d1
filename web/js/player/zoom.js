/**
 * Looking closer at a picture: two fingers, a double tap, the wheel, or the keys + - 0 and the arrows.
 *
 * The screen gets `--zoom`, `--x` and `--y`; the picture never leaves it.
 */
const MOST = 6;
const TAP = { ms: 350, px: 30 };
const TAPPED = 2.5;
const STEP_PX = 60;

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Zoom {
  #screen;
  #ended = new AbortController();
  #zoom = 1;
  #x = 0;
  #y = 0;
  /** @type {Map<number, PointerEvent>} the fingers on the picture, where they were last */
  #fingers = new Map();
  /** @type {PointerEvent|null} */
  #tapped = null;

  /** @param {HTMLElement} screen */
  constructor(screen) {
    this.#screen = screen;
    const { signal } = this.#ended;
    screen.addEventListener("pointerdown", (event) => this.#down(event), { signal });
    screen.addEventListener("pointermove", (event) => this.#move(event), { signal });
    for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
      screen.addEventListener(type, ({ pointerId }) => this.#fingers.delete(pointerId), { signal });
    }
    screen.addEventListener("wheel", (event) => this.#wheel(event), { signal, passive: false });
  }

  close() {
    this.#ended.abort();
    this.#set(1, 0, 0);
  }

  /** @param {KeyboardEvent} event */
  key({ key }) {
    const arrow = ARROWS[key];
    if (arrow) this.#set(this.#zoom, this.#x + arrow[0] * STEP_PX, this.#y + arrow[1] * STEP_PX);
    else if (key === "+" || key === "=") this.#scale(1.25, 0, 0);
    else if (key === "-") this.#scale(0.8, 0, 0);
    else if (key === "0") this.#set(1, 0, 0);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (isButton(event)) return;
    this.#screen.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, event);
    const before = this.#tapped;
    this.#tapped = this.#fingers.size === 1 ? event : null;
    if (!before || !this.#tapped || !isDouble(before, event)) return;
    this.#tapped = null;
    if (this.#zoom > 1) this.#set(1, 0, 0);
    else this.#scale(TAPPED, ...this.#place(event));
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    this.#fingers.set(event.pointerId, event);
    const other = [...this.#fingers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    if (other) {
      const middle = this.#place({ clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 });
      this.#scale(distance(event, other) / Math.max(1, distance(before, other)), ...middle);
    }
    const share = other ? 2 : 1;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    this.#set(this.#zoom, this.#x + dx / share, this.#y + dy / share);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    this.#scale(Math.exp(-event.deltaY / 300), ...this.#place(event));
  }

  /** A place of the window, from the middle of the screen. @param {{clientX: number, clientY: number}} at @returns {[number, number]} */
  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.#screen.getBoundingClientRect();
    return [clientX - left - width / 2, clientY - top - height / 2];
  }

  /** Zoom so that the place stays where it is. @param {number} factor @param {number} x @param {number} y */
  #scale(factor, x, y) {
    const zoom = Math.min(MOST, Math.max(1, this.#zoom * factor));
    const real = zoom / this.#zoom;
    this.#set(zoom, x - (x - this.#x) * real, y - (y - this.#y) * real);
  }

  /** @param {number} zoom @param {number} x @param {number} y */
  #set(zoom, x, y) {
    const { clientWidth, clientHeight, style } = this.#screen;
    this.#zoom = zoom;
    this.#x = within(x, ((zoom - 1) * clientWidth) / 2);
    this.#y = within(y, ((zoom - 1) * clientHeight) / 2);
    style.setProperty("--zoom", String(zoom));
    style.setProperty("--x", `${this.#x}px`);
    style.setProperty("--y", `${this.#y}px`);
    this.#screen.toggleAttribute("data-zoomed", zoom > 1);
  }
}

/** @param {number} value @param {number} most @returns {number} */
function within(value, most) {
  return Math.min(most, Math.max(-most, value));
}

/** @param {{clientX: number, clientY: number}} a @param {{clientX: number, clientY: number}} b */
function distance(a, b) {
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
}

/** @param {PointerEvent} before @param {PointerEvent} event */
function isDouble(before, event) {
  return event.timeStamp - before.timeStamp < TAP.ms && distance(before, event) < TAP.px;
}

/** @param {PointerEvent} event */
function isButton(event) {
  return event.composedPath().some((node) => node instanceof HTMLButtonElement);
}
