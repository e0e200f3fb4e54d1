"""The messages of WCS's signalling: ``{"message": name, "data": [...]}`` in both directions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.mediaserver.ports import PlayRefused
from gateway.mediaserver.sdp.errors import NoCommonCodecs, OfferMalformed, OfferUnusable


@dataclass(frozen=True, slots=True)
class Subject:
    """What a message is about: a play's id, chosen by the client, and its stream's name.

    ``tcp``: the client wants this play's media over TCP.
    """

    media_session_id: str
    name: str
    tcp: bool = False


def pack(message: str, *data: Any) -> str:
    """Return one message; ``data`` is an array always, because the SDK looks into it unasked."""
    return json.dumps({"message": message, "data": list(data)})


def unpack(text: str) -> tuple[Any, Mapping[str, Any]]:
    """Return a message's name and the object that it carries; raises ValueError for other things.

    A client may leave ``data`` out or send ``[null]``; both count as an empty object.
    """
    try:
        envelope = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(envelope, dict) or "message" not in envelope:
        raise ValueError("not a message")
    data = envelope.get("data")
    first = data[0] if isinstance(data, list) and data else None
    return envelope["message"], first if isinstance(first, dict) else {}


def text(body: Mapping[str, Any], key: str) -> str:
    """Return a text of a message, empty when it is absent or something else."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


def subject(body: Mapping[str, Any]) -> Subject:
    """Return what a client's message is about; absent parts are empty."""
    tcp = text(body, "transport") == "TCP"
    return Subject(text(body, "mediaSessionId"), text(body, "name"), tcp)


def status(
    about: Subject,
    status: str,
    *,
    info: str = "",
    published: bool = False,
    more: Mapping[str, str] | None = None,
) -> str:
    """Return a ``notifyStreamStatusEvent``; ``more`` are fields of our own."""
    body = {
        "mediaSessionId": about.media_session_id,
        "status": status,
        "name": about.name,
        "published": published,
        "hasVideo": True,
        "hasAudio": True,
    }
    body |= {"info": str(info)} if info else {}
    return pack("notifyStreamStatusEvent", {**body, **(more or {})})


def refusal(about: Subject, refused: PlayRefused) -> str:
    """Return the event for a play that does not begin.

    ``detail`` says for people why, ``refused`` tells apart offers that WCS has one text for.
    """
    more = {"detail": refused.detail} if refused.detail else {}
    if isinstance(refused, OfferMalformed):
        more["refused"] = "offer_malformed"
    elif isinstance(refused, OfferUnusable) and not isinstance(refused, NoCommonCodecs):
        more["refused"] = "offer_unusable"
    return status(about, "FAILED", info=refused.info, more=more)


def resize(about: Subject, width: int, height: int) -> str:
    """Return the event that tells the SDK the size of the picture."""
    event = {
        "mediaSessionId": about.media_session_id,
        "type": "resize",
        "payload": {"streamerVideoWidth": width, "streamerVideoHeight": height},
    }
    return pack("notifyStreamEvent", event)
