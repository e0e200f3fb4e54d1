"""``python -m tests.ipvlan.viewer URL ADDRESS``: play by WHEP without a decoder, as ADDRESS.

Under emulation a decoder would tell more of the emulator than of the video. Says every half second
which play it is, how many packets of video came, and how many of those in between did not.
"""

import asyncio
import itertools
import json
import re
import sys
import time
import urllib.error
import urllib.request

from gateway.mediaserver.transport.certificate import make_certificate
from tests.rooms.mediaserver.fanout.lean import LeanViewer, offer

_SILENT_S = 8.0


def ask(url: str, fingerprint: str) -> str:
    """Return the answer to an offer; raises OSError."""
    request = urllib.request.Request(  # noqa: S310  # a test's own address
        url,
        data=offer(fingerprint).encode(),
        headers={"Content-Type": "application/sdp"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310  # the same
        return str(response.read().decode())


def gaps(numbers: list[int]) -> int:
    """Return how many sequence numbers are missing between the first and the last one."""
    steps = [(after - before) % 65_536 for before, after in itertools.pairwise(numbers)]
    return sum(step - 1 for step in steps if 1 < step < 32_768)


async def play(url: str, address: str, number: int) -> None:
    """Play until nothing has come for a while."""
    assert LeanViewer.certificate is not None
    answer = await asyncio.to_thread(ask, url, LeanViewer.certificate.fingerprint)
    async with LeanViewer(host=address) as viewer:
        viewer.answer = answer
        (viewer.ufrag,) = re.findall("ice-ufrag:(.*)\r", answer)[:1]
        (viewer.password,) = re.findall("ice-pwd:(.*)\r", answer)[:1]
        host, port = re.findall(r"candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", answer)[0]
        viewer.server = (host, int(port))
        viewer.begin()
        last, checked = (0, time.monotonic()), time.monotonic()
        while time.monotonic() - last[1] < _SILENT_S:
            await asyncio.sleep(0.5)
            numbers = viewer.sequence()
            if len(numbers) > last[0]:
                last = len(numbers), time.monotonic()
            said = {"play": number, "packets": len(numbers), "missing": gaps(numbers)}
            print(json.dumps(said | {"from": f"{host}:{port}"}), flush=True)
            if time.monotonic() - checked > 2:
                checked = time.monotonic()
                viewer.check() if viewer.connected else viewer.begin()


async def main(url: str, address: str) -> None:
    """Play again and again."""
    LeanViewer.certificate = make_certificate()
    for number in itertools.count(1):
        try:
            await play(url, address, number)
        except (OSError, ValueError) as error:
            print(f"no video yet: {error}", flush=True)
        await asyncio.sleep(1)


asyncio.run(main(sys.argv[1], sys.argv[2]))
