"""What no single key can tell: rules across the keys of one site, and across all files.

Pure: model values go in, sentences come out through ``report``. An error keeps the file's new
version out of force, a warning does not. The rules of the network stand in ``network_checks``.
"""

import functools
import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from gateway.config.addresses import host_port
from gateway.config.document import Path
from gateway.kit.secret import Secret
from gateway.model.company import Severity
from gateway.model.site import Camera, Site, stream_name

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_LARGEST_SURVEY = 4096  # addresses: asked one by one they take minutes


class Report(Protocol):
    """Takes one finding."""

    def __call__(self, path: Path, message: str, severity: Severity = Severity.ERROR, /) -> None:
        """Report what is wrong at ``path``, and what to write."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that only one site may have; ``words`` say it without showing a secret.

    ``severity`` tells whether a second claim is an error. ``scope`` is the interface on which the
    thing is unique, ``None`` when it is unique everywhere.
    """

    kind: str
    value: str
    path: Path
    words: str
    severity: Severity = Severity.ERROR
    scope: str | None = None


def check_site(site: Site, written_id: str | None, report: Report) -> None:
    """Report what is wrong inside one site."""
    if written_id is not None and written_id != site.id:
        report(("id",), f"differs from the file's name; write {site.id} or rename the file")
    if not site.cameras:
        report(("cameras",), "the site has no camera yet; register one", Severity.WARNING)
    _check_ids(site, report)
    _check_addresses(site, report)
    _check_subnets(site, report)
    _check_privacy(site, report)
    _check_licenses(site, report)
    if site.scaling.max_servers < site.scaling.min_servers:
        report(
            ("scaling", "max_servers"),
            f"is below scaling.min_servers ({site.scaling.min_servers}); write "
            f"{site.scaling.min_servers} or more",
        )
    elif site.scaling.max_servers > 1:
        _check_growth(site, report)


def _check_ids(site: Site, report: Report) -> None:
    seen: dict[str, int] = {}
    for index, camera in enumerate(site.cameras):
        if camera.id in seen:
            report(("cameras", index, "id"), f"{camera.id} is used twice; give each its own id")
        else:
            seen[camera.id] = index
    for index, camera in enumerate(site.cameras):
        main = camera.id.removesuffix("-sub")
        if main != camera.id and main in seen:
            report(
                ("cameras", index, "id"),
                f"{camera.id} is the name of the low-resolution stream of {main}; rename it",
            )


def _check_addresses(site: Site, report: Report) -> None:
    subnets = [ipaddress.ip_network(subnet) for subnet in site.discovery.subnets]
    seen: dict[str, str] = {}
    for index, camera in enumerate(site.cameras):
        if camera.rtsp is None and camera.onvif is None:
            report(
                ("cameras", index),
                f"{camera.id} has no address; write onvif: 10.12.0.21 or rtsp: rtsp://...",
            )
        for key, address in _addresses(camera):
            path: Path = ("cameras", index, key)
            first = seen.setdefault(_canonical(address), f"{camera.id} ({key})")
            if first != f"{camera.id} ({key})":
                report(path, f"is the same address as that of {first}; each stream has its own")
            host = _ip(address)
            if subnets and host is not None and not any(host in subnet for subnet in subnets):
                report(
                    path,
                    "is outside discovery.subnets, where the gateway contacts nobody; correct it "
                    "or add its network there",
                )


def _check_subnets(site: Site, report: Report) -> None:
    subnets = [ipaddress.ip_network(subnet) for subnet in site.discovery.subnets]
    for index, subnet in enumerate(subnets):
        path: Path = ("discovery", "subnets", index)
        if subnet.num_addresses > _LARGEST_SURVEY:
            report(
                path,
                f"holds {subnet.num_addresses} addresses, more than a survey asks "
                f"({_LARGEST_SURVEY}); write the cameras' own networks",
            )
        if any(subnet.overlaps(other) for other in subnets[:index]):
            report(path, "overlaps another one of this list; write it once", Severity.WARNING)


def _check_privacy(site: Site, report: Report) -> None:
    for index, camera in enumerate(site.cameras):
        path: Path = ("cameras", index, "privacy_hours")
        if camera.privacy_hours and site.timezone is None:
            report(path, "needs the site's time zone; write timezone: Europe/Moscow")
        for n, hours in enumerate(camera.privacy_hours):
            if hours.start == hours.end:
                report((*path, n), "begins when it ends; for the whole day write enabled: false")


def _check_growth(site: Site, report: Report) -> None:
    most = site.media_server.max_viewers
    if most is not None and site.scaling.viewers_per_server > most:
        report(
            ("media_server", "max_viewers"),
            f"is below scaling.viewers_per_server ({site.scaling.viewers_per_server}), so the "
            f"site never grows; write {site.scaling.viewers_per_server} or more",
            Severity.WARNING,
        )


