"""One site's cycles at one and the same moment: what may be tried again at once, and what not."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
import structlog

from gateway.control.clients import Clients
from gateway.control.desired import desired
from gateway.control.gates import Gates
from gateway.control.reconcile import Reconciler
from gateway.model.company import Settings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerSpec, ServerState
from gateway.model.site import Site
from tests.rooms.control.world import MemoryRuntime, camera, site
from tests.waiting import until


class StoppedClock:
    """A moment that does not pass."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 1000.0

    async def sleep(self, seconds: float) -> None:
        """Return at once."""


@dataclass
class FailingRuntime(MemoryRuntime):
    """A runtime that starts nothing; each refusal has a number of its own."""

    kind: ErrorKind = ErrorKind.CONTAINER_FAILED

    async def start(self, server_id: str) -> None:
        self.calls[f"start {server_id}"] += 1
        number = 53647220 + self.calls[f"start {server_id}"]
        raise GatewayError(self.kind, f"write draft{number}: no space left", "free some")


async def cycle(reconciler: Reconciler, wanted: Site) -> None:
    await reconciler.cycle(lambda _: desired(wanted, Settings(), frozenset()))


def keeping(runtime: MemoryRuntime) -> Reconciler:
    return Reconciler(
        site="s",
        runtime=runtime,
        clients=Clients(runtime.client),
        clock=StoppedClock(),
        gates=Gates(),
        stirred=lambda: None,
    )


def stopped(runtime: MemoryRuntime) -> MemoryRuntime:
    runtime.put(ServerSpec("s", "s"))
    runtime.there["s"] = replace(
        runtime.there["s"], state=ServerState.STOPPED, control=None, fingerprint="sound=False"
    )
    return runtime


async def test_a_camera_at_another_address_is_pulled_at_once() -> None:
    runtime = MemoryRuntime()
    runtime.put(ServerSpec("s", "s"))
    reconciler = keeping(runtime)
    server = runtime.servers["s"]
    try:
        for address in ("rtsp://10.0.0.1/a", "rtsp://10.0.0.2/a", "rtsp://10.0.0.3/a"):
            wanted = site("s", replace(camera("a"), rtsp=address))
            await cycle(reconciler, wanted)
            await until(lambda: [uri.reveal() for uri in server.pulled] == [address])  # noqa: B023  # awaited in this very turn
    finally:
        await reconciler.close()


@pytest.mark.parametrize(
    ("kind", "starts"), [(ErrorKind.CONTAINER_FAILED, 1), (ErrorKind.ENGINE_UNAVAILABLE, 4)]
)
async def test_an_engine_that_was_away_is_not_its_servers_fault(
    kind: ErrorKind, starts: int
) -> None:
    runtime = stopped(FailingRuntime(kind=kind))
    reconciler = keeping(runtime)
    for _ in range(4):
        await cycle(reconciler, site("s", camera("a")))
    assert runtime.calls["start s"] == starts
    await reconciler.close()


async def test_a_failure_with_another_number_is_no_news() -> None:
    runtime = stopped(FailingRuntime(kind=ErrorKind.ENGINE_UNAVAILABLE))
    reconciler = keeping(runtime)
    with structlog.testing.capture_logs() as logs:
        for _ in range(4):
            await cycle(reconciler, site("s", camera("a")))
    assert [line["log_level"] for line in logs] == ["warning"]
    await reconciler.close()
