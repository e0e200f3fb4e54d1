"""Which of the offered codecs carry a camera's stream, as it is, to this browser."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from gateway.mediaserver.ports import AudioCodec, VideoCodec, VideoFormat
from gateway.mediaserver.sdp.errors import NoCommonCodecs, OfferUnusable
from gateway.mediaserver.sdp.offer import Codec, Media, Offer

T = TypeVar("T")

_PROTOCOLS: Final = frozenset(("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF"))
_VIDEO_RATE: Final = 90_000
_AUDIO_RATE: Final = 8_000
_PROFILE_LEVEL_ID: Final = re.compile(r"[0-9a-fA-F]{6}")
_DEFAULT_PROFILE: Final = "42000a"  # RFC 6184 section 8.1: Baseline, level 1
_SEQUENCE_PARAMETER_SET: Final = 7
_PROFILE_END: Final = 4
_CONSTRAINED_BASELINE: Final = "constrained baseline"
_SPOKEN_PROFILES: Final = {0x42: "baseline", 0x4D: "main", 0x58: "extended", 0x64: "high"}
_RANK: Final = {_CONSTRAINED_BASELINE: 0, "baseline": 1, "main": 2, "high": 3}


@dataclass(frozen=True, slots=True)
class Choice:
    """What is answered: codecs of the accepted m-lines, and whose ICE and DTLS they use.

    ``round_trip``: the browser would like to measure the round trip (RFC 3611 section 4.4).
    """

    video: Media
    codec: Codec
    rtx: Codec | None
    nack: bool
    picture_loss: bool
    round_trip: bool
    audio: Media | None
    sound: Codec | None
    ufrag: str
    password: str
    fingerprints: dict[str, str]
    bundled: tuple[Media, ...] = field(default=())


def choose(offer: Offer, video: VideoFormat, audio: AudioCodec | None) -> Choice:
    """Choose codecs and transport; raises NoCommonCodecs or OfferUnusable.

    ``audio`` is the camera's sound, ``None`` for none.
    """
    media = _first(offer.media, lambda item: item.kind == "video" and item.receives)
    if media is None:
        raise OfferUnusable("Failed by error", "The browser does not ask for video.")
    codec = _video_codec(media, video)
    bundled = _bundled(offer, media)
    sound_media = _first(bundled, lambda item: item.kind == "audio")
    sound = None
    if audio is not None and sound_media is not None and sound_media.receives:
        sound = _named(sound_media, audio.value, _AUDIO_RATE)
    ufrag, password, fingerprints = _transport(offer, media)
    return Choice(
        video=media,
        codec=codec,
        rtx=_rtx(media, codec),
        nack="nack" in codec.feedback,
        picture_loss="nack pli" in codec.feedback,
        # Browsers made of libwebrtc do not offer it, yet do it when it is answered; no others
        # shall find in an answer what they did not offer.
        round_trip=not codec.feedback.isdisjoint(("rrtr", "goog-remb")),
        audio=sound_media,
        sound=sound,
        ufrag=ufrag,
        password=password,
        fingerprints=fingerprints,
        bundled=bundled,
    )


def _bundled(offer: Offer, video: Media) -> tuple[Media, ...]:
    """Return the m-lines that share the video's transport, in the order of the offer."""
    if video.mid is None or video.mid not in offer.bundle:
        return (video,)
    audio = _first(
        offer.media,
        lambda item: item.kind == "audio" and not item.rejected and item.mid in offer.bundle,
    )
    return tuple(item for item in offer.media if item is video or item is audio)


