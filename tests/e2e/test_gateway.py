"""The command line as people use it: real processes, real ports, what they print and return."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.demo.building import DemoBuilding
from tests.e2e.company import CREDENTIAL, PASSWORD, STAFF, company_in, free_port
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def gateway(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command; return its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "CAMERAS": PASSWORD, "STAFF": STAFF, **environment},
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode is not None
    text = out.decode()
    assert "Traceback" not in text
    return process.returncode, text


@asynccontextmanager
async def one_camera() -> AsyncIterator[DemoBuilding]:
    building = DemoBuilding(credential=CREDENTIAL, discovery_port=None)
    try:
        await building.start(1)
        yield building
    finally:
        await building.close()


async def test_a_plan_tells_and_a_running_gateway_is_asked(tmp_path: Path) -> None:
    async with one_camera() as building, company_in(tmp_path) as company:
        company.write_site("house", building.cameras)
        where = str(company.sites)
        code, text = await gateway("check", where)
        assert (code, "1 site with 1 camera, nothing is wrong" in text) == (0, True), text
        code, text = await gateway("plan", where)
        assert code == 2
        assert "house: create house: the site has no media server yet" in text
        assert not (company.data / "servers").exists(), "a plan changes nothing"
        code, text = await gateway("status", where)
        assert code == 1
        assert "hint: start one" in text

        await company.begin()
        await until(lambda: company.live("house"), within=30)
        code, text = await gateway("plan", where)
        assert (code, "nothing to do" in text) == (0, True), text
        code, text = await gateway("status", where)
        assert code == 0
        assert "entrance-1: live H264" in text
        code, text = await gateway("status", where, "--json")
        assert json.loads(text)["sites"][0]["cameras"][0]["state"] == "live"

        code, text = await gateway("serve", where)
        assert code == 1
        assert "another gateway (process" in text
        await company.end(signal.SIGINT)
        assert not list((company.data / "servers").iterdir())


async def test_a_port_in_use_is_said_before_anything_is_touched(tmp_path: Path) -> None:
    async with company_in(tmp_path) as company:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", company.port)
        async with server:
            code, text = await gateway("serve", str(company.sites))
        assert code == 1
        assert f"port {company.port} of 127.0.0.1 is in use" in text
        assert not (company.data / "servers").exists()


async def test_mistakes_are_named(tmp_path: Path) -> None:
    async with company_in(tmp_path) as company:
        (company.sites / "house.yaml").write_text("name: House\ncameras:\n  - {id: a, rtps: x}\n")
        code, text = await gateway("check", str(company.sites))
        assert code == 1
        assert "house.yaml:3" in text
        assert "rtsp" in text
        code, text = await gateway("plan", str(company.sites), "--site", "nowhere")
        assert code == 1
        assert "There is no site nowhere" in text
        code, text = await gateway("ticket", "nowhere", "--directory", str(company.sites))
        assert code == 1
    code, text = await gateway("serve", str(tmp_path / "absent"))
    assert code == 1
    assert "gateway demo" in text


async def test_a_plan_never_calls_a_broken_building_fine(tmp_path: Path) -> None:
    async with company_in(tmp_path) as company:
        company.write_site("whole", [])
        (company.sites / "typo.yaml").write_text("name: House\ncameras:\n  - {id: a, rtps: x}\n")
        credential = {"username": "viewer", "password": {"env": "NOWHERE_SET"}}
        company.write_site("unset", [], discovery={"credentials": [credential]})
        where = str(company.sites)
        code, text = await gateway("plan", where)
        assert code == 1
        assert "whole: create whole: the site has no media server yet" in text
        assert "typo.yaml:3" in text
        assert "NOWHERE_SET" in text
        assert "nothing to do" not in text

        code, text = await gateway("plan", where, "--site", "unset")
        assert code == 1
        assert "NOWHERE_SET" in text
        assert "typo.yaml" not in text
        assert "remove" not in text
        code, text = await gateway("plan", where, "--site", "whole")
        assert code == 2
        assert "unset.yaml" not in text

        (company.sites / "whole.yaml").unlink()
        code, text = await gateway("plan", where)
        assert (code, "nothing to do" in text) == (1, False), text


async def test_a_ticket_is_minted(tmp_path: Path) -> None:
    async with company_in(tmp_path, tickets={"secret": {"env": "SECRET"}}) as company:
        company.write_site("house", [])
        where = str(company.sites)
        code, text = await gateway("ticket", "house", "--directory", where, SECRET="s" * 40)
        assert code == 0, text
        assert len(text.strip().split(".")) == 3


@asynccontextmanager
async def demo_process(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the demonstration with its temporary files in ``folder``."""
    await asyncio.to_thread(folder.mkdir)
    with (folder / "out").open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "demo"),
            stdout=out,
            stderr=out,
            env={**os.environ, "LISTEN": f"127.0.0.1:{port}", "TMPDIR": str(folder)},
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def running(folder: Path) -> list[str]:
    """Return the command lines of processes that work in ``folder``."""
    lines = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(folder) in line:
                lines.append(line)
    return lines


async def test_the_demo_shows_live_video_and_leaves_nothing(tmp_path: Path) -> None:
    folder, port = tmp_path / "tmp", free_port()
    async with demo_process(folder, port) as process:
        said = folder / "out"
        await until(lambda: f"live:  http://127.0.0.1:{port}/" in said.read_text(), within=90)
        assert running(folder)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    assert running(folder) == []
    assert [one.name for one in folder.iterdir()] == ["out"]


@pytest.mark.parametrize("sign", ["Starting four", "a media server is started"])
async def test_a_demo_that_is_ended_early_leaves_nothing(tmp_path: Path, sign: str) -> None:
    folder = tmp_path / "tmp"
    async with demo_process(folder, free_port()) as process:
        await until(lambda: sign in (folder / "out").read_text(), within=60)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    assert running(folder) == []
    assert [one.name for one in folder.iterdir()] == ["out"]
    assert "Traceback" not in (folder / "out").read_text()
