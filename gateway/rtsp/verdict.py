"""Whether and how a browser can play a camera, and the exact setting to change (pure).

Browsers play H.264 over WebRTC everywhere (RFC 7742 section 5 makes it mandatory), H.265 in some,
and nothing else that cameras send. Pictures that refer to later ones (B-frames) stutter: WebRTC
has no re-ordering of pictures.
"""

from typing import Final

from gateway.model.probe import CameraVerdict, Playable, Reason, StreamFacts, Verdict

LONGEST_GOP_S: Final = 4.0
"""A newcomer after loss waits this long for a whole picture at the worst."""
_SKEW_S: Final = 5.0
_HOUR_S: Final = 3600
_NARROW: Final = 320
_WIDEST_WALL: Final = 1280
_PASSED_AUDIO: Final = frozenset({"PCMA", "PCMU"})
_ORDER: Final = (Playable.EVERYWHERE, Playable.SOMEWHERE, Playable.NOWHERE, Playable.UNKNOWN)

_H264_ADVICE: Final = "set the {stream} stream to H.264, GOP {gop}, no B-frames"


def judge_stream(facts: StreamFacts, *, stream: str = "main") -> Verdict:
    """Return the verdict of one stream; ``stream`` (main, sub) is named in the advice."""
    if facts.codec is None:
        return Verdict(
            Playable.UNKNOWN,
            (
                Reason(
                    "no_picture", "no picture came from the camera", "look at the camera's cable"
                ),
            ),
        )
    playable, reasons = _codec(facts, stream)
    if playable is not Playable.NOWHERE:
        for worse, reason in _warnings(facts, stream):
            playable = _worse(playable, worse)
            reasons.append(reason)
    return Verdict(playable, tuple(reasons))


def judge_camera(
    main: StreamFacts, sub: StreamFacts | None, *, clock_skew_s: float | None = None
) -> CameraVerdict:
    """Choose what residents get: the low stream on the wall, the main one when enlarged.

    A main stream that some browsers cannot play is replaced by a sub stream that all can.
    """
    streams = {"main": judge_stream(main, stream="main")}
    if sub is not None:
        streams["sub"] = judge_stream(sub, stream="sub")
    full = _best(streams, ("main", "sub"))
    wall = _best(streams, ("sub", "main") if _fits_a_wall(sub) else ("main", "sub"))
    chosen = streams[full] if full else streams["main"]
    reasons = [*chosen.reasons]
    if full == "sub":
        reasons.append(_sub_instead(streams["main"]))
    if clock_skew_s is not None and abs(clock_skew_s) > _SKEW_S:
        reasons.append(_skew(clock_skew_s))
    return CameraVerdict(chosen.playable, wall, full, streams, tuple(reasons))


def _codec(facts: StreamFacts, stream: str) -> tuple[Playable, list[Reason]]:
    codec = (facts.codec or "").upper()
    if codec == "H264":
        return Playable.EVERYWHERE, []
    gop = str(_gop_frames(facts))
    setting = _H264_ADVICE.format(stream=stream, gop=gop)
    if codec == "H265":
        text = "H.265 is played by Safari and newer Chrome only, not by Firefox or older phones"
        return Playable.SOMEWHERE, [Reason("h265", text, setting, stream, wanted=gop)]
    if codec in {"JPEG", "MJPEG"}:
        text = "the camera sends MJPEG, which no browser plays over WebRTC"
        return Playable.NOWHERE, [Reason("mjpeg", text, setting, stream, wanted=gop)]
    text = f"the camera sends {facts.codec}, which no browser plays over WebRTC"
    return Playable.NOWHERE, [Reason("codec", text, setting, stream, facts.codec or "", gop)]


def _warnings(facts: StreamFacts, stream: str) -> list[tuple[Playable, Reason]]:
    found: list[tuple[Playable, Reason]] = []
    gop = _gop_frames(facts)
    if facts.b_frames:
        text = "the picture has B-frames: it stutters and jumps back in Chrome"
        setting = f"switch B-frames off for the {stream} stream (profile Baseline or Main)"
        found.append((Playable.SOMEWHERE, Reason("b_frames", text, setting, stream)))
    if facts.gop_varies:
        text = "a smart codec (H.264+ or similar) stretches the distance of key frames"
        setting = f"switch the smart codec (H.264+, Zip, Smart Stream) of the {stream} stream off"
        found.append((Playable.EVERYWHERE, Reason("smart_codec", text, setting, stream)))
    if facts.gop_s is not None and facts.gop_s > LONGEST_GOP_S:
        text = f"{facts.gop_s:.0f} s between key frames: after a loss the picture stands that long"
        setting = f"set the GOP (I-frame interval) of the {stream} stream to {gop}"
        long = Reason("long_gop", text, setting, stream, f"{facts.gop_s:.0f}", str(gop))
        found.append((Playable.EVERYWHERE, long))
    if facts.single_session:
        text = "the camera serves one RTSP session only: a recorder and the page exclude each other"
        setting = "let the recorder take the stream from the media server"
        found.append((Playable.EVERYWHERE, Reason("one_session", text, setting, stream)))
    if facts.audio is not None and facts.audio.upper() not in _PASSED_AUDIO:
        text = f"sound is {facts.audio}: residents see the picture without sound"
        setting = "set the sound to G.711 (PCMA) if the site allows sound"
        found.append((Playable.EVERYWHERE, Reason("audio", text, setting, stream, facts.audio)))
    return found


def _gop_frames(facts: StreamFacts) -> int:
    """Return two seconds of pictures, the distance of key frames that is advised."""
    return max(2, round(2 * facts.fps)) if facts.fps else 50


def _worse(one: Playable, other: Playable) -> Playable:
    return max(one, other, key=_ORDER.index)


def _best(streams: dict[str, Verdict], wanted: tuple[str, ...]) -> str | None:
    """Return the best playable stream; the order of ``wanted`` decides between equals."""
    usable = [
        name
        for name in wanted
        if name in streams and streams[name].playable in {Playable.EVERYWHERE, Playable.SOMEWHERE}
    ]
    return min(usable, key=lambda name: _ORDER.index(streams[name].playable), default=None)


def _fits_a_wall(sub: StreamFacts | None) -> bool:
    return sub is not None and _NARROW <= sub.width <= _WIDEST_WALL


def _sub_instead(main: Verdict) -> Reason:
    """Say why residents get the sub stream; ``value`` is the code of what to mend in the main."""
    mend = next((reason for reason in main.reasons if reason.setting), Reason("", ""))
    text = f"residents get the sub stream: the main one {main.sentence}"
    return Reason("sub_instead", text, mend.setting, "main", mend.code, mend.wanted)


def _skew(skew_s: float) -> Reason:
    off = abs(skew_s)
    size = f"{off / _HOUR_S:.1f} h" if off >= _HOUR_S else f"{off:.0f} s"
    return Reason(
        "clock",
        f"the camera's clock is {size} {'ahead' if skew_s > 0 else 'behind'}",
        "switch NTP on in the camera; its sign-in and its recordings go by that clock",
        value=f"{skew_s:.0f}",
    )
