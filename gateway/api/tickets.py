"""The tickets that let residents watch: JSON Web Tokens (RFC 7519), HS256 and nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import jwt

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError

ALGORITHM: Final = "HS256"
LEEWAY_S: Final = 30.0
"""How far the clocks of the company's website and the gateway may differ, in seconds."""

MAX_CHARS: Final = 4096
MAX_IDS: Final = 200
MAX_ID_CHARS: Final = 64
MAX_SUBJECT_CHARS: Final = 128
MIN_SECRET_BYTES: Final = 32
"""RFC 7518 section 3.2: an HS256 key has at least as many bits as the hash."""

_MAX_TIMESTAMP: Final = 1e11


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket allows.

    ``cameras`` limits it to these cameras of its ``sites``; ``None`` means all of them.
    ``expires`` is the last moment to begin to watch, ``watch_until`` the moment at which a play
    ends; both are Unix times in seconds.
    """

    sites: frozenset[str]
    expires: float
    cameras: frozenset[str] | None = None
    watch_until: float | None = None
    subject: str = ""

    def allows_site(self, site_id: str) -> bool:
        """Tell whether the ticket is for this site."""
        return site_id in self.sites

    def allows(self, site_id: str, camera_id: str) -> bool:
        """Tell whether the ticket is for this camera."""
        return site_id in self.sites and (self.cameras is None or camera_id in self.cameras)


def mint(
    secret: Secret,
    *,
    sites: Sequence[str],
    valid_s: float,
    now: datetime,
    cameras: Sequence[str] | None = None,
    watch_s: float | None = None,
    subject: str | None = None,
) -> str:
    """Make a ticket for ``sites`` that can be used for ``valid_s`` seconds from ``now``.

    ``watch_s`` ends plays that many seconds from ``now``. Raises GatewayError CONFIG_INVALID for a
    short secret, BAD_REQUEST for a ticket that :func:`verify` would refuse.
    """
    _check_secret(secret)
    issued = now.timestamp()
    claims: dict[str, Any] = {
        "sites": list(sites),
        "iat": int(issued),
        "exp": math.ceil(issued + valid_s),
    }
    if cameras is not None:
        claims["cameras"] = list(cameras)
    if watch_s is not None:
        claims["watch_until"] = math.ceil(issued + watch_s)
    if subject is not None:
        claims["sub"] = subject
    token = jwt.encode(claims, secret.reveal(), algorithm=ALGORITHM)
    try:
        verify(token, secret, now=now)
    except GatewayError as error:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            "Such a ticket would not be accepted.",
            f"Name 1 to {MAX_IDS} sites and cameras and times that are still to come.",
        ) from error
    return token


def verify(token: str, secret: Secret, *, now: datetime) -> Ticket:
    """Return what ``token`` allows; raises GatewayError UNAUTHORIZED when it is not good."""
    _check_secret(secret)
    if len(token) > MAX_CHARS:
        raise _refused("The ticket is too long.")
    try:
        claims = jwt.decode(
            token,
            secret.reveal(),
            algorithms=[ALGORITHM],
            options={  # times are checked below, by the clock that the caller gives
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise _refused("The ticket is not one of ours.") from error
    return _checked(claims, now.timestamp())


def _checked(claims: dict[str, Any], now: float) -> Ticket:
    expires = _time(claims, "exp")
    if expires is None:
        raise _refused("The ticket has no end.")
    if expires + LEEWAY_S < now:
        raise _refused("The ticket has expired.")
    not_before = _time(claims, "nbf")
    if not_before is not None and not_before - LEEWAY_S > now:
        raise _refused("The ticket is not valid yet.")
    watch_until = _time(claims, "watch_until")
    if watch_until is not None and watch_until <= now:
        raise _refused("The ticket's watching time is over.")
    sites = _ids(claims, "sites")
    if not sites:
        raise _refused("The ticket is for no site.")
    subject = claims.get("sub", "")
    if not isinstance(subject, str) or len(subject) > MAX_SUBJECT_CHARS:
        raise _refused("The ticket's sub is not a short text.")
    return Ticket(
        sites=sites,
        expires=expires,
        cameras=_ids(claims, "cameras"),
        watch_until=watch_until,
        subject=subject,
    )


def _time(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= _MAX_TIMESTAMP:
        raise _refused(f"The ticket's {name} is not a time.")
    return float(value)


def _ids(claims: dict[str, Any], name: str) -> frozenset[str] | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_IDS:
        raise _refused(f"The ticket's {name} is not a short list.")
    if not all(isinstance(item, str) and 0 < len(item) <= MAX_ID_CHARS for item in value):
        raise _refused(f"The ticket's {name} holds something that is no id.")
    return frozenset(value)


def _refused(message: str) -> GatewayError:
    return GatewayError(
        ErrorKind.UNAUTHORIZED, message, "Open the page again from where you found it."
    )


def _check_secret(secret: Secret) -> None:
    if len(secret.reveal().encode()) < MIN_SECRET_BYTES:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"The ticket secret is shorter than {MIN_SECRET_BYTES} bytes.",
            "Make a new one, for example with: openssl rand -base64 32",
        )
