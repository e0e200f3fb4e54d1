"""The folder of one media server that runs as a process.

- ``label.json``: what it was made from; without it the folder is not ours
- ``conf/``: its settings and secrets, mode 0600
- ``run/process.json``: the process that we started
- ``run/server.json``: written by the server when it is ready
- ``server.log``, ``crash-*.log``: what it says, and what it said before it died
"""

import contextlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gateway.kit import wholefile
from gateway.kit.secret import Secret, redact
from gateway.model.server import ControlAddress, ServerSpec
from gateway.runtime import smallfile
from gateway.runtime.pids import ProcessId
from gateway.runtime.spec import from_plain, plain

REST_USER_FILE: Final = "conf/rest-user"
TOKEN_FILE: Final = "conf/signalling-token"  # noqa: S105  # a file's name
EDGES_FILE: Final = "conf/edges"
RECORDERS_FILE: Final = "conf/recorders"
ORIGIN_FILE: Final = "conf/origin"
_EDGE: Final = "edge"
_USER: Final = "gateway"
_CRASHES_KEPT: Final = 5
_LABEL: Final = "label.json"
_OWN: Final = re.compile(r"conf|run|server\.log|crash-[0-9TZ.]+\.log")
_GONE: Final = ".removed"
_TAIL_BYTES: Final = 4096
_TAIL_LINES: Final = 8


