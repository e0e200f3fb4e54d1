/** The shapes of the console, beside those of the residents' page. A browser never loads this file. */
import type { Camera, LocalText, Site, SiteSummary } from "../types.js";

/** A mistake in a configuration file; `line` 0 is the whole file. */
export interface Problem {
  file: string;
  line: number;
  key: string;
  message: string;
}

export interface Server {
  id: string;
  role: string;
  state: string;
  since: string;
  detail: string;
  viewers: number;
}

/** A building as staff sees it: without `servers` the visitor is none of the staff. */
export interface StaffSite extends Site {
  servers?: Server[];
  problems?: Problem[];
  last_step?: string;
}

/** A change that somebody may want to have noticed; `camera` is null for the building itself. */
export interface Happening {
  time: number;
  site: string;
  siteName: LocalText;
  camera: LocalText | null;
  state: string;
}

export type Summary = SiteSummary;
export type StaffCamera = Camera;

/** Who uses the console. */
export interface Who {
  name: string | null;
  role: "administrator" | "technician" | "ticket" | "anonymous";
  sites: string[];
  csrf_token: string | null;
  /** Somebody can sign in by name and password here. */
  sign_in: boolean;
}

/** One row of who watched; `to` is null while it lasts. */
export interface PastView {
  camera: string;
  who: string;
  way: string;
  website: string;
  from: string;
  to: string | null;
  reason: string | null;
}

/** A problem of the API (RFC 9457), as far as it is shown. */
export interface Refusal {
  kind?: string;
  detail?: string;
  hint?: string;
  reason?: string;
}

/** How a request is made; `body` is sent as JSON unless it is text, `patience` is in milliseconds. */
export interface Manner {
  method?: string;
  body?: unknown;
  type?: string;
  keepalive?: boolean;
  patience?: number;
  endless?: boolean;
  signal?: AbortSignal;
}

export interface Advice {
  code: string;
  text: string;
  /** Which setting of the camera to change. */
  setting: string;
}

export interface StreamLook {
  codec: string | null;
  width: number;
  height: number;
  fps: number | null;
}

/** One camera, or one channel of a recorder, that a survey has come across. */
export interface Sighting {
  n: number;
  state: "found" | "interviewed" | "probed" | "failed";
  address: string;
  target: string;
  label: string;
  /** The building's camera that it is recognised as. */
  camera: string | null;
  moved_from: string | null;
  alarms: string[];
  make: string;
  model: string;
  channel: string | null;
  main: StreamLook | null;
  verdict: { playable: "everywhere" | "somewhere" | "nowhere" | "unknown"; reasons: Advice[] } | null;
  failure: { message: string; hint: string } | null;
  /** The path of its picture. */
  picture: string | null;
  draft: Record<string, unknown>;
}

export interface Progress {
  found: number;
  probed: number;
  failed: number;
  left: number;
  searching: boolean;
  seconds: number;
}

export interface Survey {
  id: string;
  state: "running" | "finished" | "cancelled" | "too_long" | "failed";
  reason: string;
  started: string;
  progress: Progress;
  sightings: Sighting[];
}

/** What a registration sends: a sighting of a survey, or an address. */
export interface NewCamera {
  id: string;
  name: LocalText;
  survey?: string;
  sighting?: number;
  onvif?: string;
  rtsp?: string;
  credential?: string | { username: string; password: { env: string } };
  wait_s?: number;
}

export interface Registered {
  camera: string;
  live: boolean;
  seconds: number | null;
  reason: string;
  hint: string;
  /** The path of the acceptance record. */
  record: string | null;
}

export interface Changed {
  diff: string;
}

/** What a right pane is made of; `summary` is what is known of the building already. */
export interface RoomParts {
  api: import("./api.js").StaffApi;
  words: import("../i18n.js").Words;
  id: string;
  summary: Summary | undefined;
  who: Who;
}

/** What cards of one building share; `changed` reads the building again. */
export interface CardParts {
  api: import("./api.js").StaffApi;
  words: import("../i18n.js").Words;
  lines: import("../player/lines.js").Lines;
  site: string;
  changed: () => void;
}