def _check_licenses(site: Site, report: Report) -> None:
    keys, origin = site.scaling.licenses, site.media_server.license
    if site.scaling.own_licenses:
        check_pool(keys, report)
    if origin is not None and origin in keys:
        words = "is also one of scaling.licenses, which are for further media servers"
        report(("media_server", "license"), f"{words}; write it in one place")
    if origin is not None and not keys and site.scaling.max_servers > 1:
        report(
            ("scaling", "max_servers"),
            "has no licence for a second media server, so the site never grows; write "
            "scaling.licenses: [{env: NAME}]",
            Severity.WARNING,
        )


def check_pool(keys: Sequence[Secret], report: Report) -> None:
    """Report a licence key that is written twice in ``scaling.licenses``."""
    for index, key in enumerate(keys):
        if key in keys[:index]:
            words = "is the same licence key as one above; every media server needs its own"
            report(("scaling", "licenses", index), words)


def claims(site: Site) -> Iterator[Claim]:
    """Yield what ``site`` needs for itself alone; a site that is switched off needs only names."""
    for index, camera in enumerate(site.cameras):
        for sub in (False, True):
            name = stream_name(site.id, camera.id, sub=sub)
            words = f"its stream {name} is also one"
            yield Claim("stream", name, ("cameras", index, "id"), words)
    if not site.enabled:
        return
    server = site.media_server
    if server.license is not None:
        words = "is the same licence key as that"
        value = server.license.reveal()
        yield Claim("license", value, ("media_server", "license"), words)
    for index, key in enumerate(site.scaling.licenses if site.scaling.own_licenses else ()):
        words = "is the same licence key as that"
        yield Claim("license", key.reveal(), ("scaling", "licenses", index), words)
    if server.address is not None:
        path: Path = ("media_server", "address")
        yield Claim("address", server.address, path, f"{server.address} is also the address")
    for index, camera in enumerate(site.cameras):
        if camera.enabled:
            yield from _camera_claims(site, index, camera)


def _camera_claims(site: Site, index: int, camera: Camera) -> Iterator[Claim]:
    for key, address in _addresses(camera):
        yield Claim(
            "camera",
            _canonical(address),
            ("cameras", index, key),
            "is also a camera",
            Severity.WARNING,
            site.discovery.interface or "",
        )


ADVICE = {
    "stream": "rename this camera",
    "license": "every building needs a key of its own",
    "address": "give this site a free one",
    "camera": "remove it from one of the two",
}


class Register:
    """Who has claimed what, first come first served."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], list[tuple[str, str | None]]] = {}

    def conflicts(self, site: Site) -> list[tuple[Claim, str]]:
        """Return the claims of ``site`` that another site has, with that site's id."""
        return [
            (claim, owner)
            for claim in claims(site)
            for owner, scope in self._owners.get((claim.kind, claim.value), ())
            if owner != site.id and not _apart(scope, claim.scope)
        ]

    def enter(self, site: Site) -> None:
        """Note the claims of ``site``."""
        for claim in claims(site):
            owners = self._owners.setdefault((claim.kind, claim.value), [])
            owners.append((site.id, claim.scope))


def _apart(one: str | None, other: str | None) -> bool:
    """Tell whether two things live on different, named interfaces and cannot meet."""
    return bool(one and other and one != other)


def overlapping_subnets(sites: Iterable[Site]) -> Iterator[tuple[Site, int, Site]]:
    """Yield a site, the index of its subnet, and the site on the same interface that has it too."""
    groups: dict[str | None, list[tuple[IpNetwork, str, int, Site]]] = {}
    for site in sites:
        group = groups.setdefault(site.discovery.interface, [])
        for index, subnet in enumerate(site.discovery.subnets):
            group.append((ipaddress.ip_network(subnet), site.id, index, site))
    for group in groups.values():
        # Networks nest or are apart, so in this order each lies in the widest one before it.
        group.sort(key=lambda item: _order(item[0], item[1]))
        widest: IpNetwork | None = None
        owner: Site | None = None
        for network, _, index, site in group:
            if owner is None or widest is None or not network.overlaps(widest):
                widest, owner = network, site
            elif owner is not site:
                yield site, index, owner


def _order(network: IpNetwork, owner: str) -> tuple[int, int, int, str]:
    return network.version, int(network.network_address), network.prefixlen, owner


def _addresses(camera: Camera) -> Iterator[tuple[str, str]]:
    for key in ("rtsp", "rtsp_sub", "onvif"):
        address = getattr(camera, key)
        if address is not None:
            yield key, address


@functools.lru_cache(maxsize=1 << 15)
def _canonical(address: str) -> str:
    """Return one spelling of an address, default ports and paths written out."""
    if "://" not in address:
        host, port = host_port(address)
        return f"onvif {host}:{port or 80}"
    parts = urlsplit(address)
    if parts.scheme.startswith("http"):
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f"onvif {parts.hostname}:{port}"
    port = parts.port or (322 if parts.scheme == "rtsps" else 554)
    return f"{parts.scheme} {parts.hostname}:{port}{parts.path or '/'}?{parts.query}"


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    host = urlsplit(address).hostname if "://" in address else host_port(address)[0]
    try:
        return ipaddress.ip_address(host or "")
    except ValueError:
        return None
