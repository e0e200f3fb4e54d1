"""Listens to media servers that tell of changes themselves, so that they need not be asked."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import structlog

from gateway.control.cadence import Cadence
from gateway.control.clients import Clients
from gateway.control.facts import ServerFacts
from gateway.control.pacing import Pacing
from gateway.control.ports import MediaServer
from gateway.kit.clock import Clock
from gateway.kit.tasks import Tasks
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ControlAddress


@dataclass(slots=True)
class Hearing:
    """The ears of one site; ``stirred`` is called when one of its media servers has news.

    A WCS tells nothing: it is tried once, and asked from then on.
    """

    site: str
    clients: Clients
    cadence: Cadence
    clock: Clock
    stirred: Callable[[], None]
    _heard: dict[str, ControlAddress] = field(default_factory=dict, init=False)
    _mute: dict[str, ControlAddress] = field(default_factory=dict, init=False)
    _tries: Pacing = field(default_factory=lambda: Pacing(first=1, most=60, calm=30), init=False)
    _tasks: Tasks = field(init=False)

    def __post_init__(self) -> None:
        self._tasks = Tasks(f"hearing {self.site}")

    def hears(self, servers: Collection[ServerFacts]) -> bool:
        """Tell whether each of ``servers`` tells of changes itself."""
        return all(one.observed.control == self._heard.get(one.observed.id) for one in servers)

    async def listen(self, servers: Collection[ServerFacts]) -> None:
        """Begin to listen to the servers that answer and are not listened to yet."""
        now = self.clock.monotonic()
        for server in servers:
            name, control = server.observed.id, server.observed.control
            if not server.asked or control is None or self._heard.get(name) == control:
                continue
            if self._mute.get(name) == control or self._tries.wait(name, now):
                continue
            client = await self.clients.get(server.observed)
            if client is not None:
                self._tries.tried(name, now)
                self._heard[name] = control
                self._tasks.spawn(self._follow(name, control, client), name)
        there = {server.observed.id for server in servers}
        self._tries.forget_others(there)
        for gone in self._mute.keys() - there:
            del self._mute[gone]

    async def close(self) -> None:
        """Stop to listen."""
        await self._tasks.close()

    async def _follow(self, name: str, control: ControlAddress, client: MediaServer) -> None:
        try:
            async for _ in client.changes():
                self._tries.fine(name, self.clock.monotonic())
                await self.clock.sleep(self.cadence.turn(self.clock.monotonic()))
                self.stirred()
        except GatewayError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                self._mute[name] = control
            else:
                structlog.get_logger("control").debug(
                    "a media server is not heard any more", site=self.site, reason=str(error)
                )
        finally:
            if self._heard.get(name) == control:
                del self._heard[name]
        if name not in self._mute:
            await self.clock.sleep(self.cadence.turn(self.clock.monotonic()))
            self.stirred()
