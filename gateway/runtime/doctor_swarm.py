"""Checks of a Docker Swarm: manager, nodes, networks, placement, ports. Nothing is changed."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.model.company import EngineSettings, MediaServers, Network
from gateway.model.site import Site
from gateway.runtime import doctor_engine
from gateway.runtime.docker.engine import Engine
from gateway.runtime.docker.ways import engine_at
from gateway.runtime.doctor import Finding, asked, fail, ok, warn
from gateway.runtime.swarm import names, networks, ranges

_GOSSIP: Final = 7946
_PORTS: Final = "TCP 2377 (to managers), TCP and UDP 7946, UDP 4789 between all nodes"
_KNOCK_S: Final = 3.0
_QUORUM: Final = 3


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the Swarm; ``usable`` means up and given work."""

    name: str
    address: str
    usable: bool
    manager: bool
    labels: Mapping[str, str]

    @property
    def range(self) -> str | None:
        """Its own part of the media servers' addresses, as far as it is written down."""
        return self.labels.get(names.RANGE_LABEL)


async def swarm(
    at: EngineSettings, servers: MediaServers, sites: Collection[Site]
) -> Sequence[Finding]:
    """Return what is found at a manager of the Swarm on which ``sites`` are to run."""
    one = engine_at(at)
    try:
        found = await asked("engine", lambda: doctor_engine.version(one, at))
        if all(finding.health != "fail" for finding in found):
            found += await asked("swarm", lambda: _swarm(one))
        if all(finding.health != "fail" for finding in found):
            found += await asked("nodes", lambda: _on_nodes(one, servers, sites))
            found += await asked("networks", lambda: _networks(one, servers.network))
            found += await asked("image", lambda: doctor_engine.image(one, servers, sites))
    finally:
        await one.close()
    return found


async def _on_nodes(
    one: Engine, servers: MediaServers, sites: Collection[Site]
) -> Sequence[Finding]:
    nodes = await _nodes(one)
    return [
        *state_of(nodes),
        *placement(nodes, servers, sites),
        *addresses(nodes, servers.network, sites),
        *await _own_network(one, nodes, servers.network),
        *await _ports(nodes),
    ]


async def _swarm(one: Engine) -> Sequence[Finding]:
    said = (await one.call("tell of its Swarm", lambda client: client.info())).get("Swarm") or {}
    if said.get("LocalNodeState") != "active":
        return [
            fail(
                "swarm",
                f"the engine at {one.where} is in no Swarm",
                "docker swarm init --advertise-addr <this machine's address>, then the command "
                "that it prints on every other node",
            )
        ]
    if not said.get("ControlAvailable"):
        return [
            fail(
                "swarm",
                f"the engine at {one.where} is no manager of its Swarm",
                "docker node promote <this node>, on a manager; or run the gateway on one",
            )
        ]
    managers = int(said.get("Managers") or 1)
    if managers < _QUORUM:
        return [
            warn(
                "swarm",
                f"{managers} of {said.get('Nodes')} nodes are managers; while one of them is lost, "
                "nothing is moved",
                "with three managers one may be lost: docker node promote <node>",
            )
        ]
    return [ok("swarm", f"{said.get('Nodes')} nodes, {managers} of them managers")]


async def _nodes(one: Engine) -> Sequence[Node]:
    found = await one.call("list the Swarm's nodes", lambda client: client.nodes())
    return sorted((_node(each) for each in found), key=lambda node: node.name)


def _node(said: Mapping[str, Any]) -> Node:
    spec, status = said["Spec"], said["Status"]
    return Node(
        name=str(said["Description"]["Hostname"]),
        address=str(status.get("Addr") or ""),
        usable=status.get("State") == "ready" and spec.get("Availability") == "active",
        manager=spec.get("Role") == "manager",
        labels=spec.get("Labels") or {},
    )


def state_of(nodes: Collection[Node]) -> list[Finding]:
    """Return what is found of the nodes themselves."""
    found = []
    for node in nodes:
        text = f"{node.name} ({node.address}){', a manager' if node.manager else ''}"
        if node.usable:
            labels = ", ".join(f"{key}={value}" for key, value in sorted(node.labels.items()))
            found.append(ok("nodes", f"{text}: {labels or 'no labels'}"))
        else:
            advice = "docker node ls; start it, or docker node rm it; drained nodes get no servers"
            found.append(warn("nodes", f"{text} is down or takes no work", advice))
    return found


def placement(
    nodes: Collection[Node], servers: MediaServers, sites: Collection[Site]
) -> list[Finding]:
    """Return which nodes the media servers may run on."""
    wanted: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for site in sites:
        own = site.media_server.nodes
        if site.enabled:
            wanted.setdefault(servers.nodes if own is None else own, []).append(site.id)
    found = []
    for labels, ids in sorted(wanted.items()):
        fits = [
            node.name
            for node in nodes
            if node.usable and all(node.labels.get(key) == value for key, value in labels)
        ]
        written = " ".join(f"{key}={value}" for key, value in labels) or "any labels"
        who = f"{len(ids)} sites ({', '.join(sorted(ids)[:3])}{', ...' if len(ids) > 3 else ''})"  # noqa: PLR2004  # enough to tell them
        add = " ".join(f"--label-add {key}={value}" for key, value in labels)
        if not fits:
            advice = f"docker node update {add} <node>"
            found.append(fail("placement", f"no node with {written} is up for {who}", advice))
        elif len(fits) == 1:
            advice = f"docker node update {add} <another node>" if add else "add a node"
            text = f"{who}: only {fits[0]} has {written}; without it they have nowhere to go"
            found.append(warn("placement", text, advice))
        else:
            found.append(ok("placement", f"{who}: {', '.join(fits)}"))
    return found


