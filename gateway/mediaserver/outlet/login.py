"""Who may take streams: RTSP Digest from the server's side (RFC 2326 appendix, RFC 2069, RFC 7616).

MD5 without ``qop`` is what every recorder and player knows. The nonce belongs to one connection,
so a proof that somebody has overheard opens no other one.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.kit.secret import Secret
from gateway.mediaserver.allowance import Allowance

REALM: Final = "camera-gateway"
_FIELD: Final = re.compile(r'([A-Za-z]{2,16})\s*=\s*(?:"([^"]{0,512})"|([^\s,"]{1,512}))')
_MOST_FIELDS: Final = 16
_WRONG_AT_ONCE: Final = 10.0
_WRONG_PER_S: Final = 1 / 6
_HOSTS: Final = 1024


@dataclass(frozen=True, slots=True)
class User:
    """A user of the RTSP output."""

    name: str
    password: Secret


class Gate:
    """Checks proofs, and keeps hosts out that guess: ten wrong ones, then one in six seconds."""

    def __init__(self, users: Sequence[User]) -> None:
        self._users = {user.name: user.password for user in users}
        self._guesses: dict[str, Allowance] = {}

    def accepts(self, nonce: str, method: str, header: str) -> str | None:
        """Return the user who is proved by an ``Authorization`` header, or ``None``."""
        scheme, _, rest = header.partition(" ")
        if scheme.lower() != "digest":
            return None
        said: dict[str, str] = {}
        for found in list(_FIELD.finditer(rest))[:_MOST_FIELDS]:
            said.setdefault(found[1].lower(), found[2] if found[2] is not None else found[3])
        user = said.get("username", "")
        known = self._users.get(user)
        # A user that is not there is checked like one that is, so that time tells nothing.
        password = known or Secret(secrets.token_hex(8))
        wanted = _response(nonce, method, said, password)
        proved = hmac.compare_digest(wanted.encode(), said.get("response", "").encode())
        fits = said.get("nonce") == nonce and said.get("realm") == REALM
        return user if proved and fits and known is not None else None

    def may_guess(self, host: str) -> bool:
        """Count one wrong proof of ``host``; tell whether it may try again."""
        if host not in self._guesses and len(self._guesses) >= _HOSTS:
            self._guesses.pop(next(iter(self._guesses)))
        return self._guesses.setdefault(host, Allowance(_WRONG_AT_ONCE, _WRONG_PER_S)).take()


def challenge(nonce: str, *, stale: bool) -> str:
    """Return the value of a ``WWW-Authenticate`` header."""
    mark = ", stale=true" if stale else ""
    return f'Digest realm="{REALM}", nonce="{nonce}", algorithm=MD5{mark}'


def new_nonce() -> str:
    """Return the nonce of a new connection."""
    return secrets.token_hex(16)


def _response(nonce: str, method: str, said: Mapping[str, str], password: Secret) -> str:
    user = _md5(f"{said.get('username', '')}:{REALM}:{password.reveal()}")
    request = _md5(f"{method}:{said.get('uri', '')}")
    middle = [nonce]
    if "qop" in said:
        middle += [said.get(name, "") for name in ("nc", "cnonce", "qop")]
    return _md5(":".join([user, *middle, request]))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
