"""What a connection holds is given back at its end, not when Python searches for cycles."""

import asyncio
import gc
import socket
import tracemalloc
from collections.abc import Iterator

import pytest

from gateway.model.errors import GatewayError
from gateway.rtsp.address import RtspAddress, parse
from gateway.rtsp.connection import connect
from gateway.rtsp.message import BUFFER_SIZE

pytestmark = pytest.mark.slow

TIMES = 20


@pytest.fixture
def traced() -> Iterator[None]:
    """Count memory, without help of the garbage collector."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


async def play_once(address: RtspAddress) -> None:
    try:
        connection = await connect(address, None, lambda *_: None, timeout_s=5)
    except GatewayError:
        return
    assert len(connection.get_buffer(-1)) == BUFFER_SIZE
    connection.close()
    await asyncio.sleep(0)  # the loop tells that the connection is lost
    await asyncio.sleep(0)


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.usefixtures("traced")
async def test_tries_leave_no_buffers(*, answers: bool) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    camera = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = camera.sockets[0].getsockname()[1]
    if not answers:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    address = parse(f"rtsp://127.0.0.1:{port}/")
    await play_once(address)
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(TIMES):
        await play_once(address)
    after, _ = tracemalloc.get_traced_memory()
    camera.close()
    assert after - before < TIMES * BUFFER_SIZE / 4
