"""Our containers as the engine shows them, kept while its event stream says that nothing changes.

A hundred sites that look every few seconds cost the engine nothing: it is asked again when an
event came, when the stream was interrupted, and once a minute for certainty.
"""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gateway.kit.secret import redact
from gateway.runtime.docker import names
from gateway.runtime.docker.engine import Engine
from gateway.runtime.docker.images import Images, Kind
from gateway.runtime.docker.processors import limit_of

_STALE_S: Final = 60.0
_TAIL_LINES: Final = 8
_TAIL_BYTES: Final = 4096
_FINE: Final = (0, 143)
"""Exit codes of a wanted end: a process that SIGTERM ends by default leaves 128 + 15."""

_LICENCE: Final = re.compile(
    r"licen[cs]e.*(invalid|expired|not found|fail|refus|denied|missing|unknown)"
    r"|(invalid|expired|no|missing|failed).{0,40}licen[cs]e",
    re.IGNORECASE,
)
_NO_TIME: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """One container of ours. ``address`` and ``mac`` are those of its management leg.

    ``cdn_mac`` is that of its leg to the site's other servers. ``processors`` is how many it
    may use, ``None`` for all of the machine's.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    state: str
    started: str
    since: datetime
    image: str
    host_network: bool
    address: str | None = None
    mac: str | None = None
    cdn_mac: str | None = None
    how: str = ""
    tail: str = ""
    processors: float | None = None

    @property
    def server(self) -> str:
        """The server that it is."""
        return self.labels[names.SERVER]

    @property
    def site(self) -> str:
        """The site that it belongs to."""
        return self.labels.get(names.SITE, "")

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.state == "running"

    @property
    def draft(self) -> bool:
        """Whether it was not completed."""
        return names.is_draft(self.name)

    @property
    def refused_licence(self) -> str:
        """The line in which a WCS says that it ended for want of a licence, or an empty text."""
        if self.running or not self.how or self.labels.get(names.KIND) != Kind.WCS:
            return ""
        return next((line for line in self.tail.splitlines() if _LICENCE.search(line)), "")


class Listing:
    """The containers that carry our label; raises what :class:`Engine` raises."""

    def __init__(self, engine: Engine, images: Images) -> None:
        self._engine = engine
        self._images = images
        self._lock = asyncio.Lock()
        self._seen: dict[str, Seen] = {}
        self._current: dict[str, str] = {}
        self._doubtful: set[str] = set()
        self._all_doubtful = True
        self._listed = 0.0
        self.live = False

    def forget(self, container: str | None = None) -> None:
        """Ask the engine anew: about one container, or about all."""
        if container is None:
            self._all_doubtful = True
        else:
            self._doubtful.add(container)

    @property
    def sites(self) -> set[str]:
        """The sites that had containers when last looked."""
        return {seen.site for seen in self._seen.values()}

    async def all(self) -> Sequence[Seen]:
        """Return all of our containers, drafts among them."""
        async with self._lock:
            fresh = time.monotonic() - self._listed < _STALE_S
            if not (self.live and fresh) or self._doubtful or self._all_doubtful:
                await self._list()
            return list(self._seen.values())

    async def of(self, server_id: str) -> Sequence[Seen]:
        """Return the containers of one server, asked for now."""
        found = await self._engine.call(
            f"list the containers of {server_id}",
            lambda client: client.containers(
                all=True, filters={"label": f"{names.SERVER}={server_id}"}
            ),
        )
        seen = [await self.look(str(one["Id"])) for one in found]
        return [one for one in seen if one is not None]

    def known(self, server_id: str) -> Seen | None:
        """Return a server's container as last listed, a complete one before a draft."""
        found = (seen for seen in self._seen.values() if seen.server == server_id)
        return min(found, key=lambda seen: seen.draft, default=None)

    def moved(self, seen: Seen) -> bool:
        """Tell whether the image's name now means another image than the container's."""
        current = self._current.get(seen.labels.get(names.IMAGE, ""))
        return current is not None and current != seen.image

    async def _list(self) -> None:
        # What becomes doubtful while we look stays so for the next time.
        doubtful, self._doubtful = self._doubtful, set()
        every, self._all_doubtful = self._all_doubtful, False
        try:
            found = await self._engine.call(
                "list containers",
                lambda client: client.containers(all=True, filters={"label": names.SERVER}),
            )
            there = {}
            for one in found:
                known = self._seen.get(str(one["Id"]))
                if every or known is None or known.id in doubtful or known.state != one["State"]:
                    known = await self.look(str(one["Id"]))
                if known is not None:
                    there[known.id] = known
            await self._look_at_images({one.labels.get(names.IMAGE, "") for one in there.values()})
        except BaseException:
            self._all_doubtful = True
            raise
        self._seen = there
        self._listed = time.monotonic()

    async def look(self, container: str) -> Seen | None:
        """Return one container, asked for now; ``None`` when it is gone or not ours."""
        there = await self._engine.attempt(
            "inspect a container", lambda client: client.inspect_container(container)
        )
        if there is None or names.server_of(there["Config"]["Labels"]) is None:
            return None
        state = there["State"]
        how = _how(state)
        tail = await self._tail(container) if how else ""
        networks = there["NetworkSettings"].get("Networks") or {}
        network = networks.get(names.CONTROL_NETWORK) or {}
        cdn = networks.get(names.CDN_NETWORK) or {}
        running = state["Status"] == "running"
        return Seen(
            id=str(there["Id"]),
            name=str(there["Name"]).lstrip("/"),
            labels=there["Config"]["Labels"],
            state=str(state["Status"]),
            started=str(state["StartedAt"]),
            since=_time(state["StartedAt"] if running else state["FinishedAt"], there["Created"]),
            image=str(there["Image"]),
            host_network=there["HostConfig"]["NetworkMode"] == "host",
            address=network.get("IPAddress") or None,
            mac=network.get("MacAddress") or None,
            cdn_mac=cdn.get("MacAddress") or None,
            how=how,
            tail=tail,
            processors=limit_of(there["HostConfig"]),
        )

    async def _tail(self, container: str) -> str:
        said = await self._engine.attempt(
            "read a container's log", lambda client: client.logs(container, tail=_TAIL_LINES)
        )
        return redact((said or b"")[-_TAIL_BYTES:].decode("utf-8", "replace")).strip()

    async def _look_at_images(self, references: set[str]) -> None:
        found = {one: await self._images.find(one) for one in references if one}
        self._current = {name: image.id for name, image in found.items() if image is not None}


def _how(state: Mapping[str, Any]) -> str:
    """Return how a container ended; empty for one that runs or was told to end."""
    if state["Status"] in ("running", "paused", "restarting"):
        return ""
    if state.get("OOMKilled"):
        return "it needed more memory than its limit and was killed"
    error, code = str(state.get("Error") or ""), int(state.get("ExitCode") or 0)
    if error:
        return f"it could not be started: {redact(error)[:300]}"
    if code in _FINE:
        return ""
    return f"ended with status {code}"


def _time(first: str, second: str) -> datetime:
    """Read the engine's time (RFC 3339 with nanoseconds); the year 1 means never."""
    for text in (first, second):
        try:
            when = datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", r".\1", text))
        except ValueError:
            continue
        if when.year > 1:
            return when.astimezone(UTC)
    return _NO_TIME
