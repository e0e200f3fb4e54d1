"""The step from one engine to its Swarm: what the runtime ``docker`` has left there makes room.

Both would have the same buildings, cameras and licences, and the engine gives one interface to one
network of a kind. So before the first service is made, our own containers on the manager's engine
are ended as if their buildings had been removed, and our own networks go; volumes stay.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from gateway.model.company import Network
from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker import names as labels_of
from gateway.runtime.docker.engine import Engine
from gateway.runtime.docker.images import Images
from gateway.runtime.docker.listing import Listing
from gateway.runtime.docker.maker import Maker
from gateway.runtime.swarm import names


class Succession:
    """Takes one engine over, once per run."""

    def __init__(self, engine: Engine, images: Images, network: Network) -> None:
        self._engine = engine
        self._network = network
        self._listing = Listing(engine, images)
        self._maker = Maker(engine, self._listing)
        self._done = False

    async def take_over(self) -> None:
        """End what the runtime of one engine has left; raises CONFIG_INVALID before the first.

        Nothing is ended as long as this node has no range of addresses for the Swarm's servers.
        """
        if self._done:
            return
        left = await self._listing.all()
        if left and not await self._has_range():
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"{len(left)} media servers of runtime: docker still run here, and this node has "
                f"no network {names.CONFIG_NETWORK} for those of the Swarm",
                "gateway doctor says the command; the buildings go over by themselves then",
            )
        for seen in left:
            await self._maker.retire(seen, keeps=None)
            structlog.get_logger("runtime").info(
                "a media server makes room for its successor in the Swarm",
                site=seen.site,
                server=seen.server,
            )
        await self._remove_networks()
        self._done = True

    async def _has_range(self) -> bool:
        found = await self._networks()
        return any(one["Name"] == names.CONFIG_NETWORK for one in found)

    async def _remove_networks(self) -> None:
        for one in await self._networks():
            if one["Scope"] == "local" and labels_of.NETWORK in (one.get("Labels") or {}):
                await self._engine.attempt(
                    f"remove the network {one['Name']}", _removal(str(one["Id"]))
                )

    async def _networks(self) -> list[Mapping[str, Any]]:
        found = await self._engine.call("list networks", lambda client: client.networks())
        return list(found)


def _removal(network: str) -> Any:
    return lambda client: client.remove_network(network)
