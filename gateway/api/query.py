"""What may stand in a query: a moment, a number."""

from datetime import UTC, datetime

from gateway.model.errors import ErrorKind, GatewayError


def moment(text: str | None, name: str) -> float | None:
    """Return the seconds since 1970 of an ISO 8601 text, UTC if it names no zone.

    Raises BAD_REQUEST.
    """
    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise GatewayError(
            ErrorKind.BAD_REQUEST, f"{name} is no time.", "Send it like 2026-05-05T12:00:00Z."
        ) from error


def whole_number(text: str | None, name: str, most: int) -> int | None:
    """Return a number from 1 to ``most``; raises BAD_REQUEST."""
    if not text:
        return None
    good = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not good or not 1 <= int(text) <= most:
        raise GatewayError(
            ErrorKind.BAD_REQUEST, f"{name} is no number from 1 to {most}.", f"send ?{name}={most}"
        )
    return int(text)
