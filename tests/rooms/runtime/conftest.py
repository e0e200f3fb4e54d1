"""A runtime in a temporary folder, with the settings that the service would write."""

import os
import random
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.model.server import ServerObserved, ServerSpec, ServerState
from gateway.runtime.folder import Folder
from gateway.runtime.process import ProcessRuntime
from gateway.wcs.settings import embedded_files
from tests.waiting import until


def new_runtime(data: Path) -> ProcessRuntime:
    # Below the ports that the kernel gives to connections by itself.
    first = random.Random(str(data)).randrange(20_000, 30_000, 10)
    return ProcessRuntime(
        data, media_ports=(first, first + 9), configure=partial(embedded_files, lease_s=60.0)
    )


def spec(server_id: str = "lenina-12", **more: object) -> ServerSpec:
    values: dict[str, Any] = {"address": "127.0.0.1", **more}
    return ServerSpec(id=server_id, site=server_id, **values)


async def running(runtime: ProcessRuntime, server_id: str = "lenina-12") -> ServerObserved:
    async def look() -> ServerObserved | None:
        for server in await runtime.observe():
            if server.id == server_id and server.state is ServerState.RUNNING:
                return server
        return None

    return await until(look, within=20)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def runtime(data: Path) -> AsyncIterator[ProcessRuntime]:
    runtime = new_runtime(data)
    try:
        yield runtime
    finally:
        for server in await runtime.observe():
            await runtime.remove(server.id)
        await runtime.close()


def pid_of(data: Path, server_id: str = "lenina-12") -> int:
    process = Folder(data / "servers" / server_id).process()
    assert process is not None
    return process.pid


def kill(data: Path, server_id: str = "lenina-12") -> None:
    os.kill(pid_of(data, server_id), signal.SIGKILL)
