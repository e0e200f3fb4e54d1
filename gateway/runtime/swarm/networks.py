"""The networks of a Swarm's media servers.

The building's network is made by each node from a part of its own (a config-only network with the
node's range of addresses), joined under one name; the others are overlays that span all nodes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from gateway.model.company import Network
from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker import names as labels_of
from gateway.runtime.docker.engine import Engine
from gateway.runtime.network import LAN_DRIVERS
from gateway.runtime.swarm import names

_MADE_S: Final = 15.0
_LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Overlay:
    """A network between the nodes, with the addresses that the Swarm chose for it."""

    id: str
    subnet: str


@dataclass(frozen=True, slots=True)
class Legs:
    """What a task joins: the building's network, management, the servers of its own site."""

    media: str
    control: Overlay
    cdn: Overlay | None = None


def check(network: Network) -> str:
    """Return the building's subnet; raises CONFIG_INVALID for what a Swarm cannot do."""
    if network.driver not in LAN_DRIVERS or not network.subnet:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"media servers of a Swarm cannot use driver {network.driver} without an address each",
            "write media_servers.network with driver: ipvlan or macvlan, parent and subnet",
        )
    return network.subnet


def wanted(network: Network) -> Sequence[dict[str, Any]]:
    """Return the networks that are made on the manager, in the API's words."""
    overlay = {"Driver": "overlay", "Internal": True, "Scope": "swarm", "CheckDuplicate": True}
    return [
        {
            "Name": names.MEDIA_NETWORK,
            "Driver": str(network.driver),
            "Scope": "swarm",
            "CheckDuplicate": True,
            "ConfigFrom": {"Network": names.CONFIG_NETWORK},
        },
        {**overlay, "Name": names.CONTROL_NETWORK, "Attachable": True},
        {**overlay, "Name": names.CDN_NETWORK},
    ]


def differences(asked: Mapping[str, Any], there: Mapping[str, Any]) -> Sequence[str]:
    """Return how a network of the Swarm differs from what is asked for, in words.

    A network that no task has used yet does not tell its driver.
    """
    found = there.get("ConfigFrom") or {}
    parts = [
        ("scope", asked["Scope"], there.get("Scope")),
        ("driver", asked["Driver"], there.get("Driver") or asked["Driver"]),
        ("internal", bool(asked.get("Internal")), bool(there.get("Internal"))),
        ("config-from", asked.get("ConfigFrom", {}).get("Network", ""), found.get("Network", "")),
    ]
    if asked.get("Attachable"):
        parts.append(("attachable", True, bool(there.get("Attachable"))))
    return [f"{key} is {is_!s}, not {want!s}" for key, want, is_ in parts if want != is_]


class Networks:
    """Looks once per run; :meth:`forget` makes it look again."""

    def __init__(self, engine: Engine, network: Network) -> None:
        self._engine = engine
        self._network = network
        self._lock = asyncio.Lock()
        self._ready: dict[str, dict[str, Any]] = {}

    def forget(self) -> None:
        """Look anew the next time."""
        self._ready = {}

    async def ensure(self, *, cdn: bool) -> Legs:
        """Return the networks, made if need be; that of a site's servers only with ``cdn``.

        Raises CONFLICT for one of the same name that differs, CONFIG_INVALID, ENGINE_UNAVAILABLE.
        """
        check(self._network)
        media, control, between = wanted(self._network)
        async with self._lock:
            for asked in (media, control, between) if cdn else (media, control):
                if asked["Name"] not in self._ready:
                    self._ready[asked["Name"]] = await self._one(asked)
        return Legs(
            media=str(self._ready[media["Name"]]["Id"]),
            control=_overlay(self._ready[control["Name"]]),
            cdn=_overlay(self._ready[between["Name"]]) if cdn else None,
        )

    async def _one(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = str(asked["Name"])
        found = await self._look(name)
        if found is None:
            await self._make(asked)
        found = await self._made(name, addresses=asked["Driver"] == "overlay")
        wrong = differences(asked, found)
        if wrong:
            raise GatewayError(
                ErrorKind.CONFLICT,
                f"the Swarm's network {name} is not as gateway.yaml says: {'; '.join(wrong)}",
                f"correct media_servers.network, or remove it: docker network rm {name}",
            )
        return found

    async def _made(self, name: str, *, addresses: bool) -> dict[str, Any]:
        """Return a network once the Swarm has given it what it needs."""
        try:
            async with asyncio.timeout(_MADE_S):
                while True:
                    found = await self._look(name)
                    if found is not None and (_pools(found) or not addresses):
                        return found
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError as error:
            raise GatewayError(
                ErrorKind.CONTAINER_FAILED,
                f"the Swarm has given the network {name} no addresses within {_MADE_S:g} s",
                "look whether its address pool is used up: docker info, docker network ls",
            ) from error

    async def _look(self, name: str) -> dict[str, Any] | None:
        found = await self._engine.call(
            f"look for the network {name}",
            lambda client: client.networks(names=[name], filters={"scope": "swarm"}),
        )
        return next((dict(one) for one in found if one["Name"] == name), None)

    async def _make(self, asked: dict[str, Any]) -> None:
        body = dict(asked)
        if "ConfigFrom" not in asked:  # such a network may have nothing that is its own
            body["Labels"] = {labels_of.NETWORK: asked["Name"]}

        def work(client: Any) -> None:
            # The SDK's create_network has no word for ConfigFrom.
            url = f"{client.base_url}/v{client.api_version}/networks/create"
            answer = client.post(url, json=body, timeout=client.timeout)
            client._raise_for_status(answer)  # noqa: SLF001  # its own translation of errors

        await self._engine.call(f"create the network {asked['Name']}", work)
        structlog.get_logger("runtime").info(
            "a network is made", network=asked["Name"], driver=asked["Driver"]
        )


def _pools(found: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (found.get("IPAM") or {}).get("Config") or ()


def _overlay(found: Mapping[str, Any]) -> Overlay:
    return Overlay(str(found["Id"]), str(_pools(found)[0]["Subnet"]))
