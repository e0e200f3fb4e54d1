"""Buildings: what their files say, and how administrators add, change and remove them."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from gateway.api import keys
from gateway.api.access import require_administrator
from gateway.api.building_views import (
    ahead_view,
    edit_view,
    problem_view,
    settings_view,
    taken_addresses,
    users_view,
)
from gateway.api.fieldwork import (
    bad,
    body_of,
    checked,
    entered,
    entered_as_administrator,
    name_of,
    only_preview,
    switch_of,
    text_of,
)
from gateway.api.sites import as_json
from gateway.control.buildings import Buildings, free_address
from gateway.control.ports import SiteEdit, SiteEditor
from gateway.control.registration import as_written
from gateway.model.company import NetworkDriver, RuntimeKind
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Access

_SITES: Final = "/api/v1/sites"
_ONE: Final = _SITES + "/{site}"
_LAN: Final = (NetworkDriver.IPVLAN, NetworkDriver.MACVLAN)
_NEW: Final = frozenset({"id", "name", "address", "interface", "subnets", "users", "access"})
_MOST_USERS: Final = 32
_MOST_SUBNETS: Final = 64
_USER: Final = 'Send [{"username": "viewer", "reference": "env:CAMERAS"}].'
_Edit = Callable[[SiteEditor], SiteEdit]


def routes() -> list[web.RouteDef]:
    """Return the routes."""
    return [
        web.get("/api/v1/problems", list_problems),
        web.get("/api/v1/new-site", propose),
        web.post(_SITES, add),
        web.get(_ONE + "/settings", show_settings),
        web.patch(_ONE, change),
        web.delete(_ONE, remove),
    ]


async def list_problems(request: web.Request) -> web.Response:
    """``GET /api/v1/problems``: every mistake of the configuration files.

    ``unreadable`` are the buildings that are known by a broken file alone.
    """
    require_administrator(request)
    fleet = request.app[keys.FLEET]()
    found = [problem_view(one) for one in fleet.problems]
    return as_json({"problems": found, "unreadable": sorted(fleet.unreadable)})


async def propose(request: web.Request) -> web.Response:
    """``GET /api/v1/new-site``: what a new building may be given: an address, a network, users."""
    require_administrator(request)
    fleet = request.app[keys.FLEET]()
    servers = fleet.settings.media_servers
    own = servers.runtime is not RuntimeKind.PROCESS and servers.network.driver in _LAN
    taken = taken_addresses(fleet.sites.values())
    free = await asyncio.to_thread(free_address, servers.network, taken) if own else None
    interfaces = [name for _, name in socket.if_nameindex()]
    return as_json(
        {"own_address": own, "address": free, "interfaces": interfaces, "users": users_view(fleet)}
    )


async def show_settings(request: web.Request) -> web.Response:
    """``GET .../settings``: a building as its file says it, for its staff."""
    fieldwork, site_id, _ = entered(request)
    site = request.app[keys.FLEET]().sites[site_id]
    return as_json(settings_view(site, await fieldwork.buildings.version(site_id)))


async def add(request: web.Request) -> web.Response:
    """``POST /api/v1/sites[?preview=1]``: make the file of a new building."""
    buildings, principal = entered_as_administrator(request)
    body = await body_of(request, _NEW)
    site_id = text_of(body, "id", most=64)
    if not site_id:
        raise bad("The building has no id.", 'Send {"id": "lenina-12", ...}.')
    fields = _fields(body)
    if only_preview(request):
        return await _ahead(buildings, lambda files: files.create_site(site_id, fields))
    edit = await checked(buildings.add(site_id, fields, by=principal.name))
    response = as_json(edit_view(edit))
    response.set_status(201)
    response.headers["Location"] = f"{_SITES}/{site_id}"
    return response


async def change(request: web.Request) -> web.Response:
    """``PATCH .../{site}[?preview=1]``: rename a building, switch it on or off."""
    buildings, site_id, by = _known(request)
    body = await body_of(request, {"name", "enabled", "version"})
    fields: dict[str, Any] = {}
    if "name" in body:
        fields["name"] = name_of(body, "Ленина, 12")
    if "enabled" in body:
        fields["enabled"] = switch_of(body, "enabled")
    if not fields:
        raise bad("There is nothing to change.", 'Send for example {"enabled": false}.')
    version = text_of(body, "version")
    written = as_written(fields)
    if only_preview(request):
        return await _ahead(
            buildings, lambda files: files.change_site(site_id, written, version=version)
        )
    return as_json(
        edit_view(await checked(buildings.change(site_id, written, version=version, by=by)))
    )


async def remove(request: web.Request) -> web.Response:
    """``DELETE .../{site}[?version=V&preview=1]``: take a building out of service."""
    buildings, site_id, by = _known(request, broken=True)
    # What nobody could read may hold a password where none belongs.
    hidden = {} if site_id in request.app[keys.FLEET]().sites else {"diff": ""}
    version = request.query.get("version")
    if only_preview(request):
        ahead = buildings.ahead(lambda files: files.remove_site(site_id, version=version))
        return as_json(ahead_view(await checked(ahead)) | hidden)
    edit = await checked(buildings.remove(site_id, version=version, by=by))
    return as_json(edit_view(edit) | hidden)


async def _ahead(buildings: Buildings, edit: _Edit) -> web.Response:
    return as_json(ahead_view(await checked(buildings.ahead(edit))))


def _known(request: web.Request, *, broken: bool = False) -> tuple[Buildings, str, str]:
    """Return a building that is there; ``broken``: also one that only a broken file names."""
    buildings, principal = entered_as_administrator(request)
    site_id, fleet = request.match_info["site"], request.app[keys.FLEET]()
    if site_id not in fleet.sites and not (broken and site_id in fleet.unreadable):
        raise GatewayError(ErrorKind.NOT_FOUND, "There is no such site.", reason="no_site")
    return buildings, site_id, principal.name


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a new building's file."""
    discovery = {
        "interface": text_of(body, "interface", most=64) or None,
        "subnets": _subnets(body) or None,
        "credentials": [_credential(one) for one in _users(body)] or None,
    }
    access = text_of(body, "access", most=16) or str(Access.TICKET)
    address = text_of(body, "address", most=64)
    return {
        "name": name_of(body, "Ленина, 12"),
        "media_server": {"address": address} if address else None,
        "discovery": {key: value for key, value in discovery.items() if value} or None,
        "viewing": {"access": access},
    }


def _subnets(body: dict[str, Any]) -> list[str]:
    subnets = body.get("subnets") or []
    fine = isinstance(subnets, list) and len(subnets) <= _MOST_SUBNETS
    if not fine or not all(isinstance(one, str) and len(one) <= _MOST_SUBNETS for one in subnets):
        raise bad("subnets must be a list of networks.", 'Send ["10.12.0.0/24"].')
    return [str(one) for one in subnets]


def _users(body: dict[str, Any]) -> list[dict[str, Any]]:
    users = body.get("users") or []
    if not isinstance(users, list) or len(users) > _MOST_USERS:
        raise bad("users must be a list.", _USER)
    return users


def _credential(user: object) -> dict[str, Any]:
    """Return a user as files write it: its password by a reference, never itself."""
    if isinstance(user, dict) and set(user) == {"username", "reference"}:
        username, reference = user["username"], user["reference"]
        if isinstance(username, str) and isinstance(reference, str):
            kind, _, name = reference.partition(":")
            if kind in {"env", "file"} and name:
                return {"username": username[:200], "password": {kind: name[:500]}}
    raise bad("A user of cameras is a name and a reference to its password.", _USER)
