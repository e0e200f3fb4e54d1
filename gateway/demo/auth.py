"""How a pretend camera checks its user: HTTP and RTSP Digest (RFC 7616, MD5) and WS-Security."""

import base64
import hashlib
import re
import secrets
from typing import Final

from gateway.model.site import Credential

REALM: Final = "demo camera"
_FIELD: Final = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')


class Digest:
    """Checks ``Authorization: Digest`` headers; one nonce for the life of the camera."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self._nonce = secrets.token_hex(16)

    @property
    def challenge(self) -> str:
        """The value of a ``WWW-Authenticate`` header."""
        return f'Digest realm="{REALM}", nonce="{self._nonce}", algorithm=MD5'

    def accepts(self, method: str, header: str) -> bool:
        """Tell whether ``header`` proves the password for a request with ``method``."""
        if not header.lower().startswith("digest "):
            return False
        fields = {name.lower(): quoted or bare for name, quoted, bare in _FIELD.findall(header)}
        if fields.get("nonce") != self._nonce or fields.get("realm") != REALM:
            return False
        if fields.get("username") != self._credential.username:
            return False
        user = _md5(f"{fields['username']}:{REALM}:{self._credential.password.reveal()}")
        request = _md5(f"{method}:{fields.get('uri', '')}")
        middle = self._nonce
        if "qop" in fields:
            extra = (fields.get(name, "") for name in ("nc", "cnonce", "qop"))
            middle = ":".join((self._nonce, *extra))
        wanted = _md5(f"{user}:{middle}:{request}")
        return secrets.compare_digest(wanted.encode(), fields.get("response", "").encode())


def token_accepted(
    credential: Credential, *, username: str, digest: str, nonce: str, created: str
) -> bool:
    """Check a UsernameToken with PasswordDigest (OASIS WS-Security UsernameToken Profile 1.0)."""
    try:
        salt = base64.b64decode(nonce, validate=True)
    except ValueError:
        return False
    plain = salt + created.encode() + credential.password.reveal().encode()
    wanted = base64.b64encode(hashlib.sha1(plain, usedforsecurity=False).digest())
    same_user = secrets.compare_digest(username.encode(), credential.username.encode())
    return same_user and secrets.compare_digest(wanted, digest.encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
