"""RTSP login: Basic (RFC 7617) and Digest (RFC 7616 and its older form RFC 2069).

Cameras lock out whoever fails a few times, so a password that was refused is never sent again:
:class:`Login` answers one challenge, and a second one only when the camera says that merely its
nonce has aged (``stale=true``), or when this very password was accepted before.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.kit.secret import Secret

_SCHEME: Final = re.compile(r"(?i)(?:^|,)\s*(basic|digest)(?=\s|,|$)")
_PARAMETER: Final = re.compile(r'([a-zA-Z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))')
_HASHES: Final[dict[str, Callable[[bytes], "hashlib._Hash"]]] = {
    # The algorithm is the camera's choice; MD5 is all that most of them know.
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
}
_STRENGTH: Final = ("BASIC", "MD5", "SHA-256")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to log in that a camera offers (a part of ``WWW-Authenticate``)."""

    scheme: str
    realm: str = ""
    nonce: str = ""
    opaque: str | None = None
    algorithm: str = "MD5"
    session: bool = False
    quality: bool = False
    stale: bool = False

    @property
    def strength(self) -> int:
        """How much it protects the password; higher is better."""
        return _STRENGTH.index(self.algorithm if self.scheme == "digest" else "BASIC")


def challenges(headers: Iterable[str]) -> list[Challenge]:
    """Read all usable challenges of the ``WWW-Authenticate`` headers; others are left out."""
    found = []
    for header in headers:
        marks = list(_SCHEME.finditer(header))
        for mark, following in zip(marks, [*marks[1:], None], strict=False):
            end = following.start() if following else len(header)
            challenge = _challenge(mark.group(1).lower(), header[mark.end() : end])
            if challenge is not None:
                found.append(challenge)
    return found


def _challenge(scheme: str, text: str) -> Challenge | None:
    values = {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        for name, quoted, plain in _PARAMETER.findall(text)
    }
    algorithm, _, variant = values.get("algorithm", "MD5").upper().partition("-SESS")
    session = algorithm + "-SESS" == values.get("algorithm", "").upper()
    if scheme == "digest" and (algorithm not in _HASHES or variant or not values.get("nonce")):
        return None
    offered = {item.strip().lower() for item in values.get("qop", "").split(",")} - {""}
    if scheme == "digest" and offered and "auth" not in offered:
        return None
    return Challenge(
        scheme=scheme,
        realm=values.get("realm", ""),
        nonce=values.get("nonce", ""),
        opaque=values.get("opaque"),
        algorithm=algorithm,
        session=session,
        quality=bool(offered),
        stale=values.get("stale", "").lower() == "true",
    )


@dataclass(slots=True)
class Login:
    """A user and password in front of one camera; holds the nonce of the running session.

    ``challenge`` is the camera's latest.
    """

    username: str
    password: Secret
    challenge: Challenge | None = field(default=None, init=False)
    _count: int = field(default=0, init=False)
    _accepted: bool = field(default=False, init=False)

    def challenged(self, headers: Iterable[str], *, tries: int) -> bool:
        """Take the challenge of a 401 and tell whether another try of the request makes sense.

        ``tries``: how often this request has already been sent with an ``Authorization``.
        """
        offered = sorted(challenges(headers), key=lambda challenge: challenge.strength)
        if not offered:
            return False
        best = offered[-1]
        again = tries == 0 or (tries == 1 and (best.stale or self._accepted))
        self.challenge, self._count = best, 0
        return again

    def accepted(self) -> None:
        """Remember that the camera has taken this password."""
        self._accepted = self._accepted or self.challenge is not None

    def header(self, method: str, uri: str) -> str | None:
        """Return the ``Authorization`` header for a request; None before the first challenge."""
        if self.challenge is None:
            return None
        if self.challenge.scheme == "basic":
            pair = f"{self.username}:{self.password.reveal()}".encode()
            return "Basic " + base64.b64encode(pair).decode()
        self._count += 1
        return digest(
            self.challenge,
            login=self,
            method=method,
            uri=uri,
            count=self._count,
            cnonce=secrets.token_hex(8),
        )


def digest(  # the six values of RFC 7616 section 3.4
    challenge: Challenge, *, login: Login, method: str, uri: str, count: int, cnonce: str
) -> str:
    """Compute a Digest ``Authorization`` header (RFC 7616 section 3.4, RFC 2069 without qop)."""

    def hashed(text: str) -> str:
        return _HASHES[challenge.algorithm](text.encode()).hexdigest()

    secret = hashed(f"{login.username}:{challenge.realm}:{login.password.reveal()}")
    if challenge.session:
        secret = hashed(f"{secret}:{challenge.nonce}:{cnonce}")
    request = hashed(f"{method}:{uri}")
    middle = f"{count:08x}:{cnonce}:auth:" if challenge.quality else ""
    response = hashed(f"{secret}:{challenge.nonce}:{middle}{request}")
    parts = [
        f'username="{_quoted(login.username)}"',
        f'realm="{_quoted(challenge.realm)}"',
        f'nonce="{_quoted(challenge.nonce)}"',
        f'uri="{_quoted(uri)}"',
        f'response="{response}"',
    ]
    if challenge.algorithm != "MD5" or challenge.session:
        parts.append(f"algorithm={challenge.algorithm}{'-sess' if challenge.session else ''}")
    if challenge.opaque is not None:
        parts.append(f'opaque="{_quoted(challenge.opaque)}"')
    if challenge.quality:
        parts += ["qop=auth", f"nc={count:08x}"]
    if challenge.quality or challenge.session:
        parts.append(f'cnonce="{cnonce}"')
    return "Digest " + ", ".join(parts)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
