"""The size of one site between two cycles: turns what was seen into signals, and remembers.

:mod:`gateway.control.scale` decides; here is what it needs to know, and what follows.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import structlog

from gateway.control.edges import (
    Licenses,
    edge_number,
    edge_spec,
    licenses_found,
    needs_license,
)
from gateway.control.facts import ServerFacts, Size
from gateway.control.ports import Host, Runtime
from gateway.control.scale import Bounds, Memory, Signals, decide, taken
from gateway.kit.clock import Clock
from gateway.model.company import RuntimeKind, Settings
from gateway.model.load import MachineLoad, ServerLoad
from gateway.model.remark import NOTHING, Remark
from gateway.model.server import ServerStats, edge_id
from gateway.model.site import Site

_SMOOTH_S: Final = 6.0
"""A processor's share is smoothed over about this long."""


class UnknownHost:
    """A machine that tells nothing of itself, so that its load hinders nobody."""

    def load(self) -> MachineLoad | None:
        """Return nothing."""
        return None


class Scaler:
    """Decides one site's size; ``licenses`` and ``host`` are shared by all sites."""

    def __init__(
        self,
        site_id: str,
        *,
        runtime: Runtime,
        licenses: Licenses,
        host: Host,
        clock: Clock,
    ) -> None:
        self.size = Size()
        self._id = site_id
        self._runtime = runtime
        self._licenses = licenses
        self._host = host
        self._clock = clock
        self._memory = Memory()
        self._cpu: dict[str, tuple[float, float]] = {}

    def rest(self) -> None:
        """Forget all: the site is switched off or gone, and its edges with it."""
        self._memory = Memory()
        self._licenses.settle(self._id, (), ())
        self.size = Size()

    def look(
        self, site: Site, settings: Settings, servers: Sequence[ServerFacts], *, act: bool
    ) -> Size:
        """Decide anew in the light of what was seen; without ``act`` what is there stays."""
        now = self._clock.monotonic()
        loads = self._loads(servers, now, grows=_bounds(site).max_servers > 1)
        pool = site.scaling.licenses
        if self._memory.edges is None or not act:
            there = [one.observed for one in servers]
            found = licenses_found(site, settings, there, self._runtime.fingerprint)
            self._licenses.note(found)
        if not act:
            return self._sized(site, settings, loads, _edges(loads))
        machine = self._machine(site, settings)
        signals = Signals(
            now,
            tuple(loads.values()),
            _bounds(site),
            machine=machine,
            cap=settings.machine,
            licenses=self._licenses.free(pool) if needs_license(site) else None,
        )
        decision = decide(signals, self._memory)
        self._memory = decision.memory
        for sentence in decision.said:
            structlog.get_logger("control").info(sentence.text, site=self._id)
        names = [edge_id(self._id, n) for n in decision.edges]
        self._licenses.settle(self._id, names, pool)
        edges = decision.edges
        if needs_license(site):
            # A key that the files have taken away again: its edge may not run without one.
            edges = tuple(n for n in edges if self._licenses.of(edge_id(self._id, n)) is not None)
            self._memory = replace(self._memory, edges=frozenset(edges))
        said = decision.said[-1] if decision.said else self.size.said
        tight = machine is not None and _taken(machine, settings)
        return self._sized(site, settings, loads, edges, said=said, tight=tight)

    def _sized(
        self,
        site: Site,
        settings: Settings,
        loads: Mapping[str, ServerLoad],
        edges: Sequence[int],
        *,
        said: Remark = NOTHING,
        tight: bool = False,
    ) -> Size:
        defaults = settings.media_servers
        specs = (
            edge_spec(site, defaults, n, self._licenses.of(edge_id(self._id, n))) for n in edges
        )
        draining = frozenset(edge_id(self._id, n) for n in self._memory.leaving)
        self.size = Size(tuple(specs), draining, loads, said, tight)
        return self.size

    def _loads(
        self, servers: Sequence[ServerFacts], now: float, *, grows: bool
    ) -> Mapping[str, ServerLoad]:
        loads: dict[str, ServerLoad] = {}
        for server in servers:
            name = server.observed.id
            n = 0 if name == self._id else edge_number(self._id, name)
            if n is not None and server.observed.site == self._id:
                loads[name] = self._load(n, server, now, grows=grows)
        for gone in self._cpu.keys() - loads.keys():
            del self._cpu[gone]
        return loads

    def _load(self, n: int, server: ServerFacts, now: float, *, grows: bool) -> ServerLoad:
        stats = server.stats or ServerStats({})
        ports = stats.values.get("ports_media_free")
        return ServerLoad(
            n=n,
            ready=server.asked,
            viewers=server.viewers(),
            cpu=self._smooth(server.observed.id, self._processor(server, grows=grows), now),
            ports_free=None if ports is None else int(ports),
            degraded=stats.get("degraded_streams_percent") / 100,
        )

    def _processor(self, server: ServerFacts, *, grows: bool) -> float | None:
        """Return what the server says of itself, else what its runtime sees.

        The runtime is asked only where it matters: of servers that somebody watches, in a site
        that may grow.
        """
        if server.stats is None:
            return None
        own = server.stats.values.get("core_cpu_percent")
        if own is not None:
            return own / 100
        if not grows or not server.viewers():
            return None
        return self._runtime.processor(server.observed.id)

    def _smooth(self, server: str, value: float | None, now: float) -> float | None:
        if value is None:
            return None
        before = self._cpu.get(server)
        if before is not None:
            old, at = before
            value = old + (value - old) * (1 - math.exp((at - now) / _SMOOTH_S))
        self._cpu[server] = (value, now)
        return value

    def _machine(self, site: Site, settings: Settings) -> MachineLoad | None:
        """Return the load of the machine that the site's servers run on, if it is this one."""
        if settings.media_servers.runtime is RuntimeKind.PROCESS:
            return self._host.load()
        if settings.media_servers.runtime is RuntimeKind.SWARM:
            return None  # which of its nodes a site is on is the Swarm's affair
        engine = settings.media_servers.engine_of(site.media_server.engine)
        here = engine is not None and (engine.url is None or engine.url.startswith("unix:"))
        return self._host.load() if here else None


def _edges(loads: Mapping[str, ServerLoad]) -> tuple[int, ...]:
    return tuple(sorted(load.n for load in loads.values() if load.n))


def _bounds(site: Site) -> Bounds:
    scaling = site.scaling
    return Bounds(
        min_servers=scaling.min_servers,
        max_servers=max(scaling.min_servers, scaling.max_servers),
        viewers_per_server=scaling.viewers_per_server,
        shrink_after_s=scaling.shrink_after_s,
    )


def _taken(machine: MachineLoad, settings: Settings) -> bool:
    cap = settings.machine
    return taken(machine.cpu, cap.cpu) or taken(machine.memory, cap.memory)
