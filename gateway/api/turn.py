"""Logins for TURN servers that end by themselves.

The scheme of draft-uberti-behave-turn-rest, which coturn calls ``use-auth-secret``: the user name
begins with the Unix time of its end, the password is its HMAC-SHA1 under a shared secret.
"""

import base64
import hashlib
import hmac
import math
from typing import Final

from gateway.kit.secret import Secret

LONGEST_S: Final = 12 * 3600.0
GRACE_S: Final = 60.0
"""How much longer than its play a login is good, in seconds."""


def login(secret: Secret, play_id: str, *, now: float, until: float | None) -> tuple[str, Secret]:
    """Return user name and password for one play; ``until`` is its hard stop (Unix time)."""
    end = now + LONGEST_S
    if until is not None:
        end = min(end, until + GRACE_S)
    # The play's own id would let the TURN server's log stop the play.
    label = hashlib.sha256(play_id.encode()).hexdigest()[:16]
    username = f"{math.ceil(end)}:{label}"
    digest = hmac.new(secret.reveal().encode(), username.encode(), hashlib.sha1).digest()
    return username, Secret(base64.b64encode(digest).decode())
