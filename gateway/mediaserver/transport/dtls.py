"""DTLS in the server's role, only to agree on SRTP keys (RFC 5764, RFC 8842)."""

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
    """One viewer's DTLS association, kept until nothing of it can be asked for again."""

    __slots__ = ("_connection", "_datagrams", "_fingerprints", "_profiles", "closed", "keys")

    def __init__(
        self,
        connection: SSL.Connection,
        fingerprints: Mapping[str, str],
        profiles: Mapping[bytes, Profile],
    ) -> None:
        self._connection = connection
        self._fingerprints = fingerprints
        self._profiles = profiles
        self._datagrams = 0
        self.keys: SrtpKeys | None = None
        self.closed = False

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take one datagram and return those to send; sets :attr:`keys` when it is done.

        Sets :attr:`closed` when the browser says goodbye. Raises :class:`DtlsError`.
        """
        self._datagrams += 1
        if self._datagrams > MAX_DATAGRAMS:
            raise DtlsError("the handshake never ends")
        if len(datagram) > _MAX_DATAGRAM:
            return []
        try:
            self._connection.bio_write(datagram)
            if self.keys is None:
                self._connection.do_handshake()
                self.keys = self._export()
            else:
                self._connection.recv(MTU)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.Error as error:
            raise DtlsError(f"TLS says {_reason(error)}") from error
        return self._pending()

    def retransmit(self) -> list[bytes]:
        """Return what must be sent again now because its answer is overdue (RFC 6347 4.2.4)."""
        if self.keys is not None:
            return []
        try:
            if not self._datagrams or self._connection.DTLSv1_get_timeout() != 0:
                return []
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise DtlsError(f"TLS says {_reason(error)}") from error
        return self._pending()

    def goodbye(self) -> list[bytes]:
        """Return the alert that closes the association."""
        if self.keys is None or self.closed:
            return []
        try:
            self._connection.shutdown()
        except SSL.Error:
            return []
        return self._pending()

    def _export(self) -> SrtpKeys:
        self._check_fingerprint()
        profile = self._profiles.get(self._connection.get_selected_srtp_profile())
        if profile is None:
            raise DtlsError("no common SRTP protection profile")
        key, salt = profile.key, profile.salt
        material = self._connection.export_keying_material(_LABEL, 2 * (key + salt))
        client, server = material[:key], material[key : 2 * key]
        salts = material[2 * key :]
        return SrtpKeys(profile, server + salts[salt:], client + salts[:salt])

    def _check_fingerprint(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
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

    def _pending(self) -> list[bytes]:
        """Return OpenSSL's records, whole ones packed into datagrams of at most ``MTU``."""
        stream = b""
        while True:
            try:
                stream += self._connection.bio_read(_MAX_DATAGRAM)
            except SSL.WantReadError:
                break
            except SSL.Error:
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
