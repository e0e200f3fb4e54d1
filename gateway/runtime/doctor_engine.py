"""Checks of the Docker Engine: reachable, networks, addresses, image. Nothing is changed."""

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from gateway.model.company import EngineSettings, MediaServers, Network
from gateway.model.errors import GatewayError
from gateway.model.site import Site
from gateway.runtime.docker import names
from gateway.runtime.docker.engine import Engine
from gateway.runtime.docker.images import Images, Kind, pinned
from gateway.runtime.docker.ways import engine_at
from gateway.runtime.doctor import Finding, asked, fail, ok, warn
from gateway.runtime.network import (
    LAN_DRIVERS,
    control_network,
    differences,
    media_network,
    same_place,
)

_LEAST_API: Final = (1, 40)
_REGISTRY_S: Final = 20.0


async def engine(
    at: EngineSettings, servers: MediaServers, sites: Collection[Site]
) -> Sequence[Finding]:
    """Return what is found at one engine, on which ``sites`` are to run."""
    if not at.enabled:
        return [ok("engine", f"{at.name} is switched off in gateway.yaml")]
    one = engine_at(at)
    try:
        found = await asked("engine", lambda: version(one, at))
        if all(finding.health != "fail" for finding in found):
            found += await asked("networks", lambda: _networks(one, at.network))
            found += await asked("image", lambda: image(one, servers, sites))
            found += await asked("addresses", lambda: _addresses(one, at.network, sites))
    finally:
        await one.close()
    if not at.name:
        return found
    return [replace(finding, check=f"{finding.check} of {at.name}") for finding in found]


async def version(one: Engine, at: EngineSettings) -> Sequence[Finding]:
    """Return whether an engine answers and is new enough; raises what a call to it raises."""
    said = await one.call("tell its version", lambda client: client.version())
    api = str(said.get("ApiVersion", "0.0"))
    numbers = tuple(int(part) for part in api.split(".") if part.isdecimal())
    text = f"{said.get('Version')} (API {api}) at {one.where}"
    if numbers < _LEAST_API:
        return [fail("engine", f"{text} is too old", "install Docker Engine 19.03 or newer")]
    found = [ok("engine", text)]
    if one.tunnel is not None:
        await one.tunnel.open()
        found.append(ok("control ports", f"reached by {at.control or at.url}"))
    elif not one.where.startswith(("unix://", "npipe://")) and at.url is None:
        found.append(
            warn(
                "engine",
                "it is on another machine, and the management network does not leave that machine",
                "write the machine under media_servers.engines, with url: ssh://user@host",
            )
        )
    return found


async def _networks(one: Engine, network: Network) -> Sequence[Finding]:
    wanted = [control_network(names.CONTROL_NETWORK)]
    media = media_network(names.MEDIA_NETWORK, network)
    if media is None:
        return [ok("networks", "the host's own; control ports listen on 127.0.0.1")]
    wanted.append(media)
    there = await one.call("list networks", lambda client: client.networks())
    found = []
    for each in wanted:
        same = [item for item in there if item["Name"] == each.name] or [
            item for item in there if same_place(each, item)
        ]
        wrong = differences(each, same[0]) if same else []
        if wrong:
            found.append(
                fail(
                    "networks",
                    f"{same[0]['Name']} differs: {'; '.join(wrong)}",
                    f"correct media_servers.network, or docker network rm {same[0]['Name']}",
                )
            )
        else:
            how = f"{same[0]['Name']} is there" if same else f"{each.name} will be made"
            found.append(ok("networks", f"{how} ({each.driver})"))
    return found


async def image(one: Engine, servers: MediaServers, sites: Collection[Site]) -> Sequence[Finding]:
    """Return whether the media servers' image is there, and the licences that it needs."""
    reference = pinned(servers.image)
    there = await Images(one).find(reference)
    if there is None:
        try:
            await one.call(
                f"ask the registry for {reference}",
                lambda client: client.inspect_distribution(reference),
                within_s=_REGISTRY_S,
            )
        except GatewayError as error:
            return [fail("image", f"{reference} is not here: {error.message}", error.hint)]
        return [ok("image", f"{reference} is not here yet, but the registry has it")]
    found = [ok("image", f"{reference} is here ({there.kind})")]
    if there.kind is Kind.WCS:
        without = [site.id for site in sites if site.enabled and not site.media_server.license]
        if without:
            found.append(
                warn(
                    "licences",
                    f"none for {', '.join(sorted(without)[:5])}",
                    "write media_server.license: {env: NAME}, one key per building",
                )
            )
    return found


async def _addresses(one: Engine, network: Network, sites: Collection[Site]) -> Sequence[Finding]:
    if network.driver not in LAN_DRIVERS or network.ip_range is None:
        return []
    pool = ipaddress.ip_network(network.ip_range, strict=False)
    there = await one.call(
        "list containers",
        lambda client: client.containers(all=True, filters={"label": names.SERVER}),
    )
    used = {item["Labels"].get(names.ADDRESS) for item in there} - {"", None}
    enabled = [site for site in sites if site.enabled]
    missing = sum(1 for site in enabled if site.id not in _servers(there))
    free = pool.num_addresses - len(used)
    text = f"{free} of {pool.num_addresses} in {pool} are free, {missing} sites wait for one"
    if missing > free:
        return [fail("addresses", text, "widen its network's ip_range")]
    return [ok("addresses", text)]


def _servers(containers: Sequence[dict[str, dict[str, str]]]) -> set[str]:
    return {item["Labels"][names.SERVER] for item in containers}
