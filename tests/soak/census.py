"""What the gateway and its media servers hold, by the kernel's account (proc(5))."""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aiohttp import ClientError, ClientSession

from tests.e2e.company import STAFF, Company

EVERY_S = 10.0
_OWN = re.compile(r"^camera_gateway_(tasks|plays) (\S+)$", re.MULTILINE)
_MEMORY = {"Pss:": "pss_kb", "Private_Clean:": "uss_kb", "Private_Dirty:": "uss_kb"}

Count = dict[str, float]


def count(pid: int) -> Count:
    """Count a process: memory in KB, descriptors, threads, and processes of its own.

    Raises OSError when there is no such process.
    """
    proc = Path(f"/proc/{pid}")
    found: Count = {"pss_kb": 0, "uss_kb": 0}
    for line in (proc / "smaps_rollup").read_text(encoding="ascii").splitlines():
        name, *rest = line.split()
        if name in _MEMORY:
            found[_MEMORY[name]] += int(rest[0])
    tasks = list((proc / "task").iterdir())
    found["descriptors"] = len(list((proc / "fd").iterdir()))
    found["threads"] = len(tasks)
    children: set[str] = set()
    for task in tasks:
        with suppress(OSError):
            children.update((task / "children").read_text(encoding="ascii").split())
    found["processes"] = len(children)
    return found


async def look(company: Company, sites: tuple[str, ...]) -> Mapping[str, Count]:
    """Return the counts of the gateway and of each building's media server.

    Who has no process at this moment is left out.
    """
    assert company.process is not None
    pids = {"gateway": company.process.pid}
    pids |= {f"media server {site}": company.media_server(site) for site in sites}
    found: dict[str, Count] = {}
    for name, pid in pids.items():
        with suppress(OSError):
            found[name] = count(pid)
    if "gateway" in found:
        found["gateway"] |= await _told(company)
    return found


async def take(company: Company, sites: tuple[str, ...], file: Path) -> None:
    """Add a line to ``file`` every ten seconds until cancelled; its time counts from the first."""
    began = due = time.monotonic()
    while True:
        row = {"at": round(time.monotonic() - began, 1), "of": await look(company, sites)}
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        due += EVERY_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _told(company: Company) -> Count:
    """Return what only the gateway itself knows; nothing when it does not answer."""
    headers = {"Authorization": f"Bearer {STAFF}"}
    try:
        async with (
            ClientSession() as session,
            session.get(f"{company.url}/metrics", headers=headers) as answer,
        ):
            return {name: float(value) for name, value in _OWN.findall(await answer.text())}
    except (ClientError, TimeoutError):
        return {}
