/** The key that somebody of the company has signed in with: kept for this tab only, never in an address. */
const KEPT = "staff";

/** @returns {string} "" when nobody has signed in */
export function recallKey() {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key "" to sign out */
export function keepKey(key) {
  try {
    if (key) sessionStorage.setItem(KEPT, key);
    else sessionStorage.removeItem(KEPT);
  } catch {
    // Without storage one signs in again after a reload.
  }
}
