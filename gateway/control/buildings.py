"""Buildings as administrators change them: each change is an edit of the building's file."""

import asyncio
import ipaddress
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.control.foresight import Foresight
from gateway.control.ports import SiteEdit, SiteEditor
from gateway.model.company import Network
from gateway.model.site import Site


@dataclass(frozen=True, slots=True)
class Ahead:
    """An edit that is not written yet: what it would change in the file, and in the world.

    ``version`` is the file's now: an edit that names it does what was foreseen or nothing.
    """

    diff: str
    version: str
    foresight: Foresight


@dataclass(frozen=True, slots=True)
class Buildings:
    """Edits the buildings' files; every method raises GatewayError as the editor does."""

    editor: SiteEditor
    foresee: Callable[[str, Site | None], Foresight]

    async def ahead(self, edit: Callable[[SiteEditor], SiteEdit]) -> Ahead:
        """Return what an edit would do, without doing it."""
        tried = await asyncio.to_thread(edit, self.editor.trial())
        return Ahead(tried.diff, tried.version, self.foresee(tried.site, tried.draft))

    async def version(self, site: str) -> str:
        """Return the version of a building's file."""
        _, version = await asyncio.to_thread(self.editor.read, site)
        return version

    async def add(self, site: str, fields: Mapping[str, Any], *, by: str) -> SiteEdit:
        """Make a building's file."""
        edit = await asyncio.to_thread(self.editor.create_site, site, fields)
        _log(site).info("a building is added", by=by)
        return edit

    async def change(
        self, site: str, fields: Mapping[str, Any], *, version: str | None, by: str
    ) -> SiteEdit:
        """Rename a building, switch it on or off."""
        edit = await asyncio.to_thread(self.editor.change_site, site, fields, version=version)
        _log(site).info("a building is changed", keys=sorted(fields), by=by)
        return edit

    async def remove(self, site: str, *, version: str | None, by: str) -> SiteEdit:
        """Take a building out of service; its file stays under another name."""
        edit = await asyncio.to_thread(self.editor.remove_site, site, version=version)
        _log(site).info("a building is removed", by=by)
        return edit


def free_address(network: Network, taken: Collection[str]) -> str | None:
    """Return the first address for a new media server, if the network has a range and one left."""
    ranged = network.ip_range or network.subnet
    if ranged is None:
        return None
    kept_out = {*taken, network.gateway or ""}
    for address in ipaddress.ip_network(ranged, strict=False).hosts():
        if str(address) not in kept_out and not _leased(str(address), network.dhcp_range):
            return str(address)
    return None


def _leased(address: str, dhcp_range: str | None) -> bool:
    """Tell whether the DHCP server may give the address to somebody else."""
    if dhcp_range is None:
        return False
    ip = ipaddress.ip_address(address)
    if "-" not in dhcp_range:
        return ip in ipaddress.ip_network(dhcp_range, strict=False)
    first, last = (ipaddress.ip_address(part.strip()) for part in dhcp_range.split("-"))
    return ip.version == first.version and int(first) <= int(ip) <= int(last)


def _log(site: str) -> Any:
    return structlog.get_logger("registration").bind(site=site)
