/** The shapes that the page's modules share. For the type checker and the reader: a browser never loads this file. */
import type { Words } from "./i18n.js";

/** Text by language code; "" is any language. */
export type LocalText = Record<string, string>;
export type SiteState = "ok" | "degraded" | "down" | "starting" | "disabled";
export type CameraState = "live" | "idle" | "connecting" | "silent" | "failed" | "waiting" | "disabled";

/** A building at one glance: `/api/v1/sites`, and the event `site`. */
export interface SiteSummary {
  id: string;
  name: LocalText;
  state: SiteState;
  since: string;
  access: string;
  cameras: { total: number; live: number };
}

/** What a full look at a camera has shown: whether browsers can play it, and which settings to change. */
export interface Checked {
  playable: "everywhere" | "somewhere" | "nowhere" | "unknown";
  sentence: string;
  setting: string;
  when: string;
  reasons: { code: string; text: string; setting: string; stream: string; value: string; wanted: string }[];
}

/** A camera: part of a site, and the event `camera`. Times are RFC 3339. */
export interface Camera {
  id: string;
  name: LocalText;
  state: CameraState;
  since: string;
  reason: string;
  hint: string;
  /** The reason in one word. */
  code: string;
  /** The camera that the reason names, if any. */
  about: string;
  video_codec: string | null;
  width: number;
  height: number;
  viewers: number;
  last_live: string | null;
  has_sub: boolean;
  /** What the last full look at it has shown; for its staff only. */
  checked: Checked | null;
  /** Nobody watches it at this hour. */
  private: boolean;
  /** The path of the last good picture; it changes with the picture and holds its time as `t`. */
  poster: string | null;
}

/** A building: `/api/v1/sites/{site}`. */
export interface Site extends Omit<SiteSummary, "cameras"> {
  demo?: boolean;
  cameras: Camera[];
}

/** The answer to an offer. */
export interface Play {
  answer: string;
  /** What DELETE ends. */
  location: string;
  iceServers: RTCIceServer[];
  /** After how many seconds to ask how it fares, 0 for never. */
  askAfter: number;
}

/** How a play fares. */
export interface PlayState {
  /** Why it is over, "" while it runs or when nobody knows. */
  reason: string;
  /** It had better go on at another server. */
  move: boolean;
  /** After how many seconds to ask again, 0 for never. */
  askAfter: number;
}

export interface Asking extends Omit<RequestInit, "headers"> {
  headers?: Record<string, string>;
  /** How long the answer may take, in milliseconds. */
  patience?: number;
  /** The answer's body has no end. */
  endless?: boolean;
  /** It is asked for the second time, with another ticket. */
  again?: boolean;
}

export interface ServerEvent {
  name: string;
  data: any;
}

/** Which camera to play, and how. */
export interface Wish {
  site: string;
  camera: string;
  /** The low-resolution stream. */
  low: boolean;
  audio: boolean;
  /**
   * What outlives a connection: the player's place in the line before a full building, a token that the server gave, ""
   * for none; and whether the next offer asks for the media server's TCP transport.
   */
  turn: { queue: string; tcp: boolean };
  /** The play that this one goes on with. */
  moves?: string;
}

export interface BoardHooks {
  event: (event: ServerEvent) => void;
  /** Whether what the page shows is the present. */
  connected: (connected: boolean) => void;
  /** The ticket is not (or no longer) good for this, or the building is gone. */
  denied: (error: import("./api.js").ApiError) => void;
}

export type Phase = "idle" | "connecting" | "live" | "silent" | "waiting" | "refused" | "offline" | "paused";
export type Reason =
  | "camera"
  | "server"
  | "network"
  /** Neither UDP nor TCP nor a TURN server led to the media server. */
  | "blocked"
  | "full"
  /** The building shows the camera to nobody at this hour. */
  | "privacy"
  | "codec"
  /** The server's time for one watching is over; the viewer may go on. */
  | "watched"
  /** The ticket's time for watching is over. */
  | "over"
  /** The ticket is not good, or too old. */
  | "ticket"
  | "revoked"
  /** There is no ticket, and one is needed. */
  | "closed"
  /** The website that shows the camera may not. */
  | "origin"
  | "forbidden"
  | "missing"
  | "browser";

