/**
 * The page for a frame on another website: `/embed/{site}?camera=yard&lang=en#ticket=...`.
 *
 * The frame's own storage is not used: the website's page brings a ticket each time.
 */
import { element } from "./element.js";
import { chooseLanguage, Words } from "./i18n.js";
import { PageApi } from "./page-api.js";
import { CameraWall } from "./player/camera-wall.js";
import { takeTicket } from "./ticket.js";
/** @import { Site } from "./types.js" */

const asked = new URLSearchParams(location.search);
const language = chooseLanguage({ search: location.search, kept: null, preferred: navigator.languages });
document.documentElement.lang = language;
const api = new PageApi({ ticket: takeTicket() ?? "" });
const words = await Words.load(api, language, "resident.");
const heading = element("h1", { class: "spoken" }, words.text("title"));
document.title = words.text("title");
const wall = new CameraWall();
wall.api = api;
wall.words = words;
wall.setAttribute("site", decodeURIComponent(location.pathname.split("/")[2] ?? ""));
wall.toggleAttribute("manual", asked.has("manual"));
if (asked.has("camera")) wall.setAttribute("cameras", asked.getAll("camera").join(" "));
wall.addEventListener("sitechange", (event) => {
  const { site } = /** @type {CustomEvent<{site: Site|null}>} */ (event).detail;
  document.title = site ? words.name(site.name) : words.text("title");
  heading.textContent = document.title;
});
document.querySelector("main")?.append(heading, wall);
