"""Messages to an HTTP address of the company, signed as Standard Webhooks asks.

Source: the Standard Webhooks specification 1.0.0 (headers ``webhook-id``, ``webhook-timestamp``,
``webhook-signature``; HMAC-SHA256 over ``id.timestamp.body``).
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from typing import Any, Final

from aiohttp import ClientError, ClientSession

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.notify import Notice, Webhook

_PREFIX: Final = "whsec_"
_FIRST_BAD: Final = 300


async def send(
    session: ClientSession, channel: Webhook, notice: Notice, text: str, *, key: str
) -> None:
    """POST a message; ``key`` is the same at every try. Raises GatewayError."""
    body = json.dumps(as_json(notice, text), ensure_ascii=False).encode()
    at = str(int(time.time()))  # of this try: receivers refuse what is old, against replays
    headers = {"Content-Type": "application/json", "webhook-id": key, "webhook-timestamp": at}
    if channel.secret is not None:
        headers["webhook-signature"] = signature(channel.secret, key, at, body)
    try:
        async with session.post(
            channel.url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            if answer.status >= _FIRST_BAD:
                raise GatewayError(
                    ErrorKind.INTERNAL,
                    f"the webhook answered {answer.status}",
                    "look at the program behind the address",
                )
    except (ClientError, TimeoutError, OSError) as error:
        raise GatewayError(
            ErrorKind.INTERNAL,
            f"the webhook cannot be reached: {type(error).__name__}",
            "check notifications.webhooks in gateway.yaml and the network",
        ) from error


def signature(secret: Secret, key: str, at: str, body: bytes) -> str:
    """Return the value of ``webhook-signature``."""
    text = secret.reveal()
    raw = text.encode()
    if text.startswith(_PREFIX):
        try:
            raw = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raw = text.encode()
    signed = hmac.new(raw, f"{key}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def as_json(notice: Notice, text: str) -> dict[str, Any]:
    """Return the body of a message."""
    return {
        "type": str(notice.kind),
        "timestamp": notice.at.isoformat(),
        "data": {
            "text": text,
            "site": notice.site,
            "site_name": notice.site_name.as_json(),
            "whole_site": notice.whole,
            "cameras": [
                {
                    "id": one.id,
                    "name": one.name.as_json(),
                    "since": one.since.isoformat(),
                    "reason": one.reason,
                }
                for one in notice.cameras
            ],
        },
    }
