"""The kinds of values that keys hold: from the text in the file to a checked value, or a sentence.

Each kind is a pydantic type with its JSON Schema. A sentence says what is wrong and what to write;
it repeats the written value only where that cannot be a secret.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.config.secrets import Reference, SecretError, reference
from gateway.model.text import LocalText

_KEBAB: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_DURATION: Final = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?")
_MEMORY: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?([kmgt])(?:i?b)?", re.IGNORECASE)
_CPUSET: Final = re.compile(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*")
_INTERFACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,14}")
_RANGE: Final = re.compile(r"(\d{1,5}) ?- ?(\d{1,5})")
MAX_ID: Final = 40
_MAX_NAME: Final = 100
_QUICKEST_S: Final = 3600
_FIRST_FREE_PORT: Final = 1024
_MAX_PORT: Final = 65535


def wrong(words: str) -> PydanticCustomError:
    """Return the error that carries a sentence for people."""
    return PydanticCustomError("words", "{words}", {"words": words})


def text(data: Any) -> str:
    """Return a plain text without control characters."""
    if not isinstance(data, str):
        raise wrong("must be a text")
    if not data.strip():
        raise wrong("is empty")
    if not data.isprintable():
        raise wrong("holds a line break or a control character; write it on one line")
    return data


def _kebab(data: Any) -> str:
    value = text(data)
    if len(value) > MAX_ID:
        raise wrong(f"is longer than {MAX_ID} characters")
    if not _KEBAB.fullmatch(value):
        better = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
        raise wrong(f"must be small letters, digits and dashes; write {better or 'entrance-1'}")
    return value


def _name(data: Any) -> LocalText:
    if isinstance(data, str):
        return LocalText.of(_short(data))
    if not isinstance(data, dict) or not data:
        raise wrong('must be a text or {ru: "...", en: "..."}')
    for language, value in data.items():
        if not _LANGUAGE.fullmatch(language):
            raise wrong('must be keyed by language codes: {ru: "...", en: "..."}')
        if not isinstance(value, str):
            raise wrong(f"has no text for {language}")
        _short(value)
    return LocalText.of(data)


def _short(value: str) -> str:
    if len(text(value)) > _MAX_NAME:
        raise wrong(f"is longer than {_MAX_NAME} characters")
    return value


def _duration(data: Any) -> float:
    match = _DURATION.fullmatch(data) if isinstance(data, str) else None
    if match is None or not any(match.groups()):
        raise wrong("must be a time with its unit (s, m, h, d); write for example 10m")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if not total:
        raise wrong("must be longer than nothing; leave the key out for no limit")
    return total


def _rhythm(data: Any) -> float | None:
    if data == "never":
        return None
    match = _DURATION.fullmatch(data) if isinstance(data, str) else None
    seconds = _duration(data) if match is not None and any(match.groups()) else 0.0
    if seconds < _QUICKEST_S:
        raise wrong("must be never or a time of an hour at least; write for example 24h")
    return seconds


def _memory(data: Any) -> int:
    match = _MEMORY.fullmatch(data) if isinstance(data, str) else None
    if match is None:
        raise wrong("must be a size with its unit (k, m, g); write for example 2g")
    size = int(float(match[1]) * 1024 ** ("kmgt".index(match[2].lower()) + 1))
    if size < 64 * 1024**2:
        raise wrong("is less than 64m, on which no media server runs; write for example 2g")
    return size


def _cpuset(data: Any) -> str:
    if not isinstance(data, str) or not _CPUSET.fullmatch(data):
        raise wrong("must be numbers of processors; write for example 0-3 or 0,2")
    return data


def _interface(data: Any) -> str:
    if not isinstance(data, str) or not _INTERFACE.fullmatch(data):
        raise wrong("is no name of a network interface; write one that `ip link` shows, like eth1")
    return data


def _port_range(data: Any) -> tuple[int, int]:
    match = _RANGE.fullmatch(data) if isinstance(data, str) else None
    if match is None:
        raise wrong("must be the first and the last port; write for example 31001-32000")
    first, last = int(match[1]), int(match[2])
    if not _FIRST_FREE_PORT <= first <= last <= _MAX_PORT:
        raise wrong(
            f"must go up and stay within {_FIRST_FREE_PORT}-{_MAX_PORT}; "
            "write for example 31001-32000"
        )
    return first, last


def _ip(data: Any) -> str:
    try:
        return str(ipaddress.ip_address(text(data)))
    except ValueError:
        raise wrong("is no IP address; write for example 192.168.23.101") from None


def _subnet(data: Any) -> str:
    value = text(data)
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise wrong("is no network; write for example 10.12.0.0/24") from None
    if "/" not in value:
        raise wrong("lacks the size of the network; write for example 10.12.0.0/24")
    if ipaddress.ip_interface(value).ip != network.network_address:
        raise wrong(f"is an address inside a network; write {network}")
    return str(network)


def _ip_range(data: Any) -> str:
    # A base that is not aligned is kept as written: the check tells what Docker would take.
    try:
        interface = ipaddress.ip_interface(text(data))
    except ValueError:
        raise wrong("is no range; write for example 192.168.23.96/27") from None
    return interface.with_prefixlen


def _dhcp_range(data: Any) -> str:
    value = text(data)
    first, dash, last = value.partition("-")
    try:
        if not dash:
            return str(ipaddress.ip_network(value))
        low, high = ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
    except ValueError:
        raise wrong("is no range; write for example 192.168.23.50-192.168.23.95") from None
    if low.version != high.version or int(low) > int(high):
        raise wrong("must go up; write for example 192.168.23.50-192.168.23.95")
    return f"{low}-{high}"


def _secret(data: Any) -> Reference:
    try:
        return reference(data)
    except SecretError as error:
        raise wrong(str(error)) from None


def _kind(check: Callable[[Any], Any], **schema: Any) -> Any:
    return (PlainValidator(check), WithJsonSchema(schema))


def _texts(pattern: str) -> dict[str, str]:
    return {"type": "string", "pattern": f"^{pattern}$"}


SECRET_SCHEMA: Final = {
    "oneOf": [
        {
            "type": "object",
            "properties": {name: {"type": "string", "description": meaning}},
            "required": [name],
            "additionalProperties": False,
        }
        for name, meaning in (
            ("env", "Name of an environment variable that holds the secret."),
            ("file", "Path of a file that holds the secret, relative to this directory."),
        )
    ]
}
_NAME_SCHEMA: Final = {
    "oneOf": [
        {"type": "string", "minLength": 1},
        {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
    ]
}

Text = Annotated[str, *_kind(text, type="string", minLength=1)]
Id = Annotated[str, *_kind(_kebab, **_texts(_KEBAB.pattern))]
Name = Annotated[LocalText, *_kind(_name, **_NAME_SCHEMA)]
Duration = Annotated[float, *_kind(_duration, **_texts(r"(\d+d)?(\d+h)?(\d+m)?(\d+s)?"))]
Rhythm = Annotated[float | None, *_kind(_rhythm, **_texts(r"(never|(\d+d)?(\d+h)?(\d+m)?(\d+s)?)"))]
Memory = Annotated[int, *_kind(_memory, **_texts(r"\d+(\.\d+)? ?[kmgtKMGT](i?[bB])?"))]
CpuSet = Annotated[str, *_kind(_cpuset, type=["string", "integer"])]
Interface = Annotated[str, *_kind(_interface, **_texts(_INTERFACE.pattern))]
PortRange = Annotated[tuple[int, int], *_kind(_port_range, **_texts(r"\d+ ?- ?\d+"))]
Ip = Annotated[str, *_kind(_ip, type="string")]
Subnet = Annotated[str, *_kind(_subnet, type="string")]
IpRange = Annotated[str, *_kind(_ip_range, type="string")]
DhcpRange = Annotated[str, *_kind(_dhcp_range, type="string")]
SecretField = Annotated[Reference, *_kind(_secret, **SECRET_SCHEMA)]
