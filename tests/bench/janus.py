"""Debian's Janus with the streaming plugin as a contender, configured at its best."""

import asyncio
import contextlib
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench import place
from tests.bench.peer import Peer
from tests.waiting import until

PLUGINS = Path("/usr/lib/x86_64-linux-gnu/janus")
_CORE = """general: {{
  configs_folder = "{folder}"
  plugins_folder = "{plugins}/plugins"
  transports_folder = "{plugins}/transports"
  events_folder = "{plugins}/events"
  loggers_folder = "{plugins}/loggers"
  debug_level = 3
  session_timeout = 0
  event_loops = 1
}}
nat: {{
  ice_lite = true
  nice_debug = false
  ice_enforce_list = "{host}"
}}
plugins: {{ disable = "{no_plugins}" }}
transports: {{ disable = "{no_transports}" }}
"""
_HTTP = """general: {{ base_path = "/janus" http = true port = {port} ip = "{host}" https = false }}
admin: {{ admin_http = false }}
"""
_MOUNT = """camera{number}: {{
  type = "rtsp"
  id = {id}
  audio = false
  video = true
  url = "{url}"
}}
"""


def installed() -> bool:
    """Tell whether Janus is there, and a network that it serves in."""
    return shutil.which("janus") is not None and PLUGINS.exists()


class Janus:
    """A running Janus with a mountpoint for each camera, driven over its HTTP API."""

    name = "Janus"

    def __init__(self, pid: int, session: aiohttp.ClientSession, base: str) -> None:
        self.pid = pid
        self._http, self._base = session, base
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._poll: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the session that all viewers share."""
        created = await self._call("", {"janus": "create"})
        self._base += f"/{created['data']['id']}"
        self._poll = asyncio.create_task(self._events())

    async def close(self) -> None:
        """Stop listening to events."""
        if self._poll is not None:
            self._poll.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poll
        await self._http.close()

    async def ready(self, mounts: int) -> bool:
        """Tell whether each mountpoint receives video."""
        attach = {"janus": "attach", "plugin": "janus.plugin.streaming"}
        handle = (await self._call("", attach))["data"]["id"]
        for number in range(1, mounts + 1):
            asked = {"janus": "message", "body": {"request": "info", "id": number}}
            said = (await self._call(f"/{handle}", asked))["plugindata"]["data"]
            media = said.get("info", {}).get("media", [])
            if not media or media[0].get("age_ms", 99_999) > 1000:
                return False
        return True

    async def join(self, peer: Peer, camera: int) -> None:
        """Watch a camera: Janus offers, the viewer answers."""
        attach = {"janus": "attach", "plugin": "janus.plugin.streaming"}
        handle = (await self._call("", attach))["data"]["id"]
        event = self._waiting[handle] = asyncio.get_running_loop().create_future()
        body = {"request": "watch", "id": camera + 1}
        await self._call(f"/{handle}", {"janus": "message", "body": body})
        said = await asyncio.wait_for(event, 20)
        answer = {"type": "answer", "sdp": peer.answer_to(said["jsep"]["sdp"])}
        start = {"janus": "message", "body": {"request": "start"}, "jsep": answer}
        await self._call(f"/{handle}", start)
        peer.patience = 1
        peer.check()

    async def _call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        message = {**body, "transaction": secrets.token_hex(6)}
        async with self._http.post(self._base + path, json=message) as answer:
            said: dict[str, Any] = await answer.json(content_type=None)
        if said["janus"] == "error":
            raise RuntimeError(f"Janus refuses {body['janus']}: {said['error']}")
        return said

    async def _events(self) -> None:
        while True:
            async with self._http.get(self._base + "?maxev=10") as answer:
                events = await answer.json(content_type=None)
            for event in events if isinstance(events, list) else [events]:
                waiting = self._waiting.get(event.get("sender", 0))
                if waiting is not None and not waiting.done() and "jsep" in event:
                    waiting.set_result(event)


@contextlib.asynccontextmanager
async def running(host: str, urls: Sequence[str]) -> AsyncIterator[Janus]:
    """Run Janus on the server's core for as long as the context lasts."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="bench-janus-"))
    process = janus = None
    try:
        port = _write(folder, host, urls)
        process = await place.on_server_core("janus", "-F", str(folder))
        http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        janus = Janus(process.pid, http, f"http://{host}:{port}/janus")
        await until(lambda: _listens(host, port), within=20)
        await janus.open()
        await until(lambda: janus.ready(len(urls)), within=30, every=0.3)
        yield janus
    finally:
        if janus is not None:
            await janus.close()
        await place.end(process)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _write(folder: Path, host: str, urls: Sequence[str]) -> int:
    with socket.socket() as free:
        free.bind((host, 0))
        port: int = free.getsockname()[1]
    plugins = [path.name for path in (PLUGINS / "plugins").glob("*.so")]
    transports = [path.name for path in (PLUGINS / "transports").glob("*.so")]
    core = _CORE.format(
        folder=folder,
        plugins=PLUGINS,
        host=host,
        no_plugins=",".join(name for name in plugins if "streaming" not in name),
        no_transports=",".join(name for name in transports if "http" not in name),
    )
    mounts = (
        _MOUNT.format(number=number, id=number + 1, url=url) for number, url in enumerate(urls)
    )
    (folder / "janus.jcfg").write_text(core)
    (folder / "janus.transport.http.jcfg").write_text(_HTTP.format(port=port, host=host))
    (folder / "janus.plugin.streaming.jcfg").write_text("".join(mounts))
    return port


def _listens(host: str, port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex((host, port)) == 0
