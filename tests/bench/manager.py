"""``python -m tests.bench.manager SITES``: the gateway as ``serve`` runs it, but it makes nothing.

The process runtime sees the media servers that :mod:`tests.bench.thousand` has laid out. Whatever
happens, none is made, stopped or removed: a thousand real ones would drown the machine.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from gateway.control.ports import Runtime
from gateway.kit import logs
from gateway.model.company import Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerObserved, ServerSpec
from gateway.runtimes import make_runtime
from gateway.service import Options, Service, run


class Onlooker:
    """A runtime that sees everything and touches nothing."""

    def __init__(self, seen: Runtime) -> None:
        self._seen = seen

    def fingerprint(self, spec: ServerSpec) -> str:
        return self._seen.fingerprint(spec)

    async def observe(self, site: str | None = None) -> Sequence[ServerObserved]:
        return await self._seen.observe(site)

    def processor(self, server_id: str) -> float | None:
        return self._seen.processor(server_id)

    async def create(self, spec: ServerSpec) -> None:
        raise _refusal(spec.id)

    async def start(self, server_id: str) -> None:
        raise _refusal(server_id)

    async def stop(self, server_id: str) -> None:
        raise _refusal(server_id)

    async def remove(self, server_id: str) -> None:
        raise _refusal(server_id)

    def events(self) -> AsyncIterator[str]:
        return self._seen.events()

    async def close(self) -> None:
        await self._seen.close()


def _refusal(server_id: str) -> GatewayError:
    return GatewayError(ErrorKind.CONFLICT, f"{server_id} is a pretend server", "look at the bench")


def _onlooker(settings: Settings) -> Runtime:
    return Onlooker(make_runtime(settings))


if __name__ == "__main__":
    logs.set_up(json=False)
    asyncio.run(run(Service(Options(directory=Path(sys.argv[1]), runtime=_onlooker))))
