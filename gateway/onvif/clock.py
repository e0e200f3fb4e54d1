"""A camera's clock, and the token that is signed with it.

Cameras refuse a WS-UsernameToken whose time is off by 5 to 300 s, so the token carries the
camera's own time, written with ``Z`` (some firmwares refuse ``+00:00``).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from zeep.wsse.username import UsernameToken

from gateway.model.site import Credential


def skew_of(answer: Any, now: datetime) -> timedelta | None:
    """Return camera time minus ours from GetSystemDateAndTime.

    ``None`` for an impossible date (all zeros, month 13) or a missing one.
    """
    stamp = getattr(answer, "UTCDateTime", None) or getattr(answer, "LocalDateTime", None)
    date, time = getattr(stamp, "Date", None), getattr(stamp, "Time", None)
    if date is None or time is None:
        return None
    try:
        there = datetime(
            date.Year,
            date.Month,
            date.Day,
            time.Hour,
            time.Minute,
            min(time.Second, 59),
            tzinfo=UTC,
        )
    except (TypeError, ValueError, AttributeError):
        return None
    return there - now


def token(credential: Credential, skew: timedelta) -> UsernameToken:
    """Return the token of one credential for one camera."""
    return _Token(credential, skew)


class _Token(UsernameToken):  # type: ignore[misc]  # zeep is not typed
    """A digest token that keeps no state between calls, so that threads cannot disturb it."""

    def __init__(self, credential: Credential, skew: timedelta) -> None:
        super().__init__(credential.username, use_digest=True)
        self._credential = credential
        self._skew = skew

    def apply(self, envelope: Any, headers: Any) -> Any:
        """Sign one envelope with the camera's present time."""
        once = UsernameToken(
            self._credential.username,
            self._credential.password.reveal(),
            use_digest=True,
            created=datetime.now(UTC).replace(tzinfo=None) + self._skew,
            zulu_timestamp=True,
        )
        return once.apply(envelope, headers)
