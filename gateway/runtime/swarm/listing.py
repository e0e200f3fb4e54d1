"""Our services as a manager shows them, asked for all sites at once and told when they change.

A Swarm tells in no event that a task has started or moved, so its manager is asked every two
seconds, and more rarely when the answer costs it more.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from gateway.kit.tasks import Tasks
from gateway.model.errors import GatewayError
from gateway.model.server import ServerState
from gateway.runtime.docker import names as labels_of
from gateway.runtime.docker.engine import Engine
from gateway.runtime.swarm.tasks import Seen, seen

_EVERY_S: Final = 2.0
_SHARE: Final = 20
"""The manager is busy with us for a twentieth of the time at most."""

_EXPLAINED: Final = 20
"""Servers that do not run are asked after one by one, so many in one look."""


class Listing:
    """The services that carry our label; ``told`` hears of each site whose server has changed."""

    def __init__(self, engine: Engine, told: Callable[[str], None]) -> None:
        self._engine = engine
        self._told = told
        self._lock = asyncio.Lock()
        self._tasks = Tasks("swarm")
        self._seen: dict[str, Seen] = {}
        self._asked = float("-inf")
        self._took = 0.0
        self._wake = asyncio.Event()

    def start(self) -> None:
        """Begin to ask again and again; once is enough."""
        if not self._tasks:
            self._tasks.spawn(self._follow(), "tasks")

    def forget(self) -> None:
        """Ask anew the next time, and soon: something was changed."""
        self._asked = float("-inf")
        self._wake.set()

    async def close(self) -> None:
        """Ask no more."""
        await self._tasks.close()

    async def all(self) -> Sequence[Seen]:
        """Return all of our services; raises what :meth:`Engine.call` raises."""
        async with self._lock:
            if time.monotonic() - self._asked > self._pause_s:
                await self._ask()
            return list(self._seen.values())

    async def one(self, server_id: str) -> Seen | None:
        """Return one server's service, asked for now."""
        async with self._lock:
            found = await self._engine.call(
                f"look for the service of {server_id}",
                lambda client: client.services(
                    filters={"label": f"{labels_of.SERVER}={server_id}"}
                ),
            )
        return seen(found[0], (), {}) if found else None

    @property
    def _pause_s(self) -> float:
        return max(_EVERY_S, self._took * _SHARE)

    async def _follow(self) -> None:
        complained = False
        while True:
            self._wake.clear()
            try:
                await self.all()
                complained = False
            except GatewayError as error:
                if not complained:
                    structlog.get_logger("runtime").warning(
                        "the Swarm cannot be asked", reason=str(error)
                    )
                complained = True
            try:
                async with asyncio.timeout(self._pause_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _ask(self) -> None:
        begun = time.monotonic()
        services, tasks, nodes = await self._engine.call("list services", _list)
        by_service: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for task in tasks:
            by_service[str(task.get("ServiceID", ""))].append(task)
        found = [seen(one, by_service[str(one["ID"])], nodes) for one in services]
        dark = [one for one in found if one.state is ServerState.STARTING and not one.detail]
        told = [await self._explained(one, nodes) for one in dark[:_EXPLAINED]]
        before = self._seen
        self._seen = {one.server: one for one in (*found, *told)}
        self._asked = time.monotonic()
        self._took = self._asked - begun
        for site in _changed(before, self._seen):
            self._told(site)
        _say(before, self._seen)

    async def _explained(self, one: Seen, nodes: Mapping[str, str]) -> Seen:
        """Return a server with why it does not run, which only its ended tasks say."""
        service, tasks = await self._engine.call(
            f"ask after the tasks of {one.server}",
            lambda client: (
                client.services(filters={"id": one.id}),
                client.tasks(filters={"service": one.id}),
            ),
        )
        return seen(service[0], tasks, nodes) if service else one


def _list(client: Any) -> tuple[Any, Any, dict[str, str]]:
    names = {str(one["ID"]): _name(one) for one in client.nodes()}
    services = client.services(filters={"label": labels_of.SERVER})
    return services, client.tasks(filters={"desired-state": "running"}), names


def _name(node: Mapping[str, Any]) -> str:
    return str((node.get("Description") or {}).get("Hostname") or node["ID"])


def _say(before: Mapping[str, Seen], now: Mapping[str, Seen]) -> None:
    """Write down where a server has begun to run."""
    log = structlog.get_logger("runtime")
    for server, new in now.items():
        old = before.get(server)
        if new.node and new.address and (old is None or new.address != old.address):
            log.info("a media server runs", site=new.site, server=server, node=new.node)


def _changed(before: Mapping[str, Seen], now: Mapping[str, Seen]) -> set[str]:
    """Return the sites whose servers are not as they were."""
    sites = set()
    for server in {*before, *now}:
        old, new = before.get(server), now.get(server)
        if old is None or new is None or old.mark != new.mark:
            sites |= {one.site for one in (old, new) if one is not None}
    return sites
