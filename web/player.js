/**
 * What another website loads to show cameras: `<camera-wall>` and `<camera-player>`. docs/embed.md tells how.
 *
 * Every module is named, so that a browser asks for all of them at once and not one after the other.
 */
import "./js/api.js";
import "./js/board.js";
import "./js/element.js";
import "./js/i18n.js";
import "./js/player/camera-player.js";
import "./js/player/camera-wall.js";
import "./js/player/lines.js";
import "./js/player/look.js";
import "./js/player/own-gateway.js";
import "./js/player/player-state.js";
import "./js/player/sentences.js";
import "./js/player/seen.js";
import "./js/player/session.js";
import "./js/player/spare.js";
import "./js/player/stats.js";
import "./js/player/view.js";
import "./js/player/whep.js";
