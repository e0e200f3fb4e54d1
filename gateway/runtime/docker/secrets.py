"""The passwords of media servers: made from one key in the data folder, none of them stored.

A server keeps its password when its container is made again, and a new key makes all of them new:
the fingerprints differ, so the containers are replaced.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime import smallfile

_BYTES: Final = 32


class Passwords:
    """Reads or makes the key when first asked; the file is readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: bytes | None = None

    def make(self, server_id: str, purpose: str) -> Secret:
        """Return a server's password for ``purpose``; raises CONTAINER_FAILED."""
        digest = hmac.new(self._load(), f"{purpose}:{server_id}".encode(), hashlib.sha256).digest()
        return Secret(base64.urlsafe_b64encode(digest[:24]).decode())

    def _load(self) -> bytes:
        if self._key is None:
            try:
                key = self._path.read_bytes()
            except FileNotFoundError:
                key = b""
            except OSError as error:
                raise GatewayError(
                    ErrorKind.CONTAINER_FAILED,
                    f"{self._path} cannot be read: {error.strerror}",
                    "check that it belongs to the gateway's user",
                ) from error
            if len(key) != _BYTES:
                key = secrets.token_bytes(_BYTES)
                smallfile.write(self._path, key)
            self._key = key
        return self._key
