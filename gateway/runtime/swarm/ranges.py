"""Each node's own part of the media servers' addresses. Pure.

Nodes give out addresses without asking each other, so their parts must not overlap. Which part is
whose stands in a label of the node; for a node without one, a free part is proposed.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from gateway.model.company import Network
from gateway.runtime.swarm import names

_LEAST = 30
"""A prefix of two addresses: a node with less is of no use."""


def overlapping(ranges: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Return the pairs of nodes whose ``ranges`` have addresses in common."""
    return [
        (one, other)
        for one, other in combinations(sorted(ranges), 2)
        if ipaddress.ip_network(ranges[one], strict=False).overlaps(
            ipaddress.ip_network(ranges[other], strict=False)
        )
    ]


def propose(network: Network, taken: Mapping[str, str], waiting: Iterable[str]) -> dict[str, str]:
    """Return a range for each node that is ``waiting`` for one; empty where none is left.

    The company's ``ip_range`` is cut into equal parts, as many as there are nodes or somewhat more.
    """
    nodes = sorted(waiting)
    whole = network.ip_range or network.subnet
    if not nodes or whole is None:
        return {}
    pool = ipaddress.ip_network(whole, strict=False)
    prefix = min(pool.prefixlen + (len(nodes) + len(taken) - 1).bit_length(), _LEAST)
    used = [ipaddress.ip_network(one, strict=False) for one in taken.values()]
    if prefix < pool.prefixlen:
        return {}
    parts = pool.subnets(new_prefix=prefix)
    free = (str(part) for part in parts if not any(part.overlaps(one) for one in used))
    return dict(zip(nodes, free, strict=False))


def commands(network: Network, node: str, addresses: str) -> Sequence[str]:
    """Return what an administrator types: the first line on a manager, the second on the node."""
    router = f" --gateway {network.gateway}" if network.gateway else ""
    pool = f"--subnet {network.subnet}{router} --ip-range {addresses}"
    return (
        f"docker node update --label-add {names.RANGE_LABEL}={addresses} {node}",
        f"docker network create --config-only {pool} -o parent={network.parent} "
        + names.CONFIG_NETWORK,
    )
