"""From checked keys to the model: whose tickets and which people are believed."""

from collections.abc import Callable, Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic_core import PydanticCustomError

from gateway.config.access_fields import check_hash
from gateway.config.access_schema import AccountKeys, SignOnKeys, TicketsKeys
from gateway.config.document import Path as KeyPath
from gateway.config.secrets import Reference, SecretError, Secrets
from gateway.kit.secret import Secret
from gateway.model.company import Account, AccountRole, SignOn, TicketRules

Report = Callable[[KeyPath, str], None]


def ticket_rules(keys: TicketsKeys, secrets: Secrets, report: Report) -> TicketRules:
    """Return how tickets are checked; files that hold no public key go to ``report``."""
    found = [
        _public_key(name, secrets, report, ("tickets", "keys", i))
        for i, name in enumerate(keys.keys)
    ]
    return TicketRules(
        keys=tuple(key for key in found if key is not None),
        jwks_url=keys.jwks_url,
        issuer=keys.issuer,
        audience=keys.audience,
    )


def _public_key(name: str, secrets: Secrets, report: Report, path: KeyPath) -> str | None:
    try:
        pem = secrets.resolve(Reference("file", name)).reveal()
    except SecretError as error:
        report(path, str(error))
        return None
    if "PRIVATE KEY" in pem:
        report(path, "names a private key; put only the public one here: openssl pkey -pubout")
        return None
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        report(path, "names a file that holds no public key in PEM; openssl pkey -pubout makes one")
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return pem
    if isinstance(key, ed25519.Ed25519PublicKey):
        return pem
    report(path, "names a key of another kind; make a P-256 (ES256) or an Ed25519 (EdDSA) key")
    return None


def accounts(keys: Sequence[AccountKeys], secrets: Secrets, report: Report) -> tuple[Account, ...]:
    """Return the company's people; names that meet and missing sites go to ``report``."""
    found: dict[str, Account] = {}
    for i, item in enumerate(keys):
        if item.name.lower() in found:
            report(("accounts", i, "name"), f"{item.name} is used twice; names ignore capitals")
        if item.role is AccountRole.TECHNICIAN and not item.sites:
            report(("accounts", i), "a technician has no sites; write for example sites: [site-1]")
        found[item.name.lower()] = Account(
            name=item.name,
            role=item.role,
            hash=_hash(item.hash, secrets, report, ("accounts", i, "hash")),
            sites=item.sites,
        )
    return tuple(found.values())


def _hash(
    written: Secret | Reference | None, secrets: Secrets, report: Report, path: KeyPath
) -> Secret | None:
    if written is None or isinstance(written, Secret):
        return written
    try:
        found = secrets.resolve(written)
        check_hash(found.reveal())
    except SecretError as error:
        report(path, str(error))
        return None
    except PydanticCustomError as error:
        report(path, f"{written} {error.message()}")
        return None
    return found


def sign_on(keys: SignOnKeys | None) -> SignOn | None:
    """Return whose headers are believed."""
    if keys is None:
        return None
    return SignOn(
        header=keys.header,
        addresses=keys.addresses,
        role_header=keys.role_header,
        sites_header=keys.sites_header,
    )
