"""Who waits for a place to watch, building by building: first come, first served.

A viewer who finds a building full gets a token, which is told to nobody else, and asks again with
it. Who stops asking loses the place: a closed page says no good-bye.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.api.limits import Limits, unlimited
from gateway.kit.clock import Clock

ASK_S: Final = (2.0, 15.0)
"""Seconds until the next in line, and the last ones, had better ask again."""

_AHEAD_PER_SECOND: Final = 5
_LATE_S: Final = 6.0
_TOKEN_BYTES: Final = 16


@dataclass(slots=True)
class _Waiting:
    client: str
    until: float


class WaitingRoom:
    """The lines of all sites, in bounded memory."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._lines: dict[str, dict[str, _Waiting]] = {}

    def ahead(self, site: str, token: str) -> int:
        """Return how many wait at a site before who holds ``token``; all, for who does not."""
        count = 0
        for known in self._line(site):
            if known == token:
                break
            count += 1
        return count

    def wait(self, site: str, token: str, client: str) -> str:
        """Let somebody wait, at the end or where they are; return their token, "" for no room."""
        line = self._line(site)
        until = self._clock.monotonic() + gone_s(self.ahead(site, token))
        if token in line:
            line[token].until = until
            return token
        if len(line) >= self._limits.waiting_per_site or not self._may(line, client):
            return ""
        fresh = secrets.token_urlsafe(_TOKEN_BYTES)
        self._lines.setdefault(site, line)[fresh] = _Waiting(client, until)
        return fresh

    def leave(self, site: str, token: str) -> None:
        """Take somebody who got in out of the line."""
        self._line(site).pop(token, None)

    def lengths(self) -> Mapping[str, int]:
        """Return how many wait at each site where somebody does."""
        return {site: count for site in list(self._lines) if (count := len(self._line(site)))}

    def _may(self, line: dict[str, _Waiting], client: str) -> bool:
        if unlimited(client, self._limits):
            return True
        same = sum(one.client == client for one in line.values())
        return same < self._limits.waiting_per_client

    def _line(self, site: str) -> dict[str, _Waiting]:
        """Return a site's line without those who have left it."""
        line = self._lines.get(site, {})
        now = self._clock.monotonic()
        for token in [token for token, one in line.items() if one.until < now]:
            del line[token]
        if not line:
            self._lines.pop(site, None)
        return line


def gone_s(ahead: int) -> float:
    """Return after how many seconds without asking somebody is taken to have left.

    The first in line keep a free place from all others, so they have less time than the last.
    """
    return 2 * ask_again_s(ahead) + _LATE_S


def ask_again_s(ahead: int) -> float:
    """Return after how many seconds somebody with ``ahead`` people before them asks again."""
    first, last = ASK_S
    return min(last, first + ahead / _AHEAD_PER_SECOND)
