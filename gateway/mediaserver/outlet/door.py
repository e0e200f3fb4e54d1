"""Whether one connection may come in: its nonce, its proofs, its wrong guesses."""

import asyncio
from typing import Final

import structlog

from gateway.mediaserver.outlet.answers import Answer
from gateway.mediaserver.outlet.login import Gate, challenge, new_nonce
from gateway.rtsp.message import Message

_WRONG_S: Final = 0.5
_KEPT_OUT: Final = 403


class Door:
    """One connection's door; ``user`` is who has come in."""

    def __init__(self, gate: Gate, host: str) -> None:
        self.user: str | None = None
        self._gate = gate
        self._host = host
        self._nonce = new_nonce()
        self._log = structlog.get_logger("rtsp-output")

    async def refuses(self, request: Message) -> Answer | None:
        """Return the answer for a request that proves nothing, ``None`` for one that may pass.

        Once proved is enough: whoever sends on this connection later has to own it.
        """
        if self.user is not None:
            return None
        header = request.header("authorization")
        if header:
            self.user = self._gate.accepts(self._nonce, request.method, header)
            if self.user is not None:
                return None
        # A proof for the nonce of an earlier connection is no guess.
        stale = bool(header) and f'nonce="{self._nonce}"' not in header
        if header and not stale:
            self._log.warning("a wrong password for the RTSP output", host=self._host)
            await asyncio.sleep(_WRONG_S)
            if not self._gate.may_guess(self._host):
                return Answer(_KEPT_OUT)
        return Answer(401, (("WWW-Authenticate", challenge(self._nonce, stale=stale)),))
