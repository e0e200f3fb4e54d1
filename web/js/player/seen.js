/** Whether somebody can see an element. */

/**
 * Tells whenever an element comes into sight or leaves it.
 * @param {Element} element @param {AbortSignal} signal @param {(seen: boolean) => void} listener
 */
export function watchSeen(element, signal, listener) {
  const observer = new IntersectionObserver((entries) => listener(entries.at(-1)?.isIntersecting ?? false));
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect());
}

/**
 * Whether an element is in sight beyond doubt: an observer says it only after the next paint. What a frame shows of
 * itself is known to its page alone.
 * @param {Element} element
 */
export function plainlySeen(element) {
  if (window.top !== window) return false;
  const { top, bottom, left, right } = element.getBoundingClientRect();
  return right > left && bottom >= 0 && top < innerHeight && right > 0 && left < innerWidth;
}
