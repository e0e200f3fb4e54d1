"""A management company on the Docker host: a real gateway, with files that a test changes."""

import json
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.docker import lan
from tests.peers.engine import IMAGE, Engine
from tests.waiting import until

PORT = 8090
URL = f"http://{lan.HOST}:{PORT}"
MACVLAN = {
    "driver": "macvlan",
    "parent": "lan0",
    "subnet": "192.168.23.0/24",
    "gateway": "192.168.23.1",
    "ip_range": "192.168.23.96/27",
}


class Company:
    """A gateway that may be ended and begun again; ``folder`` keeps its files and data."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.log = folder / "gateway.log"
        self.sites = folder / "sites"
        self.sites.mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self._running: ExitStack | None = None
        self.use(MACVLAN)

    def use(self, network: dict[str, str], **more: Any) -> None:
        """Write the company's own file; ``network`` as in ``media_servers.network``.

        ``more`` are further keys of the file.
        """
        self._write(
            "gateway",
            {
                "listen": f"0.0.0.0:{PORT}",
                "data_dir": str(self.folder / "data"),
                "media_servers": {
                    "runtime": "docker",
                    "image": IMAGE,
                    "engine": self.engine.url,
                    "network": network,
                    "limits": {"memory": "512m"},
                },
                **more,
            },
        )

    def write(self, site: str, camera: int, **more: Any) -> None:
        """Write a building with one camera; ``more`` are further keys of its file."""
        rtsp = f"rtsp://{lan.CAMERAS}:{8600 + camera}/stream2"
        self._write(
            site,
            {
                "name": site,
                "viewing": {"access": "public"},
                "cameras": [{"id": "door", "name": "door", "rtsp": rtsp}],
                **more,
            },
        )

    def begin(self) -> None:
        """Start the gateway."""
        self._running = ExitStack()
        self.process = self._running.enter_context(
            lan.program(
                self.engine.name,
                [sys.executable, "-m", "gateway", "serve", str(self.sites)],
                self.log,
            )
        )

    def end(self) -> None:
        """End the gateway, if it runs."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def whep(self, site: str) -> str:
        """Return where a building's camera is played."""
        return f"{URL}/whep/{site}/door"

    async def live(self, site: str, *, within: float = 60) -> None:
        """Wait until a building's camera is live."""
        await until(lambda: self._state(site) == "live", within=within, every=0.2)

    def _state(self, site: str) -> str:
        try:
            with urllib.request.urlopen(f"{URL}/api/v1/sites/{site}", timeout=3) as answer:  # noqa: S310  # our own
                return str(json.load(answer)["cameras"][0]["state"])
        except (OSError, ValueError, KeyError):
            return ""

    def _write(self, name: str, content: dict[str, Any]) -> None:
        draft = self.folder / f"{name}.new"
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(self.sites / f"{name}.yaml")
