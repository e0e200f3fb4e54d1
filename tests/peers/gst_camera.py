"""Real cameras for tests: Debian's GStreamer RTSP server in a child process."""

import asyncio
import contextlib
import functools
import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

PYTHON = "/usr/bin/python3"
USERNAME = "viewer"
PASSWORD = "p@ss:w/rd"
_MAIN = Path(__file__).with_name("gst_server_main.py")
_CHECK = """
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
print(",".join(name for name in {names!r} if Gst.ElementFactory.find(name) is None))
"""
_NEEDED = ["x264enc", "x265enc", "openh264enc", "jpegenc", "alawenc", "mulawenc", "voaacenc"]
_PACKAGES = (
    "gir1.2-gst-rtsp-server-1.0 python3-gi"
    " gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    " gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)


@functools.cache
def missing() -> str:
    """Say why tests must be skipped; empty when everything is there."""
    try:
        check = subprocess.run(
            [PYTHON, "-c", _CHECK.format(names=_NEEDED)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except OSError:
        return f"{PYTHON} is not there"
    if check.returncode:
        return f"GStreamer's RTSP server is not installed: apt-get install {_PACKAGES}"
    lacking = check.stdout.strip()
    return f"GStreamer lacks {lacking}: apt-get install {_PACKAGES}" if lacking else ""


class GstCamera:
    """A server on 127.0.0.1; each mount is a camera (see ``gst_server_main.pipelines``).

    ``auth`` is ``none``, ``basic`` or ``digest``; then all mounts want USERNAME and PASSWORD.
    """

    def __init__(self, auth: str = "none") -> None:
        self._auth = auth
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()

    def url(self, mount: str = "h264", login: str = "") -> str:
        """Return the address of a mount; ``login`` is ``user:password`` as it goes into a URL."""
        at = "@" if login else ""
        return f"rtsp://{login}{at}127.0.0.1:{self.port}/{mount}"

    async def kill(self) -> None:
        """End it like a power cut."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()

    async def restart(self) -> None:
        """Power off and on again; the port stays."""
        await self.kill()
        await self._start()

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            PYTHON,
            str(_MAIN),
            str(self.port),
            self._auth,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), 15)
            self.port = int(json.loads(line)["port"])
        except BaseException:
            await self.kill()
            raise
