"""Which key opens a ticket: the shared secret, the company's public keys, or its key set.

The algorithm is pinned by the key: HS256 goes with the secret, ES256 with P-256 keys and EdDSA
with Ed25519 keys, so a public key is never taken for a secret. Addresses and keys inside a ticket
(``jku``, ``jwk``, ``x5u``, ``x5c``) are not looked at.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.api.jwks import EDDSA, ES256, KeySet, PublicKey
from gateway.api.tickets import HS256, MAX_CHARS, Ticket, TicketRefused, checked, opened, verify
from gateway.kit.clock import Clock
from gateway.model.company import Settings

_MAX_KID: Final = 200


class TicketDesk:
    """Checks tickets by the settings in force."""

    def __init__(self, settings: Callable[[], Settings], clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._pems: tuple[tuple[str, ...], tuple[tuple[str, PublicKey], ...]] = ((), ())
        self._key_set: KeySet | None = None

    @property
    def open(self) -> bool:
        """Whether there is any key at all."""
        rules = self._settings().ticket_rules
        return bool(self._settings().ticket_secret or rules.keys or rules.jwks_url)

    async def check(self, token: str) -> Ticket:
        """Return what ``token`` allows; raises TicketRefused."""
        settings = self._settings()
        algorithm, kid = _header(token)
        now = self._clock.now()
        if algorithm == HS256:
            if not settings.ticket_secret:
                raise _not_ours()
            return verify(token, settings.ticket_secret, now=now, rules=settings.ticket_rules)
        for key in self._own(algorithm):
            with suppress(TicketRefused):
                claims = opened(token, key, algorithm)
                break
        else:
            claims = await self._by_key_set(token, algorithm, kid)
        return checked(claims, now.timestamp(), settings.ticket_rules)

    async def close(self) -> None:
        """Stop asking for keys."""
        if self._key_set is not None:
            await self._key_set.close()

    def _own(self, algorithm: str) -> list[PublicKey]:
        """Return the keys of files; they are parsed when they change."""
        pems = self._settings().ticket_rules.keys
        if pems != self._pems[0]:
            self._pems = (pems, tuple(_parsed(pem) for pem in pems))
        return [key for its, key in self._pems[1] if its == algorithm]

    async def _by_key_set(self, token: str, algorithm: str, kid: str | None) -> dict[str, Any]:
        key_set = await self._keys_of_website()
        for key in [] if key_set is None else await key_set.find(algorithm, kid):
            with suppress(TicketRefused):
                return opened(token, key, algorithm)
        raise _not_ours()

    async def _keys_of_website(self) -> KeySet | None:
        url = self._settings().ticket_rules.jwks_url
        known = self._key_set
        if (None if known is None else known.url) != url:
            self._key_set = None if url is None else KeySet(url, self._clock)
            if known is not None:
                await known.close()
        return self._key_set


def _header(token: str) -> tuple[str, str | None]:
    """Return algorithm and key id of a ticket, before anything of it is believed."""
    if len(token) > MAX_CHARS:
        raise TicketRefused("malformed", "The ticket is too long.")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise _not_ours() from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in (HS256, ES256, EDDSA):
        raise TicketRefused("signature", "The ticket is signed by a method that is not taken.")
    if not isinstance(kid, str | None) or len(kid or "") > _MAX_KID:
        raise TicketRefused("malformed", "The ticket's kid is not a short text.")
    return str(algorithm), kid


def _parsed(pem: str) -> tuple[str, PublicKey]:
    key = load_pem_public_key(pem.encode())
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ES256, key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return EDDSA, key
    raise ValueError("neither P-256 nor Ed25519, although the files are checked when they are read")


def _not_ours() -> TicketRefused:
    return TicketRefused("signature", "The ticket is not one of ours.")
