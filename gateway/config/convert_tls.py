"""From checked keys to the model: the certificate of the gateway's own TLS."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from gateway.config.company_schema import TlsKeys
from gateway.config.convert_access import Report
from gateway.config.secrets import Reference, SecretError, Secrets
from gateway.kit.secret import Secret
from gateway.model.company import Tls


def tls(keys: TlsKeys | None, secrets: Secrets, report: Report) -> Tls | None:
    """Return the certificate with its key; files that do not belong together go to ``report``."""
    if keys is None:
        return None
    chain = _read(Reference("file", keys.certificate), secrets, report, "certificate")
    key = _read(keys.key, secrets, report, "key")
    first = None if chain is None else _first(chain)
    public = None if key is None else _public_half(key)
    if chain is not None and first is None:
        report(("tls", "certificate"), "names a file that holds no certificate in PEM")
    if key is not None and public is None:
        report(("tls", "key"), "is no private key in PEM without a passphrase")
    if chain is None or key is None or first is None or public is None:
        return None
    if public != first.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        report(("tls", "key"), "does not belong to the first certificate of tls.certificate")
        return None
    return Tls(certificate=chain.reveal(), key=key, expires=first.not_valid_after_utc)


def _read(wanted: Reference, secrets: Secrets, report: Report, name: str) -> Secret | None:
    try:
        return secrets.resolve(wanted)
    except SecretError as error:
        report(("tls", name), str(error))
        return None


def _first(chain: Secret) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificates(chain.reveal().encode())[0]
    except ValueError:
        return None


def _public_half(key: Secret) -> bytes | None:
    try:
        private = load_pem_private_key(key.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
