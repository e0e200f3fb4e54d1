/** How a player looks. A constructed sheet: the page's security policy allows no inline style. */
const CSS = `
:host { display: block; color: var(--camera-text, CanvasText); font: inherit; }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
.frame { container: camera / inline-size; display: flex; flex-direction: column; height: 100%; overflow: hidden;
  background: var(--camera-surface, Canvas); border: 1px solid var(--camera-line, #8883);
  border-radius: var(--camera-radius, 14px); }
.screen { position: relative; aspect-ratio: 16 / 9; background: #14181b; overflow: hidden; color: #fff; }
.blank, .poster, .still, video { position: absolute; inset: 0; width: 100%; height: 100%; }
.poster, .still, video { object-fit: contain; }
.blank { padding: 30%; fill: none; stroke: #49535a; stroke-width: 1; stroke-linecap: round; stroke-linejoin: round; }
.poster, .still, video { opacity: 0; }
.poster[src], .still.kept, .screen[data-phase=live] video, .screen[data-phase=silent] video { opacity: 1; }
.screen::after { content: ""; position: absolute; inset: 0; background: #0b0e10; opacity: 0; pointer-events: none;
  transition: opacity .25s; }
.screen[data-veil=light]::after { opacity: .3; }
.screen[data-veil=dark]::after { opacity: .78; }
.screen[data-veil=dark] :is(.poster, .still, video) { filter: grayscale(1); }

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
.frame:fullscreen { border: 0; border-radius: 0; background: #000; }
.frame:fullscreen .screen { flex: 1; aspect-ratio: auto; background: #000; }
.frame:fullscreen .caption { position: absolute; top: 0; left: 0; right: 0; z-index: 3; color: #fff;
  padding: max(.75rem, env(safe-area-inset-top)) 1rem 1.5rem max(1rem, env(safe-area-inset-left));
  background: linear-gradient(#000b, #0000); }
.frame:fullscreen .state { color: #fff; }
.frame:fullscreen slot { display: none; }
.frame:fullscreen .controls { right: max(.75rem, env(safe-area-inset-right));
  bottom: max(.75rem, env(safe-area-inset-bottom)); }
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

/** A new style sheet for a shadow root. */
export function look() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  return sheet;
}
