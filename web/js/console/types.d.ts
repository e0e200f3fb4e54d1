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
