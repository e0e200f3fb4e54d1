"""The networks of media servers: what is wanted, and how what is there differs from it. Pure.

Two networks are joined by each container (but for driver ``host``): the building's, over which
media flows, and the management network, an internal bridge over which alone the gateway talks.
Origins that feed edges, and edges, join a third.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.model.company import Network, NetworkDriver
from gateway.model.errors import ErrorKind, GatewayError

LAN_DRIVERS: Final = (NetworkDriver.IPVLAN, NetworkDriver.MACVLAN)
_ICC: Final = "com.docker.network.bridge.enable_icc"


@dataclass(frozen=True, slots=True)
class WantedNetwork:
    """One network of the engine; ``subnet`` ``None`` leaves the addresses to the engine."""

    name: str
    driver: str
    internal: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    subnet: str | None = None
    gateway: str | None = None
    ip_range: str | None = None


def control_network(name: str) -> WantedNetwork:
    """Return the management network: no way out, and no way from one container to another."""
    return WantedNetwork(name, "bridge", internal=True, options={_ICC: "false"})


def cdn_network(name: str) -> WantedNetwork:
    """Return the network over which edges ask their origins: no way out of it.

    Each container's own packet filter lets in what edges ask, and nothing else.
    """
    return WantedNetwork(name, "bridge", internal=True)


def media_network(name: str, network: Network) -> WantedNetwork | None:
    """Return the building's network, ``None`` for the host's own; raises CONFIG_INVALID."""
    if network.driver is NetworkDriver.HOST:
        return None
    if network.driver is NetworkDriver.BRIDGE:
        return WantedNetwork(name, "bridge", options={_ICC: "false"})
    if not network.parent or not network.subnet:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"the driver {network.driver} needs an interface and a subnet",
            "write media_servers.network.parent and subnet in gateway.yaml",
        )
    mode = (
        ("ipvlan_mode", "l2")
        if network.driver is NetworkDriver.IPVLAN
        else ("macvlan_mode", "bridge")
    )
    return WantedNetwork(
        name,
        str(network.driver),
        options={"parent": network.parent, mode[0]: mode[1]},
        subnet=network.subnet,
        gateway=network.gateway,
        ip_range=network.ip_range,
    )


def differences(wanted: WantedNetwork, there: Mapping[str, Any]) -> Sequence[str]:
    """Return how a network of the engine (its ``inspect``) differs, in words; empty: it does not.

    Settings that the engine fills in by itself are compared only where we ask for them.
    """
    options = there.get("Options") or {}
    parts = [
        ("driver", wanted.driver, there.get("Driver")),
        ("internal", wanted.internal, bool(there.get("Internal"))),
    ]
    parts += [
        (key, value, options.get(key) or _DEFAULT_OPTIONS.get(key))
        for key, value in wanted.options.items()
    ]
    if wanted.subnet is not None:
        pools = (there.get("IPAM") or {}).get("Config") or [{}]
        pool = next((one for one in pools if _same(one.get("Subnet"), wanted.subnet)), pools[0])
        parts.append(("subnet", _plain(wanted.subnet), _plain(pool.get("Subnet"))))
        if wanted.gateway is not None:
            parts.append(("gateway", wanted.gateway, pool.get("Gateway")))
        parts.append(("ip_range", _plain(wanted.ip_range), _plain(pool.get("IPRange"))))
    return [f"{key} is {is_!s}, not {want!s}" for key, want, is_ in parts if want != is_]


_DEFAULT_OPTIONS: Final = {"ipvlan_mode": "l2", "macvlan_mode": "bridge"}


def same_place(wanted: WantedNetwork, there: Mapping[str, Any]) -> bool:
    """Tell whether a network made by somebody else stands where ours would.

    The engine allows one network per interface and subnet.
    """
    if wanted.subnet is None or there.get("Driver") not in [str(one) for one in LAN_DRIVERS]:
        return False
    if (there.get("Options") or {}).get("parent") != wanted.options["parent"]:
        return False
    pools = (there.get("IPAM") or {}).get("Config") or []
    mine = ipaddress.ip_network(wanted.subnet)
    networks = [ipaddress.ip_network(pool["Subnet"], strict=False) for pool in pools]
    return any(one.version == mine.version and one.overlaps(mine) for one in networks)


def _plain(network: str | None) -> str:
    return str(ipaddress.ip_network(network, strict=False)) if network else "none"


def _same(one: str | None, other: str) -> bool:
    return one is not None and _plain(one) == _plain(other)
