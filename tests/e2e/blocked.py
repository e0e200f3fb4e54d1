"""An office whose firewall lets no UDP through: a network namespace with a browser in it."""

import asyncio
import contextlib
import os
import secrets
import shlex
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.e2e.browser import CHROMIUM, FLAGS
from tests.waiting import until

POSSIBLE = os.geteuid() == 0 and all(map(shutil.which, ("ip", "iptables", "nsenter")))


@dataclass(frozen=True, slots=True)
class Office:
    """The namespace ``name``; ``outside`` is this machine's address as seen from there."""

    name: str
    outside: str

    def dropped(self) -> int:
        """Return how many UDP packets the firewall has stopped."""
        listed = _run(*self._inside(), "iptables", "-nvxL")
        rows = [line.split() for line in listed.splitlines() if " DROP " in line]
        return sum(int(row[0]) for row in rows)

    def close(self) -> None:
        """Let no UDP through in either direction."""
        for chain in ("INPUT", "OUTPUT"):
            _run(*self._inside(), "iptables", "-A", chain, "-p", "udp", "-j", "DROP")

    @asynccontextmanager
    async def chromium(self, folder: Path) -> AsyncIterator[Browser]:
        """Start a browser inside; ``folder`` takes the script that does it."""
        start = folder / "chromium"
        start.write_text(f'#!/bin/sh\nexec {shlex.join(self._inside())} {CHROMIUM} "$@"\n')
        start.chmod(0o755)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=start, args=[*FLAGS])
            try:
                yield browser
            finally:
                await browser.close()

    def _inside(self) -> tuple[str, ...]:
        return ("nsenter", f"--net=/run/netns/{self.name}", "--")


@contextlib.contextmanager
def office() -> Iterator[Office]:
    """Make an office that blocks UDP, with one cable to this machine."""
    number = secrets.randbelow(60_000)
    name, network = f"udp{number}", f"10.98.{number >> 8}.{number & 0xFC}"
    outside, inside = (f"{network.rpartition('.')[0]}.{(number & 0xFC) + end}" for end in (1, 2))
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", "lan", "netns", name)
        _run("ip", "address", "add", f"{outside}/30", "dev", name)
        _run("ip", "link", "set", name, "up")
        _run("ip", "-n", name, "address", "add", f"{inside}/30", "dev", "lan")
        for device in ("lo", "lan"):
            _run("ip", "-n", name, "link", "set", device, "up")
        made = Office(name, outside)
        made.close()
        yield made
    finally:
        # The cable goes with either of its ends, but not before the last process inside has gone.
        _run("ip", "link", "delete", name, check=False)
        _run("ip", "netns", "delete", name)


@dataclass(frozen=True, slots=True)
class Relay:
    """A TURN server (coturn) for TCP."""

    address: str
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Its address as browsers write it."""
        return f"turn:{self.address}:{self.port}?transport=tcp"


@asynccontextmanager
async def coturn(address: str, folder: Path, secret: str) -> AsyncIterator[Relay]:
    """Run coturn, which believes logins made with ``secret``."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    relay = Relay(address, port, folder / "turn.log")
    settings = folder / "turn.conf"
    settings.write_text(
        f"listening-ip={address}\nrelay-ip={address}\nlistening-port={port}\nrealm=office\n"
        f"use-auth-secret\nstatic-auth-secret={secret}\nno-cli\nno-tls\nno-dtls\nno-udp\nverbose\n"
        f"pidfile={folder}/turn.pid\nuserdb={folder}/turn.db\nlog-file={relay.log}\nsimple-log\n"
    )
    process = await asyncio.create_subprocess_exec(
        *("turnserver", "-c", str(settings)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: _listens(address, port))
        yield relay
    finally:
        process.terminate()
        await process.wait()


def _listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def _run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    assert not check or done.returncode == 0, f"{shlex.join(command)}: {done.stderr}"
    return done.stdout
