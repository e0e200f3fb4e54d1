"""``python -m tests.bench.thousand [--sites N]``: what one gateway costs that keeps N buildings.

A real gateway, its hands tied by ``tests.bench.manager``, finds N media servers that run, with
eight cameras each: ``tests.bench.street`` speaks for them on loopback, in a process of its own
whose CPU is not the gateway's. Rewrites ``thousand.md``; some four minutes.
"""

import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import platform
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp

from gateway.config.load import load
from gateway.control.desired import desired, origin_spec
from gateway.model.company import Fleet
from gateway.runtime.folder import Folder, Label
from gateway.runtime.pids import ProcessId
from gateway.runtimes import make_runtime
from tests.bench import place
from tests.waiting import until

CAMERAS: Final = 8
IDLE_S: Final = 60.0
REST_S: Final = 40.0
DARK_S: Final = 5.0
"""Shorter than a media server may be silent before it is replaced."""
PATIENCE_S: Final = 300.0
TABLE: Final = Path(__file__).with_name("thousand.md")
_HEAD: Final = """# One gateway, a thousand buildings

Written by `python -m tests.bench.thousand`: {sites} buildings with {cameras} cameras each. Their
media servers run already; one pretend process on loopback speaks for them.
{machine}; {load}: whatever else the machine did meanwhile is in the numbers.

| what | measured |
| --- | --- |
"""
_TICK: Final = os.sysconf("SC_CLK_TCK")
_FIRST_PORT: Final = 20000
_COMPANY: Final = """\
listen: 127.0.0.1:0
data_dir: {data}
media_servers: {{runtime: process, media_ports: {first}-{last}}}
"""
_SITE: Final = """\
# Building {n}
name: {{ru: "Улица {n}", en: "Street {n}"}}
discovery:
  subnets: [10.{high}.{low}.0/24]
  credentials: [{{username: viewer, password: {{env: CAMERAS}}}}]
viewing: {{access: public}}
cameras:
"""
_CAMERA: Final = """\
  - id: entrance-{k}
    name: {{ru: "Подъезд {k}", en: "Entrance {k}"}}
    rtsp: "rtsp://10.{high}.{low}.{host}:554/stream1"
    credential: {{username: viewer, password: {{env: CAMERAS}}}}
"""


def site_text(n: int, cameras: int = CAMERAS) -> str:
    """Return the file of the ``n``-th building."""
    high, low = divmod(n, 250)
    text = _SITE.format(n=n, high=high + 1, low=low)
    for k in range(1, cameras + 1):
        text += _CAMERA.format(k=k, high=high + 1, low=low, host=10 + k)
    return text


class Street:
    """The pretend media servers' process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid
        self.ports: list[list[int]] = []
        self._turn = asyncio.Lock()

    async def meet(self) -> None:
        self.ports = await self._line()

    async def tell(self, word: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(f"{word}\n".encode())
            said: dict[str, Any] = await self._line()
        return said

    async def _line(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(await self._process.stdout.readline())


@asynccontextmanager
async def street(folder: Path, fleet: Fleet) -> AsyncIterator[Street]:
    """Let all servers run, and pull what the files say."""
    settings = fleet.settings
    wanted = [desired(site, settings, ()).captures for site in fleet.sites.values()]
    pulled = [[(one.uri.reveal(), one.stream) for one in each] for each in wanted]
    (folder / "pulled.json").write_text(json.dumps(pulled))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.street", str(folder / "pulled.json")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
        cwd=place.ROOT,
        preexec_fn=_die_with_us,
    )
    try:
        one = Street(process)
        await one.meet()
        yield one
    finally:
        await place.end(process)


def lay_out(folder: Path, sites: int, cameras: int = CAMERAS) -> Fleet:
    """Write all files, and return what they say."""
    (folder / "sites").mkdir()
    last = _FIRST_PORT + sites - 1
    text = _COMPANY.format(data=folder / "data", first=_FIRST_PORT, last=last)
    (folder / "sites/gateway.yaml").write_text(text)
    for n in range(sites):
        (folder / f"sites/house-{n:04}.yaml").write_text(site_text(n, cameras))
    fleet = load(folder / "sites", {"CAMERAS": "secret"})
    assert not fleet.problems, fleet.problems[:3]
    return fleet


def move_in(folder: Path, fleet: Fleet, town: Street) -> None:
    """Let the process runtime find a running server for each building."""
    runtime = make_runtime(fleet.settings)
    process = ProcessId.of(town.pid)
    assert process is not None
    for n, (site, (http, ws)) in enumerate(zip(fleet.sites.values(), town.ports, strict=True)):
        spec = origin_spec(site, fleet.settings.media_servers)
        mark = runtime.fingerprint(spec)
        home = Folder(folder / "data/servers" / site.id)
        home.prepare(Label(spec, mark, _FIRST_PORT + n), {})
        place_of = {"control_address": "127.0.0.1", "http_port": http, "ws_port": ws}
        who = {"pid": process.pid, "started": process.started, "boot": process.boot}
        said = {**who, **place_of, "media_port": _FIRST_PORT + n, "fingerprint": mark}
        (home.path / "run/server.json").write_text(json.dumps(said))


def _die_with_us() -> None:
    """Let a child end with its parent (prctl(2), PR_SET_PDEATHSIG), whatever ends that."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@dataclass
