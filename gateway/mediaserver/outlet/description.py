"""What DESCRIBE answers: the stream as SDP (RFC 8866, RFC 2326 appendix C)."""

import base64
from typing import Final

from gateway.mediaserver.outlet.feed import AUDIO_TYPES, VIDEO_TYPE
from gateway.mediaserver.ports import AudioCodec, VideoCodec, VideoFormat

VIDEO: Final = "video"
AUDIO: Final = "audio"
_H265_NAMES: Final = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}


def describe(video: VideoFormat, audio: AudioCodec | None) -> str:
    """Return the description; its tracks are called ``video`` and ``audio``."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=camera",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {VIDEO_TYPE}",
        f"a=rtpmap:{VIDEO_TYPE} {video.codec}/90000",
        f"a=fmtp:{VIDEO_TYPE} {_parameters(video)}",
        f"a=control:{VIDEO}",
    ]
    if audio is not None:
        number = AUDIO_TYPES[audio]
        lines += [
            f"m=audio 0 RTP/AVP {number}",
            f"a=rtpmap:{number} {audio}/8000",
            f"a=control:{AUDIO}",
        ]
    return "\r\n".join([*lines, ""])


def _parameters(video: VideoFormat) -> str:
    if video.codec is VideoCodec.H265:
        return _h265(video.parameter_sets)
    values = ["packetization-mode=1"]
    if video.profile_level_id:
        values.append(f"profile-level-id={video.profile_level_id}")
    if video.parameter_sets:
        values.append("sprop-parameter-sets=" + ",".join(map(_base64, video.parameter_sets)))
    return ";".join(values)


def _h265(sets: tuple[bytes, ...]) -> str:
    """Name the sets by their type, bits 1 to 6 of the first byte (RFC 7798 section 7.1)."""
    values: dict[str, list[str]] = {}
    for nal in sets:
        name = _H265_NAMES.get(nal[0] >> 1 & 0x3F)
        if name is not None:
            values.setdefault(name, []).append(_base64(nal))
    return ";".join(f"{name}={','.join(texts)}" for name, texts in values.items()) or "tx-mode=SRST"


def _base64(nal: bytes) -> str:
    return base64.b64encode(nal).decode("ascii")
