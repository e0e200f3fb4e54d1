"""The certificate that a media server shows in DTLS: one for each process, signed by itself."""

import datetime as dt
import secrets
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True, slots=True)
class Certificate:
    """An ECDSA P-256 certificate; ``fingerprint`` is the SDP text of its SHA-256 (RFC 8122)."""

    key: ec.EllipticCurvePrivateKey
    x509: x509.Certificate
    fingerprint: str


def make_certificate() -> Certificate:
    """Make a certificate that is valid from yesterday for ten years.

    Browsers check the fingerprint of the answer, not the dates; a server may run for years.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, secrets.token_hex(8))])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return Certificate(key, certificate, colons(certificate.fingerprint(hashes.SHA256())))


def colons(digest: bytes) -> str:
    """Return ``digest`` as SDP writes it: upper-case hex bytes between colons."""
    return digest.hex(":").upper()
