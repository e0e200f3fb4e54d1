"""Messages of WCS's WebSocket signalling: a name, and an array that the SDK looks into unasked."""

import json
from collections.abc import Mapping
from typing import Any, Final

NO_WISHES: Final[Mapping[str, int]] = {
    # Any other value makes WCS transcode for this one viewer.
    "width": 0,
    "height": 0,
    "bitrate": 0,
    "minBitrate": 0,
    "maxBitrate": 0,
    "quality": 0,
}


def pack(message: str, body: Mapping[str, Any] | None) -> str:
    """Return one message."""
    return json.dumps({"message": message, "data": [body]})


def unpack(text: str) -> tuple[str, list[Any]]:
    """Return a message's name and data; both are empty for what is no message."""
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        return "", []
    if not isinstance(envelope, dict):
        return "", []
    data = envelope.get("data")
    return str(envelope.get("message")), data if isinstance(data, list) else []


def first(data: list[Any]) -> Mapping[str, Any]:
    """Return the object that nearly all messages carry; empty when there is none."""
    return data[0] if data and isinstance(data[0], dict) else {}
