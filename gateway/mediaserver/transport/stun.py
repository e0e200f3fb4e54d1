"""STUN binding requests and their answers (RFC 8489), as far as ICE (RFC 8445) needs them."""

import hmac
import socket
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAGIC_COOKIE: Final = 0x2112A442
BINDING_REQUEST: Final = 0x0001
BINDING_SUCCESS: Final = 0x0101
BINDING_ERROR: Final = 0x0111
MAX_MESSAGE: Final = 1280

_HEADER: Final = struct.Struct("!HHI12s")
_ATTRIBUTE: Final = struct.Struct("!HH")
_FINGERPRINT_XOR: Final = 0x5354554E
_HEADER_BYTES: Final = 20
_MAC_BYTES: Final = 20
_CHECKSUM_BYTES: Final = 4
_FIRST_OPTIONAL: Final = 0x8000

_USERNAME: Final = 0x0006
_MESSAGE_INTEGRITY: Final = 0x0008
_ERROR_CODE: Final = 0x0009
_UNKNOWN_ATTRIBUTES: Final = 0x000A
_MESSAGE_INTEGRITY_SHA256: Final = 0x001C
_XOR_MAPPED_ADDRESS: Final = 0x0020
_PRIORITY: Final = 0x0024
_USE_CANDIDATE: Final = 0x0025
_FINGERPRINT: Final = 0x8028
_ICE_CONTROLLED: Final = 0x8029
_KNOWN: Final = frozenset(
    (_USERNAME, _MESSAGE_INTEGRITY, _MESSAGE_INTEGRITY_SHA256, _PRIORITY, _USE_CANDIDATE)
)


class StunError(Exception):
    """The datagram is no STUN message that ICE sends."""


@dataclass(frozen=True, slots=True)
class Request:
    """A binding request. ``unknown`` are attributes that must be understood and are not.

    ``signed`` is what ``mac`` (MESSAGE-INTEGRITY) was taken over.
    """

    transaction: bytes
    username: str
    use_candidate: bool
    controlled: bool
    unknown: tuple[int, ...]
    signed: bytes
    mac: bytes

    def authentic(self, password: bytes) -> bool:
        """Tell whether MESSAGE-INTEGRITY was made with ``password`` (RFC 8489 section 14.5)."""
        return hmac.compare_digest(hmac.digest(password, self.signed, "sha1"), self.mac)


def parse_request(data: bytes) -> Request:
    """Read a binding request with user name, MESSAGE-INTEGRITY and FINGERPRINT.

    Raises :class:`StunError` for anything else; a wrong FINGERPRINT counts as anything else.
    """
    if not _HEADER_BYTES <= len(data) <= MAX_MESSAGE:
        raise StunError("wrong size")
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if kind != BINDING_REQUEST or cookie != MAGIC_COOKIE:
        raise StunError("no binding request")
    if length % 4 or length != len(data) - _HEADER_BYTES:
        raise StunError("wrong length")
    return _read_attributes(data, transaction)


def _read_attributes(data: bytes, transaction: bytes) -> Request:
    username: str | None = None
    signed = mac = b""
    fingerprint = False
    seen: list[int] = []
    for kind, position, start, size in _attributes(data):
        if kind == _FINGERPRINT:
            fingerprint = _fingerprint_fits(data, position, size)
        elif mac:
            continue  # what follows MESSAGE-INTEGRITY is not signed
        elif kind == _USERNAME:
            username = data[start : start + size].decode("utf-8", "replace")
        elif kind == _MESSAGE_INTEGRITY and size == _MAC_BYTES:
            signed = _resize(data[:position], start + _MAC_BYTES - _HEADER_BYTES)
            mac = data[start : start + _MAC_BYTES]
        else:
            seen.append(kind)
    if username is None or not mac or not fingerprint:
        raise StunError("not signed as ICE signs")
    return Request(
        transaction=transaction,
        username=username,
        use_candidate=_USE_CANDIDATE in seen,
        controlled=_ICE_CONTROLLED in seen,
        unknown=tuple(kind for kind in seen if kind < _FIRST_OPTIONAL and kind not in _KNOWN)[:8],
        signed=signed,
        mac=mac,
    )


def _attributes(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield type, position, position of the value, and size of the value of each attribute."""
    position = _HEADER_BYTES
    while position + 4 <= len(data):
        kind, size = _ATTRIBUTE.unpack_from(data, position)
        start = position + 4
        if start + size > len(data):
            raise StunError("an attribute runs over the end")
        yield kind, position, start, size
        position = start + (size + 3 & ~3)


def _fingerprint_fits(data: bytes, position: int, size: int) -> bool:
    if size != _CHECKSUM_BYTES or position + 8 != len(data):
        raise StunError("FINGERPRINT is not the last attribute")
    wanted: int = struct.unpack_from("!I", data, position + 4)[0]
    if zlib.crc32(data[:position]) ^ _FINGERPRINT_XOR != wanted:
        raise StunError("FINGERPRINT does not fit")
    return True


def _resize(message: bytes, length: int) -> bytes:
    """Return ``message`` with ``length`` in its header, as signatures are taken over it."""
    return message[:2] + length.to_bytes(2, "big") + message[4:]


def success(transaction: bytes, address: tuple[str, int], password: bytes) -> bytes:
    """Return the answer that tells the browser its ``address`` (host, port) as seen here."""
    host, port = address
    family, packed = (
        (2, socket.inet_pton(socket.AF_INET6, host))
        if ":" in host
        else (1, socket.inet_pton(socket.AF_INET, host))
    )
    mask = MAGIC_COOKIE.to_bytes(4, "big") + transaction
    hidden = bytes(a ^ b for a, b in zip(packed, mask, strict=False))
    value = struct.pack("!BBH", 0, family, port ^ (MAGIC_COOKIE >> 16)) + hidden
    return _finish(BINDING_SUCCESS, transaction, _attribute(_XOR_MAPPED_ADDRESS, value), password)


def role_conflict(transaction: bytes, password: bytes) -> bytes:
    """Return error 487: this side is lite and therefore controlled (RFC 8445 section 6.1.1)."""
    value = struct.pack("!HBB", 0, 4, 87) + b"Role Conflict"
    return _finish(BINDING_ERROR, transaction, _attribute(_ERROR_CODE, value), password)


def unknown_attributes(transaction: bytes, kinds: tuple[int, ...], password: bytes) -> bytes:
    """Return error 420 naming the attributes ``kinds``."""
    body = _attribute(_ERROR_CODE, struct.pack("!HBB", 0, 4, 20) + b"Unknown Attribute")
    body += _attribute(_UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(kinds)}H", *kinds))
    return _finish(BINDING_ERROR, transaction, body, password)


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _finish(kind: int, transaction: bytes, body: bytes, password: bytes) -> bytes:
    message = _HEADER.pack(kind, len(body) + 24, MAGIC_COOKIE, transaction) + body
    message += _attribute(_MESSAGE_INTEGRITY, hmac.digest(password, message, "sha1"))
    message = _resize(message, len(message) - _HEADER_BYTES + 8)
    checksum = zlib.crc32(message) ^ _FINGERPRINT_XOR
    return message + _attribute(_FINGERPRINT, checksum.to_bytes(4, "big"))
