"""One client per media server, made when first needed and closed when its server is gone."""

import asyncio
from collections.abc import Collection

import structlog

from gateway.control.ports import MediaServer, MediaServers
from gateway.model.errors import GatewayError
from gateway.model.server import ControlAddress, ServerObserved


class Clients:
    """The open clients by server id; a server that moved gets a new one."""

    def __init__(self, make: MediaServers) -> None:
        self._make = make
        self._open: dict[str, tuple[ControlAddress, MediaServer]] = {}
        self._log = structlog.get_logger("control")

    async def get(self, server: ServerObserved) -> MediaServer | None:
        """Return the client of ``server``, or ``None`` while it has no control address."""
        if server.control is None:
            return None
        known = self._open.get(server.id)
        if known is not None and known[0] == server.control:
            return known[1]
        client = self._make(server.control)
        self._open[server.id] = (server.control, client)
        if known is not None:
            await self._close(known[1])
        return client

    async def forget(self, server_ids: Collection[str]) -> None:
        """Close the clients of servers that are gone."""
        for server_id in server_ids:
            known = self._open.pop(server_id, None)
            if known is not None:
                await self._close(known[1])

    async def close(self) -> None:
        """Close every client."""
        await self.forget(list(self._open))

    async def _close(self, client: MediaServer) -> None:
        try:
            async with asyncio.timeout(5):
                await client.close()
        except (GatewayError, TimeoutError) as error:
            self._log.warning("could not close the connection to a media server", reason=str(error))
