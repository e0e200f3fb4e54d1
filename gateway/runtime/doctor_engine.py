"""Checks of the Docker Engine: reachable, networks, addresses, image. Nothing is changed."""

import ipaddress
from collections.abc import Collection, Sequence
from typing import Final

from gateway.model.company import MediaServers
from gateway.model.errors import GatewayError
from gateway.model.site import Site
from gateway.runtime.docker import names
from gateway.runtime.docker.engine import Connect, Engine, connector, shown_url
from gateway.runtime.docker.images import Images, Kind, pinned
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
    servers: MediaServers, sites: Collection[Site], connect: Connect | None = None
) -> Sequence[Finding]:
    """Return what is found at the engine that ``servers`` name."""
    where = shown_url(servers.engine)
    one = Engine(connect or connector(servers.engine), where=where)
    try:
        found = await asked("engine", lambda: _version(one))
        if any(finding.health == "fail" for finding in found):
            return found
        found += await asked("networks", lambda: _networks(one, servers))
        found += await asked("image", lambda: _image(one, servers, sites))
        found += await asked("addresses", lambda: _addresses(one, servers, sites))
        return found
    finally:
        await one.close()


async def _version(one: Engine) -> Sequence[Finding]:
    said = await one.call("tell its version", lambda client: client.version())
    api = str(said.get("ApiVersion", "0.0"))
    numbers = tuple(int(part) for part in api.split(".") if part.isdecimal())
    text = f"{said.get('Version')} (API {api}) at {one.where}"
    if numbers < _LEAST_API:
        return [fail("engine", f"{text} is too old", "install Docker Engine 19.03 or newer")]
    found = [ok("engine", text)]
    if not one.where.startswith(("unix://", "npipe://")):
        found.append(
            warn(
                "engine",
                "it is on another machine, and the management network does not leave that machine",
                "run the gateway on the Docker host itself",
            )
        )
    return found


async def _networks(one: Engine, servers: MediaServers) -> Sequence[Finding]:
    wanted = [control_network(names.CONTROL_NETWORK)]
    media = media_network(names.MEDIA_NETWORK, servers.network)
    if media is None:
        return [ok("networks", "the host's own; control ports listen on 127.0.0.1")]
    wanted.append(media)
    there = await one.call("list networks", lambda client: client.networks())
    found = []
    for network in wanted:
        same = [item for item in there if item["Name"] == network.name] or [
            item for item in there if same_place(network, item)
        ]
        wrong = differences(network, same[0]) if same else []
        if wrong:
            found.append(
                fail(
                    "networks",
                    f"{same[0]['Name']} differs: {'; '.join(wrong)}",
                    f"correct media_servers.network, or docker network rm {same[0]['Name']}",
                )
            )
        else:
            how = f"{same[0]['Name']} is there" if same else f"{network.name} will be made"
            found.append(ok("networks", f"{how} ({network.driver})"))
    return found


async def _image(one: Engine, servers: MediaServers, sites: Collection[Site]) -> Sequence[Finding]:
    reference = pinned(servers.image)
    image = await Images(one).find(reference)
    if image is None:
        try:
            await one.call(
                f"ask the registry for {reference}",
                lambda client: client.inspect_distribution(reference),
                within_s=_REGISTRY_S,
            )
        except GatewayError as error:
            return [fail("image", f"{reference} is not here: {error.message}", error.hint)]
        return [ok("image", f"{reference} is not here yet, but the registry has it")]
    found = [ok("image", f"{reference} is here ({image.kind})")]
    if image.kind is Kind.WCS:
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


async def _addresses(
    one: Engine, servers: MediaServers, sites: Collection[Site]
) -> Sequence[Finding]:
    network = servers.network
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
        return [fail("addresses", text, "widen media_servers.network.ip_range")]
    return [ok("addresses", text)]


def _servers(containers: Sequence[dict[str, dict[str, str]]]) -> set[str]:
    return {item["Labels"][names.SERVER] for item in containers}
