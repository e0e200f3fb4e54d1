"""A service manager is told when the gateway is ready, that it lives, and that it ends."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.kit.clock import SystemClock
from gateway.kit.supervisor import Supervisor
from tests.waiting import until

pytestmark = pytest.mark.slow

UNIT = Path(__file__).parents[3] / "docs" / "systemd" / "camera-gateway.service"


def manager(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(path))
    listener.settimeout(0)
    return listener


def heard(listener: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(listener.recv(4096).decode())
        except BlockingIOError:
            return found


async def test_the_gateway_says_how_it_goes(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text(f"listen: 127.0.0.1:0\ndata_dir: {tmp_path}/data\n")
    said: list[str] = []
    with manager(tmp_path / "notify") as listener:
        environment = os.environ | {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "200000",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve", str(tmp_path)),
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await until(
                lambda: (said.extend(heard(listener)), said.count("WATCHDOG=1") >= 3)[1], within=30
            )
            assert said[0].startswith("READY=1\nSTATUS=0 buildings, http://127.0.0.1:")
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()
        said += heard(listener)
    assert "STOPPING=1" in said
    assert process.returncode == 0


async def test_who_does_not_live_does_not_say_so(tmp_path: Path) -> None:
    with manager(tmp_path / "notify") as listener:
        name = str(tmp_path / "notify")
        supervisor = Supervisor({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000"})
        asked = 0

        def alive() -> bool:
            nonlocal asked
            asked += 1
            return False

        watch = asyncio.create_task(supervisor.watch(alive, SystemClock()))
        await until(lambda: asked > 5)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        assert heard(listener) == []


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "/nowhere/at/all"},
    ],
)
async def test_without_a_manager_nothing_happens(environment: dict[str, str]) -> None:
    supervisor = Supervisor(environment)
    supervisor.ready("fine")
    supervisor.stopping()
    async with asyncio.timeout(1):
        await supervisor.watch(lambda: True, SystemClock())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_is_right_and_hardened(tmp_path: Path) -> None:
    program = tmp_path / "gateway"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = UNIT.read_text().replace("/opt/camera-gateway/venv/bin/gateway", str(program))
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert not ours, done.stderr
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=30", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-600:]
