const CSS = `
:host { display: block; color: var(--camera-text, CanvasText); font: inherit; }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
.frame { container: camera / inline-size; display: flex; flex-direction: column; height: 100%; overflow: hidden;
  background: var(--camera-surface, Canvas); border: 1px solid var(--camera-line, #8883);
  border-radius: var(--camera-radius, 14px); }
.screen { position: relative; aspect-ratio: 16 / 9; background: #14181b; overflow: hidden; color: #fff; }
.blank, .still, video { position: absolute; inset: 0; width: 100%; height: 100%; }
.still, video { object-fit: contain; }
.blank { padding: 30%; fill: none; stroke: #49535a; stroke-width: 1; stroke-linecap: round; stroke-linejoin: round; }
.still, video { opacity: 0; }
.still.kept, .screen[data-phase=live] video, .screen[data-phase=silent] video { opacity: 1; }
.screen[data-phase=live] video { cursor: zoom-in; }
.screen::after { content: ""; position: absolute; inset: 0; background: #0b0e10; opacity: 0; pointer-events: none;
  transition: opacity .25s; }
.screen[data-veil=light]::after { opacity: .3; }
.screen[data-veil=dark]::after { opacity: .78; }
.screen[data-veil=dark] :is(.still, video) { filter: grayscale(1); }

.note { position: absolute; z-index: 1; inset: 0; display: flex; flex-direction: column; gap: .35em; padding: 1.25rem;
  align-items: center; justify-content: center; text-align: center; text-wrap: balance; pointer-events: none; }
.note strong { font-size: 1.0625rem; font-weight: 600; line-height: 1.3; }
.note span { max-width: 34ch; color: #d5dce0; font-size: .9375rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
.note:empty, .note [hidden], .taken[hidden], button[hidden], .spinner[hidden] { display: none; }
.taken { position: absolute; z-index: 1; left: .75rem; bottom: .75rem; padding: .2rem .6rem; border-radius: 99px;
  background: #0b0e10cc; font-size: .8125rem; font-variant-numeric: tabular-nums; }
.spinner { position: absolute; z-index: 1; left: 50%; top: 50%; width: 2.75rem; height: 2.75rem; margin: -1.375rem;
  border: 3px solid #fff5; border-top-color: #fff; border-radius: 50%; animation: turn .9s linear infinite; }
@keyframes turn { to { rotate: 1turn; } }

button { display: grid; place-items: center; margin: 0; padding: 0; border: 0; background: none; color: #fff;
  font: inherit; cursor: pointer; touch-action: manipulation; -webkit-tap-highlight-color: transparent; }
button svg { fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
button:focus-visible { outline: 3px solid #fff; outline-offset: -4px; box-shadow: inset 0 0 0 6px #0b0e10; }
.start { position: absolute; z-index: 2; inset: 0; }
.start span { display: grid; place-items: center; width: 4rem; height: 4rem; border-radius: 50%;
  background: #0b0e10b3; transition: background .15s, scale .15s; }
.start:hover span { background: var(--camera-accent, #0f766e); scale: 1.05; }
.start svg { width: 1.75rem; height: 1.75rem; fill: currentColor; translate: .1rem; }
.start.again { place-items: end center; padding-bottom: .75rem; }
.start.again span { width: 2.75rem; height: 2.75rem; }
.start.again svg { width: 1.25rem; height: 1.25rem; fill: none; translate: 0; }
.controls { position: absolute; z-index: 3; right: .375rem; bottom: .375rem; display: flex; }
.controls button { width: 2.75rem; height: 2.75rem; }
.controls svg { width: 2.125rem; height: 2.125rem; padding: .4375rem; border-radius: 50%; background: #0b0e1099; }
.controls button:hover svg { background: #0b0e10; }
.controls button:focus-visible { border-radius: 50%; }
@media (hover: hover) {
  .screen[data-phase=live] .controls { opacity: 0; transition: opacity .15s; }
  .screen:hover .controls, .screen:focus-within .controls { opacity: 1; }
}

.caption { display: grid; grid-template: "label actions" "state actions" / 1fr auto; align-items: center;
  gap: 0 .75rem; min-height: 3.75rem; padding: .5rem .5rem .5rem 1rem; }
.label { grid-area: label; margin: 0; font-size: 1rem; font-weight: 600; line-height: 1.35; overflow-wrap: anywhere; }
slot { grid-area: actions; display: flex; }
.state { grid-area: state; display: flex; align-items: center; gap: .5rem; color: var(--camera-muted, GrayText);
  font-size: .875rem; font-variant-numeric: tabular-nums; }
.state::before { content: ""; flex: none; width: .5rem; height: .5rem; border-radius: 50%;
  background: currentColor; }
.state[data-tone=live] { color: var(--camera-accent, #0f766e); font-weight: 600; }
.state[data-tone=warn] { color: var(--camera-warning, #9a3412); }
.state[data-tone=rest]::before, .state[data-tone=busy]::before { background: none; border: 2px solid currentColor; }
@container camera (min-width: 30rem) {
  .caption { grid-template: "label state actions" / 1fr auto auto; }
}
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: reduce) {
  * { transition: none !important; }
  .spinner { animation-duration: 3s; }
}
@media (forced-colors: active) {
  .state::before { forced-color-adjust: none; }
  .controls svg, .start span { border: 1px solid; }
}
`;

const WALL = `
:host { display: block; container: wall / inline-size; min-height: 6rem; color: var(--camera-text, CanvasText); }
:host([hidden]) { display: none; }
.grid { display: grid; grid-template-columns: repeat(var(--camera-columns, var(--fit, 1)), minmax(0, 1fr));
  gap: var(--camera-gap, 1rem); }
::slotted(*) { min-width: 0; height: 100%; }
@container wall (min-width: 38rem) {
  .grid { --fit: 2; }
  :host([data-count="1"]) .grid { --fit: 1; }
}
@container wall (min-width: 68rem) { :host([data-count=many]) .grid { --fit: 3; } }
@container wall (min-width: 94rem) { :host([data-count=many]) .grid { --fit: 4; } }
.message { display: grid; justify-items: center; gap: .625rem; max-width: 34rem; margin: auto; padding: 3rem 1rem;
  text-align: center; text-wrap: balance; }
.message:empty { display: none; }
.message svg { width: 4rem; fill: none; stroke: var(--camera-accent, #0f766e); stroke-width: 1.25;
  stroke-linecap: round; stroke-linejoin: round; }
h2, p { margin: 0; }
h2 { font-size: 1.375rem; line-height: 1.3; }
p { color: var(--camera-muted, GrayText); }
button { min-height: 2.75rem; margin-top: .5rem; padding: 0 1.25rem; border: 1px solid currentColor; border-radius: 99px;
  background: none; color: var(--camera-accent, #0f766e); font: inherit; font-weight: 600; cursor: pointer; }
button:focus-visible { outline: 3px solid; outline-offset: 3px; }
`;

/** The look of a player, for its shadow root: a constructed sheet, because policies forbid inline style. */
export const look = () => sheet(CSS);

/** The look of a wall. */
export const wallLook = () => sheet(WALL);

/** @param {string} css */
function sheet(css) {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}