def _transport(offer: Offer, video: Media) -> tuple[str, str, dict[str, str]]:
    in_bundle = video.mid is not None and video.mid in offer.bundle
    # The first m-line of a bundle owns the transport; bundle-only ones do not repeat it.
    sharers = [item for item in offer.media if in_bundle and item.mid in offer.bundle]
    owner = _first([*sharers, video], lambda item: offer.ufrag(item) is not None) or video
    ufrag, password = offer.ufrag(owner), offer.password(owner)
    if not ufrag or not password:
        raise OfferUnusable("Failed by ICE error", "The offer has no ICE user name and password.")
    if not in_bundle and not video.rtcp_mux:
        raise OfferUnusable("Failed by ICE error", "The offer does not mix RTCP with RTP.")
    if video.protocol not in _PROTOCOLS:
        raise OfferUnusable("Failed by DTLS error", "The offer does not speak DTLS-SRTP.")
    if offer.role(owner) not in ("actpass", "active"):
        raise OfferUnusable(
            "Failed by DTLS error", "The browser must be ready to begin DTLS (a=setup:actpass)."
        )
    fingerprints = {
        name: value
        for name, value in offer.certificate_hashes(owner).items()
        if name in ("sha-256", "sha-384", "sha-512")
    }
    if not fingerprints:
        raise OfferUnusable(
            "Failed by DTLS fingerprint error", "The offer has no SHA-2 certificate fingerprint."
        )
    return ufrag, password, fingerprints


def _video_codec(media: Media, video: VideoFormat) -> Codec:
    if video.codec is VideoCodec.H265:
        codec = _named(media, "H265", _VIDEO_RATE)
        if codec is None:
            raise NoCommonCodecs(
                "The camera sends H.265, which this browser does not play. Set the camera, or its "
                "second stream, to H.264."
            )
        return codec
    candidates = [
        codec
        for codec in media.codecs.values()
        if codec.name.upper() == "H264"
        and codec.rate == _VIDEO_RATE
        and codec.parameters.get("packetization-mode") == "1"
    ]
    if not candidates:
        raise NoCommonCodecs(
            "The camera sends H.264, which this browser does not play (it offers no H.264 with "
            "packetization-mode=1)."
        )
    wanted = profile_of(video.profile_level_id or _in_parameter_sets(video) or _DEFAULT_PROFILE)
    return min(candidates, key=lambda codec: _distance(codec, wanted))


def _distance(codec: Codec, wanted: str) -> int:
    """Return how far an offered profile is: 0 the same, then larger ones, then smaller ones."""
    offered = profile_of(codec.parameters.get("profile-level-id", _DEFAULT_PROFILE))
    if offered == wanted:
        return 0
    above = _RANK.get(offered, 0) - _RANK.get(wanted, 0)
    return above if above > 0 else 10 - above


def _in_parameter_sets(video: VideoFormat) -> str | None:
    """Return the profile-level-id that the sequence parameter set holds (RFC 6184 section 8.1)."""
    for unit in video.parameter_sets:
        if len(unit) >= _PROFILE_END and unit[0] & 0x1F == _SEQUENCE_PARAMETER_SET:
            return unit[1:_PROFILE_END].hex()
    return None


def profile_of(profile_level_id: str) -> str:
    """Return the name of an H.264 profile (RFC 6184 table 5); unknown ones as two hex digits."""
    if _PROFILE_LEVEL_ID.fullmatch(profile_level_id) is None:
        return "baseline"
    profile, constraints = int(profile_level_id[:2], 16), int(profile_level_id[2:4], 16)
    constrained = profile == 0x42 and constraints & 0x40  # noqa: PLR2004  # profile_idc 66
    if constrained or (profile == 0x4D and constraints & 0x80):  # noqa: PLR2004  # profile_idc 77
        return _CONSTRAINED_BASELINE
    return _SPOKEN_PROFILES.get(profile, profile_level_id[:2].lower())


def _rtx(media: Media, codec: Codec) -> Codec | None:
    return _first(
        media.codecs.values(),
        lambda item: (
            item.name.lower() == "rtx"
            and item.rate == _VIDEO_RATE
            and item.parameters.get("apt") == str(codec.payload_type)
        ),
    )


def _named(media: Media, name: str, rate: int) -> Codec | None:
    return _first(
        media.codecs.values(), lambda item: item.name.upper() == name and item.rate == rate
    )


def _first(items: Iterable[T], fits: Callable[[T], bool]) -> T | None:
    return next((item for item in items if fits(item)), None)