class Gateway:
    """The gateway's process, by what the kernel and its log tell of it."""

    process: asyncio.subprocess.Process
    log: Path

    def cpu_s(self) -> float:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def memory_mb(self, key: str = "VmRSS") -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(one for one in text.splitlines() if one.startswith(key))
        return int(line.split()[1]) / 1024

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def says(self, *words: str) -> bool:
        """Tell whether a line of the log holds all ``words``."""
        lines = self.log.read_text().splitlines()
        return any(all(word in line for word in words) for line in lines)

    async def ready(self) -> None:
        """Wait until every building is on the board."""
        await until(lambda: self.says("the gateway serves"), within=PATIENCE_S, every=0.2)
        found = re.search(r"url=(http://[0-9.:]+/)", self.log.read_text())
        assert found is not None
        async with aiohttp.ClientSession() as http:

            async def answers() -> bool:
                async with http.get(f"{found[1]}readyz") as answer:
                    return answer.status == HTTPStatus.OK

            await until(answers, within=PATIENCE_S, every=0.2)


@asynccontextmanager
async def gateway(folder: Path, name: str) -> AsyncIterator[Gateway]:
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.manager", str(folder / "sites")),
            preexec_fn=_die_with_us,
            stdout=file,
            stderr=file,
            env={**os.environ, "CAMERAS": "secret", "PYTHONPATH": str(place.ROOT)},
            cwd=folder,
        )
    try:
        yield Gateway(process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 60)


async def measure(sites: int) -> dict[str, str]:
    """Go through a day of the fleet, short of its nights."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="cg-thousand-") as name:
        folder = Path(name)
        fleet = lay_out(folder, sites)
        async with street(folder, fleet) as town:
            move_in(folder, fleet, town)
            began = time.monotonic()
            async with gateway(folder, "serve") as one:
                await one.ready()
                found["start until every building is on the board, s (the gateway's CPU, s)"] = (
                    f"{time.monotonic() - began:.1f} ({one.cpu_s():.1f})"
                )
                await asyncio.sleep(REST_S)
                found |= await _idle(one, town)
                found |= await _changes(folder, one, town)
                found |= await _power_cut(sites, town)
                found["memory at the end, the most ever, MB"] = (
                    f"{one.memory_mb():.0f}, {one.memory_mb('VmHWM'):.0f}"
                )
    return found


async def _idle(one: Gateway, town: Street) -> dict[str, str]:
    await town.tell("counts")
    before = one.cpu_s()
    await asyncio.sleep(IDLE_S)
    share, calls = (one.cpu_s() - before) / IDLE_S, (await town.tell("counts"))["calls"]
    asked = sum(count for path, count in calls.items() if path != "connections")
    return {
        "idle, share of one core": f"{share:.1%}",
        "questions to media servers when idle, a second in all": f"{asked / IDLE_S:.0f}",
        "memory when idle, MB": f"{one.memory_mb():.0f}",
        "open files": str(one.open_files()),
    }


async def _changes(folder: Path, one: Gateway, town: Street) -> dict[str, str]:
    pulled = (await town.tell("counts"))["pulled"]
    began = time.monotonic()
    (folder / "sites/house-0005.yaml").write_text(site_text(5, CAMERAS + 1))

    async def taken() -> bool:
        return bool((await town.tell("counts"))["pulled"] > pulled)

    await until(taken, within=PATIENCE_S, every=0.05)
    edit_s, began = time.monotonic() - began, time.monotonic()
    await town.tell("silent 7")
    await until(lambda: one.says("is silent", "house-0007"), within=PATIENCE_S, every=0.05)
    return {
        "one edited file until its new camera is pulled, s": f"{edit_s:.1f}",
        "a camera goes silent until the board says so, s": f"{time.monotonic() - began:.1f}",
    }


async def _power_cut(sites: int, town: Street) -> dict[str, str]:
    await town.tell("dark")
    await asyncio.sleep(DARK_S)
    await town.tell("counts")
    await town.tell("light")
    began, most, all_of_them = time.monotonic(), Counter[str](), sites * CAMERAS + 1

    async def back() -> bool:
        told = await town.tell("counts")
        for word, count in told["most"].items():
            most[word] = max(most[word], count)
        return bool(told["playing"] >= all_of_them)

    await until(back, within=PATIENCE_S, every=1.0)
    return {
        "power cut of all at once: until every camera plays, s": f"{time.monotonic() - began:.0f}",
        "then: questions at the same moment, at most": str(most["asking"]),
        "then: cameras dialled at the same moment, at most": str(most["dialling"]),
    }


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sites", type=int, default=1000)
    sites, before = parser.parse_args().sites, os.getloadavg()[0]
    found = asyncio.run(measure(sites))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    load = f"load {before:.0f} before, {os.getloadavg()[0]:.0f} after"
    rows = "".join(f"| {name} | {value} |\n" for name, value in found.items())
    text = _HEAD.format(sites=sites, cameras=CAMERAS, machine=machine, load=load) + rows
    if sites == parser.get_default("sites"):
        TABLE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
