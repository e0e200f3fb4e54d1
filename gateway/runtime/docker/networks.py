"""The engine's networks: made when missing, adopted when equal, refused when they differ."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from gateway.model.company import Network
from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker import names
from gateway.runtime.docker.engine import Engine
from gateway.runtime.network import (
    WantedNetwork,
    cdn_network,
    control_network,
    differences,
    media_network,
    same_place,
)

_CREATE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Control:
    """The management network: ``peer`` is the Docker host's own address in ``subnet``."""

    name: str
    subnet: str
    peer: str


@dataclass(frozen=True, slots=True)
class Legs:
    """What a container joins: the building's network by name, and the management network.

    Both are ``None`` on the host's own network.
    """

    media: str | None
    control: Control | None


class Networks:
    """Looks once per engine run; :meth:`forget` makes it look again."""

    def __init__(self, engine: Engine, network: Network) -> None:
        self._engine = engine
        self._network = network
        self._lock = asyncio.Lock()
        self._legs: Legs | None = None
        self._cdn: Control | None = None

    def forget(self) -> None:
        """Look anew the next time: the engine may have been restarted or changed by hand."""
        self._legs = None
        self._cdn = None

    async def ensure(self) -> Legs:
        """Return the networks, made if need be.

        Raises CONFLICT for one of the same name or place that differs, ENGINE_UNAVAILABLE.
        """
        async with self._lock:
            if self._legs is None:
                self._legs = await self._look()
            return self._legs

    async def cdn(self) -> Control | None:
        """Return the network between origins and edges, made if need be; ``None`` on the host.

        Raises what :meth:`ensure` raises.
        """
        if (await self.ensure()).control is None:
            return None
        async with self._lock:
            if self._cdn is None:
                there = await self._engine.call("list networks", lambda client: client.networks())
                made = await self._ensure(cdn_network(names.CDN_NETWORK), there)
                self._cdn = _control(made)
            return self._cdn

    async def control(self) -> Control | None:
        """Return the management network if it is there; makes nothing."""
        if self._legs is not None:
            return self._legs.control
        there = await self._engine.attempt(
            "inspect the management network",
            lambda client: client.inspect_network(names.CONTROL_NETWORK),
        )
        return None if there is None else _control(there)

    async def _look(self) -> Legs:
        wanted = media_network(names.MEDIA_NETWORK, self._network)
        if wanted is None:
            return Legs(None, None)
        there = await self._engine.call("list networks", lambda client: client.networks())
        media = await self._ensure(wanted, there)
        control = await self._ensure(control_network(names.CONTROL_NETWORK), there)
        return Legs(str(media["Name"]), _control(control))

    async def _ensure(self, wanted: WantedNetwork, there: list[dict[str, Any]]) -> Any:
        same = [one for one in there if one["Name"] == wanted.name]
        found = same or [one for one in there if same_place(wanted, one)]
        for one in found:
            wrong = differences(wanted, one)
            if wrong:
                raise GatewayError(
                    ErrorKind.CONFLICT,
                    f"the Docker network {one['Name']} is not as gateway.yaml says: "
                    + "; ".join(wrong),
                    f"correct media_servers.network, or remove it: docker network rm {one['Name']}",
                )
            return one
        return await self._create(wanted)

    async def _create(self, wanted: WantedNetwork) -> Any:
        def work(client: Any) -> Any:
            made = client.create_network(
                wanted.name,
                driver=wanted.driver,
                internal=wanted.internal,
                options=dict(wanted.options),
                ipam=_ipam(wanted),
                labels={names.NETWORK: wanted.name},
                check_duplicate=True,
            )
            return client.inspect_network(made["Id"])

        made = await self._engine.call(
            f"create the network {wanted.name}", work, within_s=_CREATE_S
        )
        structlog.get_logger("runtime").info(
            "a network is made", network=wanted.name, driver=wanted.driver
        )
        return made


def _ipam(wanted: WantedNetwork) -> dict[str, Any] | None:
    if wanted.subnet is None:
        return None
    pool = {"Subnet": wanted.subnet, "Gateway": wanted.gateway, "IPRange": wanted.ip_range}
    return {
        "Driver": "default",
        "Config": [{key: value for key, value in pool.items() if value is not None}],
    }


def _control(there: Mapping[str, Any]) -> Control:
    pool = there["IPAM"]["Config"][0]
    subnet = str(pool["Subnet"])
    # An engine that chose the addresses by itself may leave its own unsaid; it takes the first.
    peer = str(pool.get("Gateway") or subnet.partition("/")[0].rpartition(".")[0] + ".1")
    return Control(str(there["Name"]), subnet, peer.partition("/")[0])
