"""One search of a site's network: all ways at once, each device told as soon as it is known."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import structlog

from gateway.kit.tasks import Tasks
from gateway.model.found import FoundDevice, Heard
from gateway.onvif.discovery.messages import ProbeMatch
from gateway.onvif.discovery.multicast import PORT, OnMatch, Prober
from gateway.onvif.discovery.neighbours import hardware_addresses
from gateway.onvif.discovery.scope import Scope, interface_address
from gateway.onvif.discovery.sweep import sweep

_LISTEN_S: Final = 1.0
"""Devices may wait 500 ms before they answer the last probe, and networks are slow."""
_LONGEST_LISTEN_S: Final = 8.0
_SWEEP_AFTER_S: Final = 0.7
"""How long TCP waits for the answers to the last probe: each host that answers is one less."""


class Finder:
    """Finds the devices of one scope.

    A device is told once, when it is first heard; what later answers add about it is merged into
    :attr:`devices`. Nothing outside the scope is ever contacted.
    """

    def __init__(self, scope: Scope, *, with_tcp: bool = True, port: int = PORT) -> None:
        self._scope = scope
        self._port = port
        self._with_tcp = with_tcp
        self._queue: asyncio.Queue[FoundDevice | None] = asyncio.Queue()
        self._called = asyncio.Event()
        self._log = structlog.get_logger("discovery").bind(interface=scope.interface)
        self._services: dict[tuple[str, tuple[str, ...]], tuple[str, str]] = {}
        self.devices: dict[tuple[str, str], FoundDevice] = {}

    async def search(self) -> AsyncIterator[FoundDevice]:
        """Yield each device as it answers; ends when every way has been tried.

        Raises CONFIG_INVALID when the scope's interface is not there.
        """
        if self._scope.interface is not None:
            interface_address(self._scope.interface)
        tasks = Tasks("discovery")
        tasks.spawn(self._all_ways(), "search")
        try:
            while (found := await self._queue.get()) is not None:
                yield found
        finally:
            await tasks.close()

    async def _all_ways(self) -> None:
        ways = [self._by_udp()]
        if self._with_tcp:
            ways.append(self._by_tcp())
        try:
            await asyncio.gather(*ways)
        finally:
            self._queue.put_nowait(None)

    async def _by_udp(self) -> None:
        def hear(heard: Heard) -> OnMatch:
            return lambda host, match: self._hear(host, match, heard)

        everybody = Prober(self._scope, hear(Heard.MULTICAST), self._port)
        each = Prober(self._scope, hear(Heard.DIRECTED), self._port)
        try:
            try:
                everybody.open()
                each.open()
            except OSError as error:
                self._log.warning("no search by UDP: the socket cannot be opened", error=str(error))
                return
            await asyncio.gather(everybody.call_everybody(), each.call_each())
            self._called.set()
            await self._until_quiet()
        finally:
            self._called.set()
            everybody.close()
            each.close()

    async def _until_quiet(self) -> None:
        """Listen as long as further devices answer: many at once wait for one another."""
        known, listened = -1, 0.0
        while known < len(self.devices) and listened < _LONGEST_LISTEN_S:
            known = len(self.devices)
            await asyncio.sleep(_LISTEN_S)
            listened += _LISTEN_S

    async def _by_tcp(self) -> None:
        """Sweep the addresses that UDP has not answered for, after it had its chance."""
        await self._called.wait()
        await asyncio.sleep(_SWEEP_AFTER_S)
        answered = {address for address, _ in self.devices}
        silent = [host for host in self._scope.hosts() if host not in answered]
        await sweep(silent, self._tell)

    def _hear(self, host: str, match: ProbeMatch, heard: Heard) -> None:
        self._tell(
            FoundDevice(
                address=host,
                xaddrs=reachable(host, match.xaddrs, self._scope),
                endpoint=match.endpoint,
                scopes=match.scopes,
                heard=frozenset({heard}),
            )
        )

    def _tell(self, found: FoundDevice) -> None:
        key = self._key(found)
        known = self.devices.get(key)
        if known is None:
            found = replace(found, mac=hardware_addresses().get(found.address))
            self.devices[key] = found
            self._queue.put_nowait(found)
            return
        self.devices[key] = replace(
            known,
            xaddrs=tuple(dict.fromkeys((*known.xaddrs, *found.xaddrs))),
            scopes={**found.scopes, **known.scopes},
            heard=known.heard | found.heard,
            onvif=known.onvif or found.onvif,
        )

    def _key(self, found: FoundDevice) -> tuple[str, str]:
        """Return under which key a device is known.

        Neither address nor endpoint alone tells devices apart: clones share an endpoint, NAT
        shares an address. One that invents an endpoint for each answer is known by its service.
        """
        key = (found.address, found.endpoint)
        return self._services.setdefault((found.address, found.xaddrs[:1]), key)


def reachable(host: str, xaddrs: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    """Return the device-service URLs to try for a device that answered from ``host``.

    First what it names inside the scope, then its ports and paths at the address that answered
    (cameras keep naming a factory address or one that only they can see), then the usual place.
    """
    urls = [url for url in xaddrs if scope.allows_url(url)]
    for url in xaddrs:
        parts = _split(url)
        if parts is not None:
            scheme, port, path = parts
            urls.append(urlunsplit((scheme, f"{host}:{port}", path, "", "")))
    urls.append(f"http://{host}:80/onvif/device_service")
    return tuple(dict.fromkeys(_canonical(url) for url in urls))


def _split(url: str) -> tuple[str, int, str] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"}:
        return None
    return parts.scheme, port or (443 if parts.scheme == "https" else 80), parts.path or "/"


def _canonical(url: str) -> str:
    """Write the default port, so that two spellings of one URL are one."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return urlunsplit((parts.scheme, f"{parts.hostname}:{port}", parts.path or "/", "", ""))
