"""What a media server's ``info`` texts mean to the gateway (WCS: ``STREAM_STATUS_INFO``)."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.model.errors import ErrorKind, GatewayError

_OFFLINE: Final = (ErrorKind.CAMERA_OFFLINE, "the camera sends no video now", "try again soon")
_CODEC: Final = (
    ErrorKind.CODEC_UNSUPPORTED,
    "this browser cannot show what the camera sends",
    "set the camera to H.264, or use its second stream",
)

_MEANINGS: Final[Mapping[str, tuple[ErrorKind, str, str]]] = {
    "Stream not found": (
        ErrorKind.NOT_FOUND,
        "the media server has no such stream",
        "wait until the camera is pulled",
    ),
    "CDN stream not found": (
        ErrorKind.NOT_FOUND,
        "the media servers have no such stream",
        "wait until the camera is pulled",
    ),
    "Publish stream is not ready": _OFFLINE,
    "Failed by RTP activity": _OFFLINE,
    "Failed to connect to rtsp stream": _OFFLINE,
    "Rtsp stream not found": _OFFLINE,
    "Rtsp has wrong format": _OFFLINE,
    "RtspAgent shutdown": _OFFLINE,
    "Stopped by publisher stop": _OFFLINE,
    "Failed to connect to origin stream": _OFFLINE,
    "No common codecs": _CODEC,
    "Transcoding required, but disabled": _CODEC,
    "No available transcoders": _CODEC,
    "Too many viewers": (
        ErrorKind.SERVER_FULL,
        "the media server serves as many viewers as it may",
        "try again when somebody has left, or add a media server",
    ),
    "Restricted access": (
        ErrorKind.FORBIDDEN,
        "the media server refuses this stream",
        "check the media server's access settings",
    ),
}


_OFFERS: Final[Mapping[str, tuple[ErrorKind, str]]] = {
    "offer_malformed": (ErrorKind.OFFER_MALFORMED, "send the SDP offer as the browser made it"),
    "offer_unusable": (ErrorKind.OFFER_UNUSABLE, "offer to receive video over ICE and DTLS-SRTP"),
}


def error_of(body: Mapping[str, Any]) -> GatewayError:
    """Return the error for a play that failed, from its ``notifyStreamStatusEvent``.

    ``detail`` and ``refused`` come from the embedded server only, which writes the first for people
    and the second where WCS has one text for several causes.
    """
    info, detail = str(body.get("info") or ""), str(body.get("detail") or "")
    offer = _OFFERS.get(str(body.get("refused") or ""))
    if offer is not None:
        return GatewayError(offer[0], detail or info, offer[1])
    kind, message, hint = _MEANINGS.get(
        info,
        (ErrorKind.SERVER_BAD_ANSWER, "the media server could not play", "see the server's log"),
    )
    return GatewayError(kind, detail or message, hint)


def known(text: str) -> bool:
    """Tell whether ``text`` is one of the texts above, and so safe to show."""
    return text in _MEANINGS
