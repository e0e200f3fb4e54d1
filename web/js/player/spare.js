/**
 * A connection that is made before anybody knows to which camera: a browser needs a while for its keys, its sockets
 * and its first offer, and the page waits for the building meanwhile.
 */

const KEPT_MS = 20_000;

/** @type {{peer: RTCPeerConnection, offer: Promise<RTCSessionDescriptionInit>}|null} */
let spare = null;

/** Make one for a player with sound. */
export function prepare() {
  if (spare || typeof RTCPeerConnection === "undefined") return;
  const made = offering(true);
  spare = made;
  setTimeout(() => {
    if (spare !== made) return;
    spare = null;
    made.peer.close();
  }, KEPT_MS);
}

/** A connection and its offer. @param {boolean} audio */
export function connection(audio) {
  const ready = audio ? spare : null;
  if (ready) spare = null;
  return ready ?? offering(audio);
}

/** @param {boolean} audio */
function offering(audio) {
  // The pool opens the sockets now; those that a TURN server must open come with the answer's configuration.
  const peer = new RTCPeerConnection({ iceCandidatePoolSize: 1 });
  peer.addTransceiver("video", { direction: "recvonly" });
  if (audio) peer.addTransceiver("audio", { direction: "recvonly" });
  const offer = peer.createOffer();
  offer.catch(() => {});
  return { peer, offer };
}
