"""The files of a media server as secrets and configs of its Swarm.

A Swarm hands them to whatever node the server is on. It changes none of them, so another content
is another object, and what no service uses any more is removed.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker import names as labels_of
from gateway.runtime.docker.engine import Engine
from gateway.runtime.swarm import names


@dataclass(frozen=True, slots=True)
class Wish:
    """One file: where it is seen in the container, what is in it, whose it is there."""

    what: str
    target: str
    text: str
    secret: bool = False
    owner: tuple[int, int] = (0, 0)
    mode: int = 0o400


@dataclass(frozen=True, slots=True)
class Held:
    """A wish that the Swarm has."""

    wish: Wish
    id: str
    name: str

    def reference(self) -> dict[str, Any]:
        """Return how a service names it."""
        kind = "Secret" if self.wish.secret else "Config"
        uid, gid = self.wish.owner
        return {
            f"{kind}ID": self.id,
            f"{kind}Name": self.name,
            "File": {
                "Name": self.wish.target,
                "UID": str(uid),
                "GID": str(gid),
                "Mode": self.wish.mode,
            },
        }


class Objects:
    """Makes and removes them; raises what :class:`Engine` raises."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def ensure(
        self, server_id: str, site: str, wishes: Collection[Wish], *, salt: str
    ) -> Sequence[Held]:
        """Return ``wishes`` as objects of the Swarm, made where they are missing."""
        there = {name: id_ for _, id_, name in await self._of(server_id)}
        mine = {labels_of.SERVER: server_id, labels_of.SITE: site}
        held = []
        for wish in wishes:
            name = names.versioned(server_id, wish.what, salt, wish.text)
            id_ = there.get(name) or await self._make(name, wish, mine)
            held.append(Held(wish, id_, name))
        return held

    async def collect(self, server_id: str, keep: Collection[Held] = ()) -> None:
        """Remove a server's objects but those to ``keep``; one still in use stays until then."""
        kept = {one.name for one in keep}
        for secret, id_, name in await self._of(server_id):
            if name not in kept:
                await self._remove(id_, name, secret=secret)

    async def _of(self, server_id: str) -> list[tuple[bool, str, str]]:
        """Return the server's objects: whether secret, id, name."""
        only = {"label": f"{labels_of.SERVER}={server_id}"}

        def work(client: Any) -> list[tuple[bool, str, str]]:
            return [
                *((True, one["ID"], one["Spec"]["Name"]) for one in client.secrets(only)),
                *((False, one["ID"], one["Spec"]["Name"]) for one in client.configs(only)),
            ]

        return await self._engine.call(f"list the secrets of {server_id}", work)

    async def _make(self, name: str, wish: Wish, labels: dict[str, str]) -> str:
        kind = "secret" if wish.secret else "config"

        def work(client: Any) -> str:
            make: Callable[..., Any] = client.create_secret if wish.secret else client.create_config
            return str(make(name, wish.text.encode(), labels)["ID"])

        return await self._engine.call(f"make the {kind} {name}", work)

    async def _remove(self, id_: str, name: str, *, secret: bool) -> None:
        def work(client: Any) -> None:
            (client.remove_secret if secret else client.remove_config)(id_)

        try:
            await self._engine.attempt(f"remove {name}", work)
        except GatewayError as error:
            if error.kind is not ErrorKind.CONTAINER_FAILED:
                raise
