"""The kinds of values of the keys that say who may watch and who may administer."""

import re
import zoneinfo
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from argon2.low_level import Type
from pydantic import PlainValidator, WithJsonSchema

from gateway.config.fields import SECRET_SCHEMA, text, wrong
from gateway.config.secrets import Reference, SecretError, reference
from gateway.kit.secret import Secret

_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_UNBELIEVABLE: Final = ("authorization", "cookie", "host", "origin", "x-csrf-token")
_LEAST_MEMORY_KIB: Final = 19 * 1024
_MOST_MEMORY_KIB: Final = 1024 * 1024
_MOST_PASSES: Final = 32
_DAY_MINUTES: Final = 24 * 60


def _clock(data: Any) -> int:
    match = _CLOCK.fullmatch(data) if isinstance(data, str) else None
    if match is None:
        raise wrong('must be a time of the day; write for example "22:00"')
    return int(match[1]) * 60 + int(match[2]) if match[1] else _DAY_MINUTES


def _timezone(data: Any) -> str:
    value = text(data)
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong("is no time zone; write for example Europe/Moscow") from None
    return value


def _moment(data: Any) -> datetime:
    advice = "write for example 2026-05-05T12:00:00+03:00"
    try:
        moment = datetime.fromisoformat(text(data))
    except ValueError:
        raise wrong(f"is no time; {advice}") from None
    if moment.tzinfo is None:
        raise wrong(f"lacks its time zone; {advice}")
    return moment.astimezone(UTC)


def _header(data: Any) -> str:
    if not isinstance(data, str) or not _HEADER.fullmatch(data):
        raise wrong("is no name of an HTTP header; write for example X-Remote-User")
    if data.lower() in _UNBELIEVABLE:
        raise wrong("is a header that browsers send themselves; write for example X-Remote-User")
    return data


def _account(data: Any) -> str:
    if not isinstance(data, str) or not _ACCOUNT.fullmatch(data):
        raise wrong("must be letters, digits and . _ @ + -, 64 at most; write for example anna")
    return data


def _key_set_url(data: Any) -> str:
    advice = "write for example https://uk.example.ru/.well-known/jwks.json"
    value = text(data)
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise wrong(f"is no address; {advice}") from None
    if "@" in parts.netloc:
        raise wrong("holds a user or a password in clear; public keys need none")
    plain = parts.scheme == "http" and host in _LOOPBACK
    if not host or not (parts.scheme == "https" or plain) or parts.fragment:
        raise wrong(f"must begin with https://, or anybody on the way could make tickets; {advice}")
    return value


def check_hash(encoded: str) -> None:
    """Refuse what is no argon2id hash of useful strength; says nothing of the hash itself."""
    advice = "make one by `gateway password`"
    try:
        parameters = extract_parameters(encoded)
    except (InvalidHashError, ValueError):
        raise wrong(f"is no argon2 hash; {advice}, never write the password itself") from None
    weak = parameters.memory_cost < _LEAST_MEMORY_KIB or parameters.type is not Type.ID
    heavy = parameters.memory_cost > _MOST_MEMORY_KIB or parameters.time_cost > _MOST_PASSES
    if weak or heavy:
        raise wrong(f"is {'a weak' if weak else 'an impossibly heavy'} argon2 hash; {advice}")


def _hash(data: Any) -> Secret | Reference:
    if isinstance(data, str):
        check_hash(data)
        return Secret(data)
    try:
        return reference(data)
    except SecretError as error:
        raise wrong(str(error)) from None


_HASH_SCHEMA: Final = {"oneOf": [{"type": "string", "pattern": r"^\$argon2id\$"}, SECRET_SCHEMA]}

ClockTime = Annotated[
    int,
    PlainValidator(_clock),
    WithJsonSchema({"type": "string", "pattern": r"^(([01]?\d|2[0-3]):[0-5]\d|24:00)$"}),
]
Timezone = Annotated[str, PlainValidator(_timezone), WithJsonSchema({"type": "string"})]
Moment = Annotated[
    datetime, PlainValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
HeaderName = Annotated[str, PlainValidator(_header), WithJsonSchema({"type": "string"})]
AccountName = Annotated[str, PlainValidator(_account), WithJsonSchema({"type": "string"})]
KeySetUrl = Annotated[
    str, PlainValidator(_key_set_url), WithJsonSchema({"type": "string", "format": "uri"})
]
PasswordHash = Annotated[Secret | Reference, PlainValidator(_hash), WithJsonSchema(_HASH_SCHEMA)]