async def _networks(one: Engine, network: Network) -> Sequence[Finding]:
    networks.check(network)
    there = await one.call("list networks", lambda client: client.networks())
    found = []
    for asked_for in networks.wanted(network):
        name = asked_for["Name"]
        same = [each for each in there if each["Name"] == name and each["Scope"] == "swarm"]
        wrong = networks.differences(asked_for, same[0]) if same else ()
        if wrong:
            text = f"{name} differs: {'; '.join(wrong)}"
            found.append(fail("networks", text, f"docker network rm {name}"))
        elif name == names.CONTROL_NETWORK and same:
            found.append(_within(same[0]))
        else:
            how = "is there" if same else "will be made"
            found.append(ok("networks", f"{name} {how} ({asked_for['Driver']})"))
    return found


def _within(control: Mapping[str, Any]) -> Finding:
    """Tell whether the gateway, if it ran where we run, could reach the control ports."""
    pools = (control.get("IPAM") or {}).get("Config") or ()
    subnet = ipaddress.ip_network(str(pools[0]["Subnet"])) if pools else None
    if subnet is not None and _has_address_in(subnet):
        return ok("networks", f"{control['Name']} is there, and this process stands in it")
    return warn(
        "networks",
        f"{control['Name']} is there ({subnet}), but this process does not stand in it, so a "
        "gateway started like it reaches no control port",
        "run the gateway as a service: stack.yaml; its own doctor: docker exec <it> gateway doctor",
    )


def _has_address_in(subnet: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:  # Nothing is sent: only the route is asked for.
            sock.connect((str(subnet.network_address + 1), 9))
        except OSError:
            return False
        return ipaddress.ip_address(sock.getsockname()[0]) in subnet


def addresses(nodes: Collection[Node], network: Network, sites: Collection[Site]) -> list[Finding]:
    """Return what is found of the nodes' own ranges, with the commands that are still missing."""
    taken = {node.name: node.range for node in nodes if node.range}
    found = [
        fail(
            "addresses",
            f"{one} and {other} both give out addresses of {taken[one]} and {taken[other]}",
            "give each node a range of its own; docs/swarm.md",
        )
        for one, other in ranges.overlapping(taken)
    ]
    waiting = [node.name for node in nodes if node.usable and not node.range]
    proposed = ranges.propose(network, taken, waiting)
    for name in waiting:
        if name not in proposed:
            found.append(fail("addresses", f"no range is left for {name}", "widen ip_range"))
            continue
        label, make = ranges.commands(network, name, proposed[name])
        found.append(
            warn(
                "addresses",
                f"{name} has no range of its own yet",
                f"on {name}: {make}\n         on a manager: {label}",
            )
        )
    usable = [node.range for node in nodes if node.usable and node.range]
    if usable and not found:
        count = sum(ipaddress.ip_network(one, strict=False).num_addresses for one in usable)
        need = sum(site.scaling.max_servers for site in sites if site.enabled)
        text = f"{', '.join(usable)}: {count} addresses, the sites may need {need}"
        found.append(
            ok("addresses", text)
            if need <= count
            else fail("addresses", text, "widen the nodes' ranges")
        )
    return found


async def _own_network(one: Engine, nodes: Collection[Node], network: Network) -> Sequence[Finding]:
    """Compare this node's own network with its label; other nodes' cannot be seen from here."""
    said = await one.call("tell of its Swarm", lambda client: client.info())
    name = str(said.get("Name"))
    written = next((node.range for node in nodes if node.name == name), None)
    found = await one.call(
        f"look for {names.CONFIG_NETWORK}",
        lambda client: client.networks(names=[names.CONFIG_NETWORK]),
    )
    there = next((each for each in found if each["Name"] == names.CONFIG_NETWORK), None)
    if written is None:
        return []
    _, make = ranges.commands(network, name, written)
    if there is None:
        return [fail("addresses", f"{name} has no network {names.CONFIG_NETWORK}", make)]
    pool = (there["IPAM"].get("Config") or [{}])[0].get("IPRange")
    if pool != written:
        fix = f"docker network rm {names.CONFIG_NETWORK}; {make}"
        return [fail("addresses", f"{name} gives out {pool}, its label says {written}", fix)]
    return []


async def _ports(nodes: Collection[Node]) -> list[Finding]:
    others = [node for node in nodes if node.usable and node.address]
    answers = await asyncio.gather(*(_answers(node.address) for node in others))
    closed = [node.name for node, open_ in zip(others, answers, strict=True) if not open_]
    if closed:
        text = f"{', '.join(closed)}: TCP {_GOSSIP} does not answer from here"
        return [warn("ports", text, f"open {_PORTS}")]
    return [ok("ports", f"TCP {_GOSSIP} answers on {len(others)} nodes; also needed: {_PORTS}")]


async def _answers(address: str) -> bool:
    try:
        async with asyncio.timeout(_KNOCK_S):
            _, writer = await asyncio.open_connection(address, _GOSSIP)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
