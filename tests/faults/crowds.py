"""Five hundred viewers in the same moment. ``python -m tests.faults.crowds URL COUNT`` is them.

They print what became of them as JSON once nobody is undecided, stay until their input ends, hang
up, and print that.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from gateway.kit import openfiles
from tests.bench.guests import Guest, Party, own_address
from tests.bench.peer import Crowd
from tests.faults.fault import Fault
from tests.faults.flood import ROOT
from tests.faults.gateways import unnoticed
from tests.faults.scene import DOOR, Scene

_COUNT: Final = 500
_WITHIN_S: Final = 60.0


async def come_at_once(scene: Scene) -> float:
    """Let five hundred viewers come to the hurt building in the same moment, and leave.

    Each is served or told to wait; who watched before is not disturbed.
    """
    async with unnoticed(scene):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.crowds", scene.company.url, str(_COUNT)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            said = await asyncio.wait_for(process.stdout.readline(), _WITHIN_S * 2)
            became = json.loads(said)
            print(f"  of {_COUNT} at once: {became}")
            assert set(became) <= {"served", "told to wait"}, became
            assert became["served"] >= 1
            await scene.viewer.more(20)
            process.stdin.close()
            await asyncio.wait_for(process.wait(), _WITHIN_S)
            seconds = await scene.newcomer(time.monotonic())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return seconds


async def _one(guest: Guest) -> str:
    try:
        await guest.come()
    except AssertionError as error:
        return "told to wait" if "server_full" in str(error) else f"refused: {error}"[:200]
    except (ClientError, TimeoutError) as error:
        return f"failed: {type(error).__name__}"
    return "served"


async def main(url: str, count: int) -> None:
    """Come, tell, stay, leave."""
    openfiles.raise_limit()
    no_limit = TCPConnector(limit=0)
    whole = ClientTimeout(total=_WITHIN_S)
    async with ClientSession(timeout=whole, connector=no_limit) as http:
        party = Party(url, http, Crowd(own_address()))
        guests = [Guest(party, DOOR, party.peer()) for _ in range(count)]
        became = Counter(await asyncio.gather(*map(_one, guests)))
        print(json.dumps(became), flush=True)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await reader.read()
        await asyncio.gather(*(guest.leave() for guest in guests if guest.play))
        await party.close()


FAULTS: Final = (
    Fault(
        "crowd",
        "five hundred viewers at once; a newcomer",
        "they have gone",
        come_at_once,
    ),
)

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
