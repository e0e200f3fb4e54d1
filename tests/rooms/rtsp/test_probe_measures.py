"""How long looks take and how many are asked for is told to whoever measures."""

import asyncio

import pytest

from gateway.kit.measures import Measures
from gateway.rtsp.probe import Prober
from tests.waiting import until

LOOKS = ("queue_length", (("queue", "looks"),))


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Listen to whatever is asked, and never answer."""
    await reader.read()
    writer.close()


@pytest.mark.slow
async def test_a_look_is_counted_while_it_waits_and_measured_at_its_end() -> None:
    measures = Measures()
    prober = Prober(measures=measures)
    camera = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = camera.sockets[0].getsockname()[1]
    looks = [asyncio.create_task(prober.look_at(f"rtsp://127.0.0.1:{port}/{n}")) for n in range(2)]
    await until(lambda: measures.levels[LOOKS] == 2)
    camera.close()
    results = await asyncio.gather(*looks)
    await prober.close()
    assert all(one.failure is not None for one in results)
    assert measures.levels[LOOKS] == 0
    spread = measures.spreads["probe_seconds", ()]
    assert sum(spread.classes) == 2
    assert spread.total_s == sum(one.took_s for one in results)


async def test_a_look_that_is_given_up_waits_no_more() -> None:
    measures = Measures()
    prober = Prober(measures=measures)
    camera = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = camera.sockets[0].getsockname()[1]
    look = asyncio.create_task(prober.look_at(f"rtsp://127.0.0.1:{port}/"))
    await until(lambda: measures.levels[LOOKS] == 1)
    look.cancel()
    await asyncio.gather(look, return_exceptions=True)
    assert measures.levels[LOOKS] == 0
    camera.close()
    await prober.close()
