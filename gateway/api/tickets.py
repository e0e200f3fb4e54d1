"""The tickets that let residents watch: JSON Web Tokens (RFC 7519), and what stands in them.

Which key a ticket is checked with is decided in :mod:`gateway.api.ticket_keys`; nothing in the
ticket itself chooses a key or an algorithm beyond those that the company has named.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import jwt

from gateway.kit.secret import Secret
from gateway.model.company import TicketRules
from gateway.model.errors import ErrorKind, GatewayError

HS256: Final = "HS256"
LEEWAY_S: Final = 30.0
"""How far the clocks of the company's website and the gateway may differ, in seconds."""

MAX_CHARS: Final = 4096
MAX_IDS: Final = 200
MAX_ID_CHARS: Final = 64
MAX_SUBJECT_CHARS: Final = 128
MIN_SECRET_BYTES: Final = 32
"""RFC 7518 section 3.2: an HS256 key has at least as many bits as the hash."""

REVOKED: Final = "revoked"
"""The reason of a ticket that was issued before its site's or subject's tickets were withdrawn."""

_MAX_TIMESTAMP: Final = 1e11
_UNCHECKED: Final = ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")


_ANY: Final = TicketRules()


class TicketRefused(GatewayError):  # noqa: N818  # what happens to a ticket, in the design's words
    """A ticket opens nothing; ``reason`` says why in one word, for players."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(
            ErrorKind.UNAUTHORIZED, message, "Open the page again from where you found it."
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket allows.

    ``cameras`` limits it to these cameras of its ``sites``; ``None`` means all of them.
    ``expires`` is the last moment to begin to watch, ``watch_until`` the moment at which a play
    ends; both are Unix times in seconds, as is ``issued``. ``void`` are sites that the ticket
    named and that were withdrawn from it.
    """

    sites: frozenset[str]
    expires: float
    cameras: frozenset[str] | None = None
    watch_until: float | None = None
    subject: str = ""
    issued: float | None = None
    void: frozenset[str] = frozenset()

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
    rules: TicketRules = _ANY,
) -> str:
    """Make a ticket for ``sites`` that can be used for ``valid_s`` seconds from ``now``.

    ``watch_s`` ends plays that many seconds from ``now``. Raises GatewayError CONFIG_INVALID for a
    short secret, BAD_REQUEST for a ticket that :func:`verify` would refuse.
    """
    _check_secret(secret)
    issued = now.timestamp()
    optional = {
        "cameras": None if cameras is None else list(cameras),
        "watch_until": None if watch_s is None else math.ceil(issued + watch_s),
        "sub": subject,
        "iss": rules.issuer,
        "aud": rules.audience,
    }
    claims: dict[str, Any] = {
        "sites": list(sites),
        "iat": int(issued),
        "exp": math.ceil(issued + valid_s),
        **{name: value for name, value in optional.items() if value is not None},
    }
    token = jwt.encode(claims, secret.reveal(), algorithm=HS256)
    try:
        verify(token, secret, now=now, rules=rules)
    except GatewayError as error:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            "Such a ticket would not be accepted.",
            f"Name 1 to {MAX_IDS} sites and cameras and times that are still to come.",
        ) from error
    return token


def verify(token: str, secret: Secret, *, now: datetime, rules: TicketRules = _ANY) -> Ticket:
    """Return what a ticket of the shared secret allows; raises TicketRefused."""
    _check_secret(secret)
    return checked(opened(token, secret.reveal(), HS256), now.timestamp(), rules)


def opened(token: str, key: Any, algorithm: str) -> dict[str, Any]:
    """Return the claims of ``token`` if ``key`` signed them; raises TicketRefused.

    ``key`` is of the kind that ``algorithm`` takes; the ticket must name just this algorithm.
    """
    if len(token) > MAX_CHARS:
        raise TicketRefused("malformed", "The ticket is too long.")
    # Times, issuer and audience are checked below, by the clock that the caller gives.
    options = {f"verify_{claim}": False for claim in _UNCHECKED}
    try:
        return jwt.decode(token, key, algorithms=[algorithm], options=options)  # type: ignore[arg-type]  # the library's TypedDict, made by a loop
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise TicketRefused("signature", "The ticket is not one of ours.") from error


def checked(claims: dict[str, Any], now: float, rules: TicketRules) -> Ticket:
    """Return what claims allow at ``now``; raises TicketRefused."""
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    watch_until = _check_times(claims, expires, issued, now)
    _check_names(claims, rules)
    sites = _ids(claims, "sites")
    if not sites:
        raise TicketRefused("malformed", "The ticket is for no site.")
    subject = claims.get("sub", "")
    if not isinstance(subject, str) or len(subject) > MAX_SUBJECT_CHARS:
        raise TicketRefused("malformed", "The ticket's sub is not a short text.")
    return Ticket(
        sites=sites,
        expires=expires or 0.0,
        cameras=_ids(claims, "cameras"),
        watch_until=watch_until,
        subject=subject,
        issued=issued,
    )


def _check_times(
    claims: dict[str, Any], expires: float | None, issued: float | None, now: float
) -> float | None:
    """Refuse a ticket that is not for now; return its hard stop."""
    if expires is None:
        raise TicketRefused("malformed", "The ticket has no end.")
    if expires + LEEWAY_S < now:
        raise TicketRefused("expired", "The ticket has expired.")
    not_before = _time(claims, "nbf")
    if not_before is not None and not_before - LEEWAY_S > now:
        raise TicketRefused("not_yet", "The ticket is not valid yet.")
    if issued is not None and issued - LEEWAY_S > now:
        raise TicketRefused("not_yet", "The ticket was issued in the future.")
    watch_until = _time(claims, "watch_until")
    if watch_until is not None and watch_until <= now:
        raise TicketRefused("watched", "The ticket's watching time is over.")
    return watch_until


def _check_names(claims: dict[str, Any], rules: TicketRules) -> None:
    if rules.issuer is not None and claims.get("iss") != rules.issuer:
        raise TicketRefused("issuer", "The ticket is of another issuer.")
    audience = claims.get("aud")
    meant = audience if isinstance(audience, list) else [audience]
    if rules.audience is not None and rules.audience not in meant:
        raise TicketRefused("audience", "The ticket is for another audience.")


def _time(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= _MAX_TIMESTAMP:
        raise TicketRefused("malformed", f"The ticket's {name} is not a time.")
    return float(value)


def _ids(claims: dict[str, Any], name: str) -> frozenset[str] | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_IDS:
        raise TicketRefused("malformed", f"The ticket's {name} is not a short list.")
    if not all(isinstance(item, str) and 0 < len(item) <= MAX_ID_CHARS for item in value):
        raise TicketRefused("malformed", f"The ticket's {name} holds something that is no id.")
    return frozenset(value)


def _check_secret(secret: Secret) -> None:
    if len(secret.reveal().encode()) < MIN_SECRET_BYTES:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"The ticket secret is shorter than {MIN_SECRET_BYTES} bytes.",
            "Make a new one, for example with: openssl rand -base64 32",
        )
