"""What strangers send leaves nothing behind in a media server's memory."""

import json
import os
import random
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.rooms.mediaserver.shell.test_process import ROOT, ready, started
from tests.soak.census import count

pytestmark = pytest.mark.slow

ROUNDS = 9
WARM = 3
"""Rounds in which pools and caches fill."""

DATAGRAMS, QUESTIONS, SOCKETS = 4000, 200, 60
FEW_KB = 500
"""A leak of 20 bytes for each datagram would be more."""

OFFERS = sorted((ROOT / "tests/fuzz/corpus/offer").iterdir())


def send_datagrams(draw: random.Random, port: int) -> None:
    """Send STUN, DTLS, RTP and RTCP that is none, from several addresses."""
    for _ in range(8):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(DATAGRAMS // 8):
                first = draw.choice(
                    (b"\0\1\0\x08\x21\x12\xa4\x42", b"\x16\xfe\xfd", b"\x80\x60", b"\x81\xcd", b"")
                )
                data = first + os.urandom(draw.randrange(1, 400))
                stranger.sendto(data, ("127.0.0.1", port))


async def ask(http: aiohttp.ClientSession, draw: random.Random, url: str) -> None:
    """Ask REST for streams and plays that it cannot have."""
    for _ in range(QUESTIONS):
        path = draw.choice(("rtsp/startup", "stream/find", "rtsp/terminate", "connection/find"))
        body = {"uri": draw.randbytes(20).hex(), "name": ["x" * draw.randrange(500)]}
        sent = draw.choice((json.dumps(body), json.dumps([body]), json.dumps(body)[:-2], "\0"))
        async with http.post(f"{url}/rest-api/{path}", data=sent) as answer:
            await answer.read()


async def signal(http: aiohttp.ClientSession, draw: random.Random, url: str) -> None:
    """Say nonsense where browsers signal, offers that are none among it."""
    for _ in range(SOCKETS):
        async with http.ws_connect(url) as talk:
            hello = {"message": "connection", "data": [{"appKey": "defaultApp"}]}
            offer = draw.choice(OFFERS).read_bytes().decode("utf-8", "replace")
            play: dict[str, Any] = {"mediaSessionId": draw.randbytes(8).hex(), "name": "yard"}
            for said in (hello, {"message": "playStream", "data": [play | {"sdp": offer}]}, []):
                await talk.send_str(json.dumps(said))


async def test_floods_leave_nothing_in_memory(tmp_path: Path) -> None:
    draw = random.Random(7)
    async with started(tmp_path) as process, aiohttp.ClientSession() as http:
        values = await ready(tmp_path)
        taken = []
        for _ in range(ROUNDS):
            send_datagrams(draw, values["media_port"])
            await ask(http, draw, f"http://127.0.0.1:{values['http_port']}")
            await signal(http, draw, f"ws://127.0.0.1:{values['ws_port']}/")
            taken.append(count(process.pid)["uss_kb"])
        assert max(taken[WARM:]) - taken[WARM - 1] < FEW_KB, taken
        assert process.returncode is None
