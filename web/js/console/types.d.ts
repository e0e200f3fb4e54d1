/** The shapes of the console, beside those of the residents' page. A browser never loads this file. */
import type { Camera, LocalText, Site, SiteSummary } from "../types.js";

/** A sentence for staff: `text` is the gateway's English, `code` and `values` are for saying it in another language. */
export interface Remark {
  code: string;
  text: string;
  values: Record<string, string>;
}

/** A mistake in a configuration file, or a remark on a camera of it (`code`); `line` 0 is the whole file. */
export interface Problem {
  file: string;
  line: number;
  key: string;
  message: string;
  severity: "error" | "warning";
  code: string;
  values: Record<string, string>;
}

export interface Server {
  id: string;
  role: string;
  state: string;
  since: string;
  detail: string;
  viewers: number;
  /** A share of what it can use, null while nobody knows. */
  cpu?: number | null;
  /** It takes no new viewers. */
  draining?: boolean;
}

/** A building as staff sees it: without `servers` the visitor is none of the staff. */
export interface StaffSite extends Site {
  servers?: Server[];
  problems?: Problem[];
  step?: Remark | null;
  /** The last decision on the number of media servers. */
  growth?: Remark | null;
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
  site: string;
  camera: string;
  who: string;
  way: string;
  website: string;
  from: string;
  to: string | null;
  reason: string | null;
}

/** `next` is the `before` of the page after this one. */
export interface AuditPage {
  views: PastView[];
  next: number | null;
}

/** Which rows of the audit are wanted, as its query says it. */
export type AuditWish = Partial<Record<"site" | "camera" | "who" | "from" | "to" | "now" | "before" | "limit", string>>;

/** A user of cameras; `reference` says where the password is, never what it is. */
export interface CameraUser {
  username: string;
  reference: string;
}

/** A building as its file says it. `key` is what a camera's `credential` is for that user. */
export interface SiteSettings {
  users: (CameraUser & { key: unknown })[];
  cameras: { id: string; onvif: string | null; rtsp: string | null; user: CameraUser | null }[];
  version: string;
}

/** What a new building may be given. */
export interface NewSite {
  /** Its media server has an address of its own in the network. */
  own_address: boolean;
  address: string | null;
  interfaces: string[];
  users: (CameraUser & { sites: string[] })[];
}

export interface SiteDraft {
  id: string;
  name: LocalText;
  access: string;
  subnets: string[];
  interface: string;
  users: CameraUser[];
  address?: string;
}

/** A change of a building, or of a camera of it; `version` is the file's that it was thought of for. */
export interface SiteChange {
  name?: LocalText;
  enabled?: boolean;
  credential?: unknown;
  version?: string;
}

export interface ForeseenStep {
  kind: string;
  camera: string | null;
  viewers: number;
}

/** An edit of a building's file; `plan` is there when it has only been thought of. */
export interface Edit {
  diff: string;
  version: string;
  plan: { viewers: number; steps: ForeseenStep[] } | null;
}

/** The cameras' names by id. */
export type LocalNames = Record<string, LocalText>;

export interface Question {
  question: string;
  notes: Node[];
  yes: string;
  /** What has to be written before the answer counts. */
  typed?: string;
}

export interface Failure {
  kind: string;
  message: string;
  hint: string;
}

export interface Advice {
  code: string;
  text: string;
  /** Which setting of the camera to change. */
  setting: string;
  /** What the sentence is made of: which stream, what was measured, what to set. */
  stream: string;
  value: string;
  wanted: string;
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
  remarks: Remark[];
  make: string;
  model: string;
  channel: string | null;
  main: StreamLook | null;
  verdict: { playable: "everywhere" | "somewhere" | "nowhere" | "unknown"; reasons: Advice[] } | null;
  failure: Failure | null;
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
  code: string;
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
  version?: string;
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

/** What a right pane is made of; `summary` is what is known of the building already. */
export interface RoomParts {
  api: import("./api.js").StaffApi;
  words: import("../i18n.js").Words;
  id: string;
  summary: Summary | undefined;
  who: Who;
  fleet: import("./fleet.js").Fleet;
  /** The ids of all buildings. */
  taken: () => string[];
  /** What the address says beyond the room. */
  detail: string;
}

/** What the managing of a building works with; `changed` reads the building again. */
export interface SiteManageParts {
  api: import("./api.js").StaffApi;
  words: import("../i18n.js").Words;
  id: string;
  changed: () => void;
}

/** What cards of one building share; `changed` reads the building again. */
export interface CardParts {
  api: import("./api.js").StaffApi;
  words: import("../i18n.js").Words;
  lines: import("../player/lines.js").Lines;
  site: string;
  names: () => LocalNames;
  changed: () => void;
}

/** How a camera was in one month; `availability` is a share from 0 to 1, null when nobody looked. */
export interface Month {
  camera: string;
  month: string;
  availability: number | null;
  outages: number;
}
