"""DTLS in the server's role, only to agree on SRTP keys (RFC 5764, RFC 8842)."""

import contextlib
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from gateway.mediaserver.transport.certificate import Certificate
from gateway.mediaserver.transport.srtp import Profile

MTU: Final = 1200
MAX_DATAGRAMS: Final = 64
"""Datagrams of one handshake; an honest one takes two to ten."""

_RECORD_HEADER: Final = 13
_CHANGE_CIPHER_SPEC: Final = b"\x14"
_HANDSHAKE: Final = b"\x16"
_MAX_DATAGRAM: Final = 16_384
_LABEL: Final = b"EXTRACTOR-dtls_srtp"
_CIPHERS: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)
HASHES: Final = frozenset(("sha-256", "sha-384", "sha-512"))


class DtlsError(Exception):
    """The handshake has failed for good."""


class FingerprintError(DtlsError):
    """The browser's certificate is not the one of its offer."""


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """Master key and salt joined: ours to send with, the browser's to receive with."""

    profile: Profile
    outbound: bytes
    inbound: bytes


class DtlsServer:
    """What all handshakes share."""

    def __init__(self, certificate: Certificate, profiles: Sequence[Profile]) -> None:
        self._profiles = {profile.name.encode(): profile for profile in profiles}
        context = SSL.Context(SSL.DTLS_SERVER_METHOD)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        # Browsers sign their certificates themselves: the fingerprint is what proves them.
        context.set_verify(
            SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_arguments: True
        )
        context.use_certificate(certificate.x509)
        context.use_privatekey(certificate.key)
        context.set_cipher_list(_CIPHERS)
        context.set_tlsext_use_srtp(b":".join(self._profiles))
        self._context = context

    def handshake(self, fingerprints: Mapping[str, str]) -> "Handshake":
        """Begin a handshake with whoever holds a certificate of one of ``fingerprints``.

        Keys are names of hash functions (``sha-256``), values are as in SDP.
        """
        connection = SSL.Connection(self._context, None)
        connection.set_accept_state()
        connection.set_ciphertext_mtu(MTU)
        return Handshake(connection, fingerprints, self._profiles)


class Handshake:
    """One viewer's DTLS association, kept until nothing of it can be asked for again.

    Once the keys are agreed OpenSSL's 75 KB are let go: what can still be wanted is our last
    flight, if it was lost, and a goodbye, and both are ready then. A crowd that shakes hands one
    after the other takes the memory of one.
    """

    __slots__ = (
        "_connection",
        "_datagrams",
        "_fingerprints",
        "_goodbye",
        "_last_flight",
        "_profiles",
        "keys",
    )

    def __init__(
        self,
        connection: SSL.Connection,
        fingerprints: Mapping[str, str],
        profiles: Mapping[bytes, Profile],
    ) -> None:
        self._connection: SSL.Connection | None = connection
        self._fingerprints = fingerprints
        self._profiles = profiles
        self._datagrams = 0
        self._last_flight: list[bytes] = []
        self._goodbye: list[bytes] = []
        self.keys: SrtpKeys | None = None

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take one datagram and return those to send; sets :attr:`keys` when it is done.

        Raises :class:`DtlsError`.
        """
        self._datagrams += 1
        if self._datagrams > MAX_DATAGRAMS:
            raise DtlsError("the handshake never ends")
        if len(datagram) > _MAX_DATAGRAM:
            return []
        connection = self._connection
        if connection is None:
            # A browser that says its last words again has not heard ours (RFC 6347 section 4.2.4).
            again = datagram[:1] in {_CHANGE_CIPHER_SPEC, _HANDSHAKE}
            return self._last_flight if again else []
        try:
            connection.bio_write(datagram)
            connection.do_handshake()
            self.keys = self._export(connection)
        except SSL.WantReadError:
            return _pending(connection)
        except SSL.Error as error:
            raise DtlsError(f"TLS says {_reason(error)}") from error
        self._connection, self._last_flight = None, _pending(connection)
        with contextlib.suppress(SSL.Error):
            connection.shutdown()
        self._goodbye = _pending(connection)
        return self._last_flight

    def retransmit(self) -> list[bytes]:
        """Return what must be sent again now because its answer is overdue (RFC 6347 4.2.4)."""
        connection = self._connection
        if connection is None:
            return []
        try:
            if not self._datagrams or connection.DTLSv1_get_timeout() != 0:
                return []
            connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise DtlsError(f"TLS says {_reason(error)}") from error
        return _pending(connection)

    def goodbye(self) -> list[bytes]:
        """Return the alert that closes the association; nothing before there are keys."""
        return self._goodbye

    def _export(self, connection: SSL.Connection) -> SrtpKeys:
        self._check_fingerprint(connection)
        profile = self._profiles.get(connection.get_selected_srtp_profile())
        if profile is None:
            raise DtlsError("no common SRTP protection profile")
        key, salt = profile.key, profile.salt
        material = connection.export_keying_material(_LABEL, 2 * (key + salt))
        client, server = material[:key], material[key : 2 * key]
        salts = material[2 * key :]
        return SrtpKeys(profile, server + salts[salt:], client + salts[:salt])

    def _check_fingerprint(self, connection: SSL.Connection) -> None:
        certificate = connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            raise FingerprintError("the browser showed no certificate")
        encoded = certificate.public_bytes(Encoding.DER)
        for name, wanted in self._fingerprints.items():
            if name not in HASHES:
                continue
            digest = hashlib.new(name.replace("-", ""), encoded).hexdigest()
            if hmac.compare_digest(digest, wanted.replace(":", "").lower()):
                return
        raise FingerprintError("the browser's certificate is not the one of its offer")


def _pending(connection: SSL.Connection) -> list[bytes]:
    """Return OpenSSL's records, whole ones packed into datagrams of at most ``MTU``."""
    stream = b""
    while True:
        try:
            stream += connection.bio_read(_MAX_DATAGRAM)
        except SSL.Error:  # nothing more to read is one of these
            break
    datagrams: list[bytes] = []
    position = start = 0
    while position + _RECORD_HEADER <= len(stream):
        size = int.from_bytes(stream[position + 11 : position + 13], "big")
        stop = position + _RECORD_HEADER + size
        if stop - start > MTU and position > start:
            datagrams.append(stream[start:position])
            start = position
        position = stop
    if position > start:
        datagrams.append(stream[start:position])
    return datagrams


def _reason(error: SSL.Error) -> str:
    """Return OpenSSL's own words, which name no person and no address."""
    details = error.args[0] if error.args else ()
    if isinstance(details, list) and details:
        return str(details[0][-1])
    return "unexpected end"
