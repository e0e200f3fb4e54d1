"""The edges of a site: their names, their specs, and which licence key each of them has. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from gateway.control.desired import origin_spec
from gateway.kit.secret import Secret
from gateway.model.company import MediaServers, NetworkDriver, RuntimeKind, Settings
from gateway.model.server import Role, ServerObserved, ServerSpec, edge_id
from gateway.model.site import Site

Fingerprint = Callable[[ServerSpec], str]

_HOST_WIDE: Final = frozenset({NetworkDriver.HOST, NetworkDriver.BRIDGE})


def edge_number(site_id: str, server_id: str) -> int | None:
    """Return which edge of a site a server is, ``None`` for one that is none of its edges."""
    prefix, _, number = server_id.rpartition("edge")
    if not number.isascii() or not number.isdigit():
        return None
    n = int(number)
    return n if prefix == f"{site_id}." and n > 0 and server_id == edge_id(site_id, n) else None


def edge_spec(
    site: Site, defaults: MediaServers, n: int, license_key: Secret | None = None
) -> ServerSpec:
    """Return what the ``n``-th edge of a site is made of: as its origin, with own address and key.

    Servers that share the addresses of their host share the origin's; others get a free address
    of the network, and the router knows nothing of them.
    """
    origin = origin_spec(site, defaults)
    engine = defaults.engine_of(site.media_server.engine)
    network = defaults.network if engine is None else engine.network
    shared = defaults.runtime is RuntimeKind.PROCESS or network.driver in _HOST_WIDE
    return replace(
        origin,
        id=edge_id(site.id, n),
        role=Role.EDGE,
        address=origin.address if shared else None,
        external_address=origin.external_address if shared else None,
        license=license_key,
        origin=site.id,
        feeds_edges=False,
        rtsp_output=None,
    )


def needs_license(site: Site) -> bool:
    """Tell whether an edge of a site needs a key: where the origin has one, every server does."""
    return site.media_server.license is not None or bool(site.scaling.licenses)


def licenses_found(
    site: Site, settings: Settings, servers: Iterable[ServerObserved], fingerprint: Fingerprint
) -> Mapping[str, Secret]:
    """Return the keys that running edges were made with, by the edge's id.

    A runtime does not show a key; the edge's fingerprint tells which of them it was made with.
    """
    found: dict[str, Secret] = {}
    for server in servers:
        n = edge_number(site.id, server.id)
        if n is None or server.site != site.id:
            continue
        for key in site.scaling.licenses:
            spec = edge_spec(site, settings.media_servers, n, key)
            if key not in found.values() and fingerprint(spec) == server.fingerprint:
                found[server.id] = key
                break
    return found


def edges_found(
    site: Site, settings: Settings, servers: Sequence[ServerObserved], fingerprint: Fingerprint
) -> tuple[ServerSpec, ...]:
    """Return the specs of the edges that are there, as a gateway that starts takes them over."""
    keys = licenses_found(site, settings, servers, fingerprint)
    numbers = sorted(n for one in servers if (n := edge_number(site.id, one.id)) is not None)
    return tuple(
        edge_spec(site, settings.media_servers, n, keys.get(edge_id(site.id, n))) for n in numbers
    )


def edges_missing(
    site: Site, settings: Settings, there: Sequence[ServerSpec]
) -> tuple[ServerSpec, ...]:
    """Return the specs of the edges that ``min_servers`` asks for beside those that are there."""
    count = max(0, site.scaling.min_servers - 1 - len(there))
    names = {spec.id for spec in there}
    keys = [key for key in site.scaling.licenses if key not in {one.license for one in there}]
    if needs_license(site):
        count = min(count, len(keys))
    free = [n for n in range(1, count + len(there) + 1) if edge_id(site.id, n) not in names]
    return tuple(
        edge_spec(site, settings.media_servers, n, key)
        for n, key in zip_longest(free[:count], keys[:count])
    )


class Licenses:
    """Which edge has which licence key, over all sites: a key serves one media server."""

    def __init__(self) -> None:
        self._of: dict[str, Secret] = {}

    def of(self, server_id: str) -> Secret | None:
        """Return the key of an edge."""
        return self._of.get(server_id)

    def free(self, pool: Sequence[Secret]) -> int:
        """Return how many keys of ``pool`` no edge has."""
        return len(set(pool) - set(self._of.values()))

    def note(self, found: Mapping[str, Secret]) -> None:
        """Note the keys of edges that run already."""
        for server_id, key in found.items():
            if key not in self._of.values():
                self._of[server_id] = key

    def settle(self, site_id: str, wanted: Iterable[str], pool: Sequence[Secret]) -> None:
        """Give each wanted edge of a site a key of ``pool`` and take back those of the others."""
        wanted = list(wanted)
        for server_id in [one for one in self._of if edge_number(site_id, one) is not None]:
            if server_id not in wanted or self._of[server_id] not in pool:
                del self._of[server_id]
        for server_id in wanted:
            taken = set(self._of.values())
            key = next((one for one in pool if one not in taken), None)
            if server_id not in self._of and key is not None:
                self._of[server_id] = key
