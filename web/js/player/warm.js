/**
 * Decodes a stream out of sight until its first picture is there, so that a video can take it over without a gap.
 */
import { element } from "../element.js";

const LOOK_MS = 100;

export class Warm {
  #video = element("video", { playsinline: true });
  #timer = 0;

  /** @param {MediaStream} stream @param {() => void} ready called once, with the first picture */
  constructor(stream, ready) {
    const video = this.#video;
    video.muted = true;
    video.srcObject = stream;
    const tell = () => {
      if (video.srcObject === null || this.#timer === 0) return;
      clearInterval(this.#timer);
      this.#timer = 0;
      ready();
    };
    // Browsers that paint nothing out of sight still count what they decode.
    this.#timer = setInterval(() => video.getVideoPlaybackQuality().totalVideoFrames > 0 && tell(), LOOK_MS);
    video.requestVideoFrameCallback?.(tell);
    video.play().catch(() => {});
  }

  close() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#video.srcObject = null;
  }
}
