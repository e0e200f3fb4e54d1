"""``python -m gateway.mediaserver`` as its own process."""

import asyncio
import json
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.waiting import until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
CAMERA = "rtsp://viewer:planted-camera-password@127.0.0.1:9/x"


@asynccontextmanager
async def started(home: Path, *lines: str) -> AsyncIterator[asyncio.subprocess.Process]:
    (home / "conf").mkdir(parents=True, exist_ok=True)
    ports = ("ip_local=127.0.0.1", "http.port=0", "ws.port=0", "media_port_from=0")
    (home / "conf/flashphoner.properties").write_text("\n".join((*ports, *lines)))
    with (home / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.mediaserver", "--home", str(home)),
            cwd=ROOT,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ready(home: Path) -> dict[str, Any]:
    path = home / "run/server.json"
    await until(path.exists, within=20)
    values = json.loads(path.read_text())
    assert isinstance(values, dict)
    return values


async def test_it_announces_itself_and_ends_on_sigterm(tmp_path: Path) -> None:
    async with started(tmp_path, "embedded.fingerprint=abc") as process:
        values = await ready(tmp_path)
        assert values["pid"] == process.pid
        assert values["fingerprint"] == "abc"
        assert (tmp_path / "run/server.json").stat().st_mode & 0o777 == 0o600
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        assert soft == hard
        url = f"http://127.0.0.1:{values['http_port']}"
        async with aiohttp.ClientSession() as http:
            body = {"uri": CAMERA, "toStream": "yard"}
            async with http.post(f"{url}/rest-api/rtsp/startup", json=body) as answer:
                assert answer.status == 200
            await until(lambda: "not playing" in (tmp_path / "log").read_text())
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert not (tmp_path / "run/server.json").exists()
        log = (tmp_path / "log").read_text()
        assert "ready" in log
        assert "planted-camera-password" not in log
        assert "Traceback" not in log


async def test_an_orphan_ends_when_its_lease_is_over(tmp_path: Path) -> None:
    async with started(tmp_path, "embedded.lease_s=0.2") as process:
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert "nobody has asked" in (tmp_path / "log").read_text()


async def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    async with started(tmp_path):
        first = await ready(tmp_path)
        async with started(tmp_path) as second:
            assert await asyncio.wait_for(second.wait(), 20) == 1
        assert "another media server runs" in (tmp_path / "log").read_text()
        assert await ready(tmp_path) == first


async def test_a_used_port_and_a_bad_setting_are_told_in_words(tmp_path: Path) -> None:
    async with started(tmp_path / "a"):
        port = (await ready(tmp_path / "a"))["media_port"]
        async with started(tmp_path / "b", f"media_port_from={port}") as second:
            assert await asyncio.wait_for(second.wait(), 20) == 1
    log = (tmp_path / "b/log").read_text()
    assert f"UDP port {port} cannot be opened" in log
    assert "Traceback" not in log
    async with started(tmp_path / "c", "embedded.sond=true") as third:
        assert await asyncio.wait_for(third.wait(), 20) == 1
    assert "embedded.sond" in (tmp_path / "c/log").read_text()


async def test_its_log_stays_short(tmp_path: Path) -> None:
    async with started(tmp_path, "embedded.log_max_bytes=4000") as process:
        values = await ready(tmp_path)
        url = f"http://127.0.0.1:{values['http_port']}/rest-api/rtsp"
        async with aiohttp.ClientSession() as http:
            for number in range(60):
                body = {"uri": f"rtsp://127.0.0.1:9/{number}", "toStream": f"camera-{number}"}
                async with http.post(f"{url}/startup", json=body) as answer:
                    assert answer.status == 200
            await until(lambda: "camera-59" in (tmp_path / "log").read_text())
        assert (tmp_path / "log").stat().st_size <= 5000
        os.kill(process.pid, signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 0
