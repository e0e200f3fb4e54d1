/**
 * One playing connection: draft-ietf-wish-whep from the browser's side.
 *
 * The offer goes out before any candidate is gathered, as RFC 9725 section 4.6 allows for an ICE server list that
 * comes with the answer: the first picture waits for one round trip and nothing else.
 *
 * The browser tries UDP, the server's TCP candidates and TURN by itself. When none of them leads anywhere, the next offer
 * asks the media server for its own TCP transport, the one after that for UDP again.
 */
import { ApiError } from "../api.js";
import { connection } from "./spare.js";
/** @import { LineHooks, Reason, Wish } from "../types.js" */
/** @import { Api } from "../api.js" */

const GOODBYE_MS = 1_000;
/** So long a browser may look for a way to the media server. */
const REACH_MS = 8_000;

/** @type {Record<string, Reason>} */
const BY_KIND = {
  camera_offline: "camera",
  server_full: "full",
  gateway_busy: "full",
  too_many_requests: "full",
  privacy: "privacy",
  codec_unsupported: "codec",
  offer_malformed: "browser",
  offer_unusable: "browser",
  origin: "origin",
};
/** @type {Record<number, Reason>} */
const BY_STATUS = { 0: "network", 403: "forbidden", 404: "missing" };
/** @type {Record<string, Reason>} */
const BY_ENDING = {
  time_over: "watched",
  revoked: "revoked",
  closed: "closed",
  privacy: "privacy",
  moved: "server",
};
/** @type {Record<string, Reason>} */
const BY_TICKET = { watched: "over", revoked: "revoked" };
/** What another try may well overcome. */
const PASSING = new Set(["blocked", "camera", "full", "network", "privacy", "server"]);

export class Line {
  #abort = new AbortController();
  #location = "";
  #asking = 0;
  #reaching = 0;
  #reached = false;
  #pace = 0;
  #api;
  #hooks;
  #wish;
  #offer;
  /** When the play was asked for. */
  asked = performance.now();
  /** The browser's side of the connection. */
  peer;

  /** @param {Api} api @param {Wish} wish @param {LineHooks} hooks */
  constructor(api, wish, hooks) {
    this.#api = api;
    this.#wish = wish;
    this.#hooks = hooks;
    const { peer, offer } = connection(wish.audio);
    this.peer = peer;
    this.#offer = offer;
    const stream = new MediaStream();
    this.peer.ontrack = ({ track }) => {
      stream.addTrack(track);
      if (track.kind === "video") hooks.stream(stream);
    };
    this.peer.onconnectionstatechange = () => this.#changed();
  }

  /** The play's name, "" while there is none. */
  get play() {
    return this.#location.split("/").at(-1) ?? "";
  }

  /** How the play looked. @param {import("../types.js").Seen} seen */
  tell(seen) {
    if (this.#location) this.#api.beacon(this.#wish, this.#location, seen);
  }

  /** Whether the camera's sound may be sent on this connection. */
  get hasAudio() {
    return this.peer
      .getTransceivers()
      .some((one) => one.receiver.track.kind === "audio" && one.currentDirection === "recvonly");
  }

  /** Make the connection; failures go to `ended`. */
  async open() {
    try {
      await this.#open();
    } catch (error) {
      const reason = reasonOf(error, this.#api.ticket !== "");
      if (!(error instanceof ApiError)) return this.#end(reason);
      this.#wish.turn.queue = error.queue || this.#wish.turn.queue;
      this.#end(reason, error.retryAfter * 1_000, error.place);
    }
  }

  /** Hang up, and tell the server so that the place is free at once. */
  close() {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    clearTimeout(this.#asking);
    clearTimeout(this.#reaching);
    const close = () => this.peer.close();
    if (!this.#location) return close();
    // The peer's own good-bye comes second: it would end the play that DELETE names.
    setTimeout(close, GOODBYE_MS);
    void this.#api.hangUp(this.#location).then(close);
  }

  async #open() {
    const { peer } = this;
    const offer = await this.#offer;
    const play = await this.#api.play(this.#wish, offer.sdp ?? "", this.#abort.signal);
    this.#location = play.location;
    if (this.#abort.signal.aborted) {
      await this.#api.hangUp(play.location);
      return;
    }
    if (play.iceServers.length > 0) peer.setConfiguration({ iceServers: play.iceServers });
    await peer.setLocalDescription(offer);
    await peer.setRemoteDescription({ type: "answer", sdp: play.answer });
    if (!this.#reached && !this.#abort.signal.aborted) this.#reaching = setTimeout(() => this.#unreached(), REACH_MS);
    this.#askAfter(play.askAfter);
  }

  /** Not all players at once. @param {number} seconds 0 for as long as the time before */
  #askAfter(seconds) {
    clearTimeout(this.#asking);
    this.#pace = seconds || this.#pace;
    if (this.#pace === 0 || this.#abort.signal.aborted) return;
    this.#asking = setTimeout(() => void this.check(), this.#pace * 1_000 * (0.75 + Math.random() / 2));
  }

  #changed() {
    const state = this.peer.connectionState;
    if (state === "connected") void this.#connected();
    else if (state === "disconnected") {
      this.#hooks.shaky();
      void this.check();
    } else if (state === "failed" || state === "closed") void this.check().then(() => this.#unreached());
  }

  async #connected() {
    this.#reached = true;
    clearTimeout(this.#reaching);
    this.#hooks.steady();
    this.#hooks.way(await wayOf(this.peer).catch(() => ""));
  }

  /** The connection failed; one that never stood is tried over another transport. */
  #unreached() {
    if (this.#abort.signal.aborted) return;
    if (this.#reached) return this.#end("network");
    const { turn } = this.#wish;
    turn.tcp = !turn.tcp;
    this.#end(turn.tcp ? "network" : "blocked");
  }

  /** A play that the server has ended for a reason is not dialled again: that would make its time endless. */
  async check() {
    const { reason, move, askAfter } = await this.#api.playState(this.#wish, this.#location);
    const over = BY_ENDING[reason];
    if (over) return this.#end(over);
    if (this.#pace > 0) this.#askAfter(askAfter);
    if (move && !this.#abort.signal.aborted) this.#hooks.move();
  }

  /** @param {Reason} reason @param {number} [retryAfter] @param {number} [place] */
  #end(reason, retryAfter = 0, place = 0) {
    if (this.#abort.signal.aborted) return;
    this.close();
    this.#hooks.ended({ reason, final: !PASSING.has(reason), retryAfter, place });
  }
}

/** @param {RTCPeerConnection} peer @returns {Promise<import("../types.js").Way>} */
async function wayOf(peer) {
  const stats = await peer.getStats();
  const { selectedCandidatePairId: id } = [...stats.values()].find(({ type }) => type === "transport") ?? {};
  const pair = stats.get(id);
  const local = stats.get(pair?.localCandidateId);
  if (local?.candidateType === "relay") return "relay";
  return local?.protocol ?? "";
}

/** @param {unknown} error @param {boolean} hasTicket @returns {Reason} */
export function reasonOf(error, hasTicket) {
  if (!(error instanceof ApiError)) return "browser";
  if (error.status === 401) return hasTicket ? BY_TICKET[error.reason] ?? "ticket" : "closed";
  return BY_KIND[error.kind] ?? BY_STATUS[error.status] ?? "server";
}
