"""The public keys that the company's website publishes: a JSON Web Key Set (RFC 7517)."""

import asyncio
import json
from typing import Any, Final

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm
from jwt.exceptions import PyJWTError

from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks

ES256: Final = "ES256"
EDDSA: Final = "EdDSA"
FRESH_S: Final = 300.0
"""Age from which on the keys are asked for again, in seconds; a withdrawn key dies by then."""

PAUSE_S: Final = 20.0
"""Least time between two tries, however many unknown keys are named, in seconds."""

WITHIN_S: Final = 5.0
MAX_BYTES: Final = 256 * 1024
MAX_KEYS: Final = 64
_OK: Final = 200

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class KeySet:
    """The keys at ``url``, kept for as long as the website does not answer with others."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self._clock = clock
        self._keys: tuple[tuple[str | None, str, PublicKey], ...] = ()
        self._fetched: float | None = None
        self._tried: float | None = None
        self._failing = False
        self._asking: asyncio.Task[None] | None = None
        self._tasks = Tasks("keys")
        self._log = structlog.get_logger("api").bind(url=url)

    async def find(self, algorithm: str, kid: str | None) -> list[PublicKey]:
        """Return the keys that a ticket with this header may be signed with.

        An unknown ``kid`` has the website asked again, at most every :data:`PAUSE_S` seconds.
        """
        found = self._matching(algorithm, kid)
        if not found or self._fetched is None:
            await self._refresh()
            return self._matching(algorithm, kid)
        if self._clock.monotonic() - self._fetched > FRESH_S:
            self._begin()
        return found

    async def close(self) -> None:
        """Stop asking."""
        await self._tasks.close()

    def _matching(self, algorithm: str, kid: str | None) -> list[PublicKey]:
        return [
            key
            for name, its, key in self._keys
            if its == algorithm and (kid is None or name in (None, kid))
        ]

    async def _refresh(self) -> None:
        self._begin()
        if self._asking is not None:
            # One question serves everybody who waits; who leaves must not end it for the others.
            await asyncio.wait([self._asking])

    def _begin(self) -> None:
        if self._asking is not None and not self._asking.done():
            return
        now = self._clock.monotonic()
        if self._tried is not None and now - self._tried < PAUSE_S:
            return
        self._tried = now
        self._asking = self._tasks.spawn(self._ask(), "ask")

    async def _ask(self) -> None:
        try:
            body = await self._get()
            keys = parse(body)
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            if not self._failing:
                self._log.warning(
                    "the website's keys cannot be read; the last good ones stay in force",
                    reason=str(error) or type(error).__name__,
                )
            self._failing = True
            return
        if keys != self._keys or self._failing:
            self._log.info("the website's keys are read", keys=len(keys))
        self._failing = False
        self._keys = keys
        self._fetched = self._clock.monotonic()

    async def _get(self) -> bytes:
        timeout = ClientTimeout(total=WITHIN_S)
        async with (
            ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.get(
                self.url, allow_redirects=False, headers={"Accept-Encoding": "identity"}
            ) as answer,
        ):
            if answer.status != _OK:
                raise ValueError(f"the website answered {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ValueError(f"the answer is larger than {MAX_BYTES} bytes")
            return bytes(body)


def parse(body: bytes) -> tuple[tuple[str | None, str, PublicKey], ...]:
    """Return ``(kid, algorithm, key)`` of each key that can be used; raises ValueError."""
    try:
        items = json.loads(body)["keys"]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("the answer is no JSON Web Key Set") from error
    if not isinstance(items, list) or len(items) > MAX_KEYS:
        raise ValueError(f"the answer holds no list of at most {MAX_KEYS} keys")
    found = [_key(item) for item in items if isinstance(item, dict)]
    return tuple(key for key in found if key is not None)


def _key(item: dict[str, Any]) -> tuple[str | None, str, PublicKey] | None:
    kid = item.get("kid")
    if "d" in item or item.get("use", "sig") != "sig" or not isinstance(kid, str | None):
        return None
    curves = {("EC", "P-256"): ES256, ("OKP", "Ed25519"): EDDSA}
    algorithm = curves.get((str(item.get("kty")), str(item.get("crv"))))
    if algorithm is None or item.get("alg", algorithm) != algorithm:
        return None
    try:
        reader = ECAlgorithm if algorithm == ES256 else OKPAlgorithm
        key = reader.from_jwk(item)
    except (PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        return kid, algorithm, key
    return None
