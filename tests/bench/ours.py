"""The embedded media server as a contender: its own process, driven as the gateway drives it."""

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from gateway.kit.secret import Secret
from gateway.mediaserver.home import SERVER_FILE
from gateway.model.server import ControlAddress
from gateway.wcs.server import WcsServer
from tests.bench import place
from tests.bench.peer import Peer
from tests.waiting import until

_PROPERTIES = """ip_local={host}
ip={host}
media_port_from=0
http.port=0
ws.port=0
embedded.max_viewers=1000
"""


class Ours:
    """A running media server that pulls ``urls``; streams are called ``camera-N``."""

    name = "ours"

    def __init__(self, process: asyncio.subprocess.Process, control: ControlAddress) -> None:
        self.pid = process.pid
        self.control = control
        self.server = WcsServer(control)

    async def join(self, peer: Peer, camera: int) -> None:
        """Play a camera for ``peer``, over REST's and signalling's real sockets."""
        play = await self.server.play(f"camera-{camera}", peer.sdp())
        peer.begin_with(play.answer)

    async def pull(self, urls: Sequence[str]) -> None:
        """Pull all cameras and wait for their pictures."""
        for number, url in enumerate(urls):
            await self.server.startup(Secret(url), f"camera-{number}")

        async def live() -> bool:
            streams = [item for item in await self.server.streams() if item.published]
            return len(streams) == len(urls) and all(item.width for item in streams)

        await until(live, within=20, every=0.1)


@contextlib.asynccontextmanager
async def running(host: str, urls: Sequence[str]) -> AsyncIterator[Ours]:
    """Run a media server on the server's core for as long as the context lasts."""
    home = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="bench-ours-"))
    process = None
    ours = None
    try:
        _write(home, host)
        process = await place.on_server_core(
            *(sys.executable, "-m", "gateway.mediaserver", "--home", str(home))
        )
        file = home / SERVER_FILE
        await until(file.exists, within=20)
        said = json.loads(file.read_text())
        address = said["control_address"]
        ours = Ours(
            process,
            ControlAddress(
                http_url=f"http://{address}:{said['http_port']}",
                ws_url=f"ws://{address}:{said['ws_port']}",
            ),
        )
        await ours.pull(urls)
        yield ours
    finally:
        if ours is not None:
            await ours.server.close()
        await place.end(process)
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)


def _write(home: Path, host: str) -> None:
    (home / "conf").mkdir()
    (home / "conf" / "flashphoner.properties").write_text(_PROPERTIES.format(host=host))