/** What a player knows. All times are milliseconds since the epoch. */
export interface State {
  phase: Phase;
  /** When the phase began; for `silent`, when the last picture came, 0 if none did. */
  since: number;
  /** Why it is `waiting` or `refused`. */
  reason: Reason | null;
  /** The connection that should stand, 0 for none. */
  line: number;
  /** How many connections there were. */
  lines: number;
  /** Failed connections in a row. */
  attempt: number;
  /** When to send a `tick`. */
  due: number | null;
  /** Somebody wants to see it. */
  wanted: boolean;
  /** It is on the screen and the tab is in front. */
  visible: boolean;
  /** The browser has a network. */
  online: boolean;
  /** The connection misses its checks. */
  shaky: boolean;
  /** The board's word on the camera, null while it has said nothing. */
  up: boolean | null;
  /** When the board last said that the camera is back, 0 for never. */
  upAt: number;
  /** The place in the line before a full building, counted from 1, 0 for none. */
  place: number;
}

/** `last` is the time of the last picture, `retryAfter` the server's wish in milliseconds. */
export type PlayerEvent =
  | { type: "play" }
  | { type: "stop" }
  | { type: "show" }
  | { type: "hide" }
  | { type: "online" }
  | { type: "offline" }
  | { type: "frame" }
  | { type: "shaky" }
  | { type: "steady" }
  | { type: "tick" }
  | { type: "quiet"; last: number }
  | { type: "lost"; reason: Reason; retryAfter?: number; place?: number }
  | { type: "refused"; reason: Reason; retryAfter?: number }
  | { type: "board"; up: boolean };

/** What each event makes of a state. */
export type Steps = {
  [Type in PlayerEvent["type"]]: (
    state: State,
    event: Extract<PlayerEvent, { type: Type }>,
    now: number,
    random: number,
  ) => State;
};

/** Why a connection ended: `final` when another try does not help. */
export interface Failure {
  reason: Reason;
  final: boolean;
  retryAfter: number;
  /** The place in line, 0 for none. */
  place: number;
}

/** UDP or TCP from the media server itself, or through a TURN server. */
export type Way = "udp" | "tcp" | "relay" | "";

export interface LineHooks {
  stream: (stream: MediaStream) => void;
  /** The connection misses its checks. */
  shaky: () => void;
  /** It answers (again). */
  steady: () => void;
  /** How the video comes, as far as browsers tell. */
  way: (way: Way) => void;
  /** The play had better go on at another server; this one ends soon. */
  move: () => void;
  /** At most once, and never after `close`. */
  ended: (failure: Failure) => void;
}

export interface PulseHooks {
  /** Pictures begin (again). */
  frame: () => void;
  /** None came for three seconds; 0 if none ever came. */
  quiet: (last: number) => void;
  /** The device was asleep. */
  slept: () => void;
  /** What was counted so far, once a second. */
  totals: (totals: Totals) => void;
  /** Whether the network between here and the media server loses so much that one sees it. */
  weak: (weak: boolean) => void;
}

/** What a connection's video has counted so far. */
export interface Totals {
  frames: number;
  received: number;
  lost: number;
  freezes: number;
  frozenS: number;
}

/** What a browser tells of a play: differences since it told the last time. */
export interface Seen {
  first_frame_s?: number;
  played_s?: number;
  freezes?: number;
  frozen_s?: number;
}

export interface SessionHooks extends Omit<PulseHooks, "slept" | "totals">, Pick<LineHooks, "shaky" | "steady" | "way"> {
  lost: (reason: Reason, retryAfter: number, place: number) => void;
  refused: (reason: Reason, retryAfter: number) => void;
  /** The video is about to show another line. */
  beforeSwap: () => void;
  /** The browser lets the video start only after a touch. */
  blocked: () => void;
}

/** A player that shares places with others. */
export interface Holder {
  /** Stop playing. */
  makeRoom: () => void;
  /** A place became free. */
  roomCame: () => void;
}

/** The board's word on a camera, as far as a player says it. */
export type Known = Pick<Camera, "state" | "since" | "last_live"> | null;
export type Tone = "live" | "busy" | "warn" | "rest";

/** What a player says: `short` in the caption, `title` and `hint` on the screen. */
export interface Saying {
  tone: Tone;
  short: string;
  title: string;
  hint: string;
  /** Another try is of no use. */
  final: boolean;
}

/** What a player shows. */
export interface Picture {
  label: string;
  phase: Phase;
  saying: Saying;
  /** The time of the picture when it is not the present. */
  taken: string;
  /** There is sound to switch on. */
  sound: boolean;
  /** It fills the page. */
  large: boolean;
}

/** What a person can do. */
export interface Acts {
  start: () => void;
  stop: () => void;
  mute: () => void;
  enlarge: () => void;
}

export interface PageParts {
  api: import("./api.js").Api;
  words: Words;
}
