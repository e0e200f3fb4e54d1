"""Writing the answer: the browser's m-lines mirrored, ours to send, all candidates inside."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.mediaserver.sdp.choice import Choice
from gateway.mediaserver.sdp.offer import Media, Offer

_UDP: Final = 126
_TCP: Final = 90
"""Type preferences of host candidates: TCP is for those who have no other way (RFC 6544 4.2)."""

_PASSIVE: Final = (4 << 13) + 8191
"""The highest local preference of a passive TCP candidate (RFC 6544 section 4.2)."""


@dataclass(frozen=True, slots=True)
class Local:
    """Our side: ICE and DTLS, the addresses to announce (the best first), the SSRCs.

    ``tcp``: the port is open for TCP too; ``udp`` is false for who has tried UDP in vain.
    """

    ufrag: str
    password: str
    fingerprint: str
    addresses: Sequence[str]
    port: int
    tcp: bool
    stream_id: str
    video_ssrc: int
    rtx_ssrc: int
    audio_ssrc: int
    udp: bool = True


def write_answer(offer: Offer, choice: Choice, local: Local) -> str:
    """Return the SDP answer (RFC 8829 section 5.3, RFC 8840 for ICE-lite)."""
    lines = [
        "v=0",
        f"o=- {secrets.randbits(62)} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
    ]
    mids = [media.mid for media in choice.bundled if media.mid is not None]
    if offer.bundle and mids:
        lines.append(f"a=group:BUNDLE {' '.join(mids)}")
    lines += ["a=ice-lite", f"a=msid-semantic: WMS {local.stream_id}"]
    for media in offer.media:
        if media not in choice.bundled:
            lines += _refused(media)
        elif media is choice.video:
            lines += _accepted(media, local, _video_formats(choice)) + _video(choice, local)
        elif choice.sound is not None:
            lines += _accepted(media, local, [choice.sound.payload_type]) + _sound(choice, local)
        else:
            lines += _accepted(media, local, [int(media.formats[0])]) + _silence(media)
    return "\r\n".join(lines) + "\r\n"


def _refused(media: Media) -> list[str]:
    lines = [f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}", "c=IN IP4 0.0.0.0"]
    if media.mid is not None:
        lines.append(f"a=mid:{media.mid}")
    return [*lines, "a=inactive"]


def _accepted(media: Media, local: Local, formats: Sequence[int]) -> list[str]:
    """Return what an m-line on our transport says before its codecs."""
    first = local.addresses[0]
    family = "IP6" if ":" in first else "IP4"
    lines = [
        f"m={media.kind} {local.port} {media.protocol} {' '.join(map(str, formats))}",
        f"c=IN {family} {first}",
        f"a=rtcp:{local.port} IN {family} {first}",
    ]
    lines += _candidates(local)
    lines += [
        "a=end-of-candidates",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        "a=setup:passive",
    ]
    if media.mid is not None:
        lines.append(f"a=mid:{media.mid}")
    lines.append("a=rtcp-mux")
    if media.rtcp_rsize:
        lines.append("a=rtcp-rsize")
    return lines


def _candidates(local: Local) -> list[str]:
    """Return host candidates, UDP before TCP, the first the highest (RFC 8445 section 5.1.2.1)."""
    lines = [
        f"a=candidate:{index} 1 udp {_priority(_UDP, 65_535 - index)} "
        f"{address} {local.port} typ host"
        for index, address in enumerate(local.addresses if local.udp else (), start=1)
    ]
    if local.tcp:
        lines += [
            f"a=candidate:{index} 1 tcp {_priority(_TCP, _PASSIVE - index)} "
            f"{address} {local.port} typ host tcptype passive"
            for index, address in enumerate(local.addresses, start=len(lines) + 1)
        ]
    return lines


def _priority(kind: int, local: int) -> int:
    return (kind << 24) + (local << 8) + 255


def _video_formats(choice: Choice) -> list[int]:
    return [codec.payload_type for codec in (choice.codec, choice.rtx) if codec is not None]


def _video(choice: Choice, local: Local) -> list[str]:
    codec, rtx = choice.codec, choice.rtx
    number = codec.payload_type
    lines = ["a=sendonly", f"a=msid:{local.stream_id} video"]
    lines.append(f"a=rtpmap:{number} {codec.name}/{codec.rate}")
    if codec.parameter_text:
        lines.append(f"a=fmtp:{number} {codec.parameter_text}")
    if choice.nack:
        lines.append(f"a=rtcp-fb:{number} nack")
    if choice.picture_loss:
        lines.append(f"a=rtcp-fb:{number} nack pli")
    if choice.round_trip:
        lines.append(f"a=rtcp-fb:{number} rrtr")
    if rtx is not None:
        lines.append(f"a=rtpmap:{rtx.payload_type} {rtx.name}/{rtx.rate}")
        lines.append(f"a=fmtp:{rtx.payload_type} apt={number}")
        lines.append(f"a=ssrc-group:FID {local.video_ssrc} {local.rtx_ssrc}")
    # The medium first: Chromium shows nothing when the retransmission's SSRC comes before it.
    lines += _source(local.video_ssrc, local.stream_id, "video")
    if rtx is not None:
        lines += _source(local.rtx_ssrc, local.stream_id, "video")
    return lines


def _sound(choice: Choice, local: Local) -> list[str]:
    sound = choice.sound
    if sound is None:
        return []
    return [
        "a=sendonly",
        f"a=msid:{local.stream_id} audio",
        f"a=rtpmap:{sound.payload_type} {sound.name}/{sound.rate}",
        *_source(local.audio_ssrc, local.stream_id, "audio"),
    ]


def _silence(media: Media) -> list[str]:
    """Return an m-line that stays in the bundle without sending; it must name some codec."""
    codec = media.codecs[int(media.formats[0])]
    lines = ["a=inactive"]
    if codec.name:
        channels = "/2" if codec.name.lower() == "opus" else ""
        lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.rate}{channels}")
    return lines


def _source(ssrc: int, stream_id: str, track: str) -> list[str]:
    return [f"a=ssrc:{ssrc} cname:{stream_id}", f"a=ssrc:{ssrc} msid:{stream_id} {track}"]