@dataclass(frozen=True, slots=True)
class Label:
    """What a server was made from.

    ``media_port`` is its UDP port across restarts, ``cdn_port`` the TCP port where an
    origin's edges ask.
    """

    spec: ServerSpec
    fingerprint: str
    media_port: int
    cdn_port: int | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A server that can be asked."""

    process: ProcessId
    fingerprint: str
    control: ControlAddress
    since: datetime


class Folder:
    """Reads and writes the files of one server; raises OSError only where it says so."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log(self) -> Path:
        """Where the server's output goes."""
        return self.path / "server.log"

    def label(self) -> Label | None:
        """Return the label, or ``None`` when there is none that can be read."""
        values = smallfile.read_json(self.path / _LABEL)
        try:
            return Label(
                spec=from_plain(values["spec"]),
                fingerprint=str(values["fingerprint"]),
                media_port=int(values["media_port"]),
                cdn_port=int(values["cdn_port"]) if values.get("cdn_port") else None,
            )
        except (KeyError, TypeError, ValueError):
            return None

    def label_changed(self) -> int:
        """Return when the label was written, in ns since 1970; 0 when there is none."""
        return _written(self.path / _LABEL)

    def announced(self) -> int:
        """Return when the server has said how it is reached, in ns since 1970; 0 if it has not."""
        return _written(self.path / "run/server.json")

    def prepare(self, label: Label, files: Mapping[str, str]) -> None:
        """Write label, secrets (once) and settings; raises OSError."""
        for folder in (self.path, self.path / "conf", self.path / "run"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in (
            (REST_USER_FILE, f"{_USER}:{secrets.token_urlsafe(24)}\n"),
            (TOKEN_FILE, f"{secrets.token_urlsafe(24)}\n"),
            (EDGES_FILE, f"{_EDGE}:{secrets.token_urlsafe(24)}\n"),
        ):
            if name == EDGES_FILE and not label.spec.feeds_edges:
                continue
            if not (self.path / name).exists():
                wholefile.replace(self.path / name, content.encode())
        output = label.spec.rtsp_output
        if output is not None and output.users:
            # A label holds no users: whoever starts the server again finds them here.
            lines = [f"{user.username}:{user.password.reveal()}\n" for user in output.users]
            wholefile.replace(self.path / RECORDERS_FILE, "".join(lines).encode())
        for name, content in files.items():
            wholefile.replace(self.path / name, content.encode())
        values = {
            "spec": plain(label.spec),
            "fingerprint": label.fingerprint,
            "media_port": label.media_port,
            "cdn_port": label.cdn_port,
        }
        wholefile.replace(self.path / _LABEL, json.dumps(values).encode())

    def output(self) -> str | None:
        """Return where edges take this server's streams, with their password; or ``None``."""
        label = self.label()
        if label is None or label.cdn_port is None or not label.spec.feeds_edges:
            return None
        try:
            return f"rtsp://{self._secret(EDGES_FILE)}@127.0.0.1:{label.cdn_port}"
        except OSError:
            return None

    def lead(self, origin: str) -> None:
        """Write down for an edge where its origin is; raises OSError."""
        path = self.path / ORIGIN_FILE
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        wholefile.replace(path, f"{origin}\n".encode())

    def started(self, process: ProcessId) -> None:
        """Note the process that runs here; raises OSError."""
        wholefile.replace(self.path / "run/process.json", json.dumps(asdict(process)).encode())

    def process(self) -> ProcessId | None:
        """Return the process that runs here and is alive."""
        for name in ("run/server.json", "run/process.json"):
            process = _process(smallfile.read_json(self.path / name))
            if process is not None and process.alive():
                return process
        return None

    def ready(self) -> Ready | None:
        """Return how the server is reached, once it is alive and ready."""
        path = self.path / "run/server.json"
        values = smallfile.read_json(path)
        process = _process(values)
        if process is None or not process.alive():
            return None
        try:
            host = values["control_address"]
            user, _, password = self._secret(REST_USER_FILE).partition(":")
            control = ControlAddress(
                http_url=f"http://{_in_url(host)}:{int(values['http_port'])}",
                ws_url=f"ws://{_in_url(host)}:{int(values['ws_port'])}/",
                username=user,
                password=Secret(password),
                token=Secret(self._secret(TOKEN_FILE)),
            )
            return Ready(process, str(values["fingerprint"]), control, _changed(path))
        except (KeyError, TypeError, ValueError, OSError):
            return None

    def since(self) -> datetime:
        """Return when something last happened here."""
        times = [_changed(path) for path in (self.log, self.path / "run", self.path)]
        return max(times)

    def tail(self) -> str:
        """Return the last lines of the log, without credentials."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return redact("\n".join(text.splitlines()[-_TAIL_LINES:]))

    def put_away_crash(self) -> None:
        """Keep the log of a server that ended without being told to, the newest few of them."""
        if not (self.path / "run/process.json").exists():
            return
        with contextlib.suppress(OSError):
            name = datetime.now(UTC).strftime("crash-%Y%m%dT%H%M%S.%fZ.log")
            self.log.rename(self.path / name)
        for old in sorted(self.path.glob("crash-*.log"))[:-_CRASHES_KEPT]:
            old.unlink(missing_ok=True)

    def stopped(self) -> None:
        """Note that the server was told to end."""
        for name in ("process.json", "server.json"):
            (self.path / "run" / name).unlink(missing_ok=True)

    def foreign(self) -> bool:
        """Tell whether something is here that no media server of ours has left.

        A gateway that was killed while it made a folder has left it without a label.
        """
        label = self.path / _LABEL
        ours = (label, wholefile.draft_of(label))
        try:
            return any(
                entry not in ours and _OWN.fullmatch(entry.name) is None
                for entry in self.path.iterdir()
            )
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def remove(self) -> None:
        """Delete everything, and what an earlier removal that was cut off has left; raises OSError.

        The folder goes in one step: no building ever finds half of it.
        """
        gone = self.path.with_name(f".{self.path.name}{_GONE}")
        shutil.rmtree(gone, ignore_errors=True)
        self.path.rename(gone)
        for left in self.path.parent.glob(f".*{_GONE}"):
            shutil.rmtree(left)

    def _secret(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8").strip()


def _process(values: Mapping[str, Any]) -> ProcessId | None:
    try:
        return ProcessId(int(values["pid"]), int(values["started"]), str(values["boot"]))
    except (KeyError, TypeError, ValueError):
        return None


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _changed(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return datetime.fromtimestamp(0, UTC)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
