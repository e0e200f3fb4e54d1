/**
 * The ticket that comes in the address as `#ticket=...`, or as the whole fragment.
 *
 * A fragment never reaches a server's log. It is taken out of the address bar at once, so that a copied link or a
 * photo of the screen does not pass it on, and is kept for this tab only, so that a reload still shows the cameras.
 */
const KEPT = "ticket";
// A JSON Web Signature in its compact form (RFC 7515 section 7.1).
const TICKET = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** @returns {string} the ticket of this tab, "" without one */
export function pageTicket() {
  const brought = takeTicket();
  if (brought === null) return recall();
  try {
    sessionStorage.setItem(KEPT, brought);
  } catch {
    // Without storage the ticket lasts until the page is reloaded.
  }
  return brought;
}

/** @returns {string|null} the ticket that the address brought, which no longer holds it */
export function takeTicket() {
  const fragment = location.hash.slice(1);
  const brought = TICKET.test(fragment) ? fragment : new URLSearchParams(fragment).get("ticket");
  if (brought !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return brought;
}

function recall() {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}
