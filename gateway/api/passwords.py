"""Passwords against argon2 hashes (RFC 9106), in few threads, because each try is made costly."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.api.problems import busy
from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError

MIN_CHARS: Final = 12
"""OWASP ASVS 2.1.1."""

MAX_CHARS: Final = 128
AT_ONCE: Final = 2
WAITING: Final = 16


class Passwords:
    """Checks passwords, :data:`AT_ONCE` at a time; 64 MiB of memory each."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._hasher = PasswordHasher()
        self._waiting = 0

    async def check(self, encoded: Secret, password: str) -> bool:
        """Tell whether a hash is that of ``password``; raises HttpProblem 503 when too many ask."""
        if self._waiting >= WAITING + AT_ONCE:
            raise busy("Too many people sign in at the same moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._check, encoded.reveal(), password
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False


def make_hash(password: Secret) -> str:
    """Return the argon2id hash of a password; raises GatewayError for one that is too short."""
    text = password.reveal()
    if not MIN_CHARS <= len(text) <= MAX_CHARS:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            f"The password has {len(text)} characters.",
            f"choose {MIN_CHARS} to {MAX_CHARS}; four random words are a good password",
        )
    return PasswordHasher().hash(text)
