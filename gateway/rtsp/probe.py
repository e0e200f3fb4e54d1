"""Look at cameras: DESCRIBE, a few seconds of video, one picture by OpenCV in a child process.

H.264 and H.265 are measured by our own client and only decoded in a child; anything else, and a
camera that our client does not understand, is played by OpenCV itself in the child.
"""

import asyncio
import contextlib
import json
import struct
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

from gateway.kit.measures import Measures
from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.probe import ProbeFailure, ProbeResult, StreamFacts
from gateway.model.site import Credential
from gateway.rtsp.address import RtspAddress, parse
from gateway.rtsp.client import Client
from gateway.rtsp.describe import Description, Outcome, ask, describing
from gateway.rtsp.probe_sample import CODECS, Sample, take_sample
from gateway.rtsp.sdp import Kind

AT_ONCE: Final = 4
"""Children on two cores; each costs 60 MB while it runs."""
LISTENING: Final = 24
"""Cameras that are listened to at once; together they may send 100 Mbit/s."""
WINDOW_S: Final = 6.0
_DESCRIBE_S: Final = 5.0
_OPEN_S: Final = 6.0
_READ_S: Final = 4.0
_DECODE_S: Final = 10.0
_BUSY_S: Final = 1.0
_GRACE_S: Final = 4.0
_LARGEST: Final = 8 << 20
_GAPS: Final = 2
"""Distances of key frames that are measured: two tell whether they vary."""
_NAMES: Final = {"h264": "H264", "hevc": "H265", "hev1": "H265", "mjpg": "JPEG", "jpeg": "JPEG"}
_PROFILES: Final = {66: "Baseline", 77: "Main", 88: "Extended", 100: "High", 110: "High 10"}


class Prober:
    """A pool of children, at most ``at_once`` of them; never two looks at one camera at once.

    ``measures`` gets how long each look has taken, and how many are asked for and not done.
    """

    def __init__(
        self,
        *,
        at_once: int = AT_ONCE,
        window_s: float = WINDOW_S,
        measures: Measures | None = None,
    ) -> None:
        self._gate = asyncio.Semaphore(at_once)
        self._ears = asyncio.Semaphore(LISTENING)
        self._idle: list[asyncio.subprocess.Process] = []
        self._busy: set[asyncio.subprocess.Process] = set()
        self._cameras: dict[str, tuple[asyncio.Lock, int]] = {}
        self._window_s = window_s
        self._asked = 0
        self._measures = measures or Measures()
        self._measures.level("queue_length", lambda: self._asked, queue="looks")

    async def look(
        self,
        address: RtspAddress,
        credential: Credential | None = None,
        *,
        window_s: float | None = None,
    ) -> ProbeResult:
        """Return what ``address`` sends; never raises for what a camera does.

        Takes at most 5 s for DESCRIBE and, when its turn has come, 45 s plus twice ``window_s`` for
        the picture. The password is tried once by DESCRIBE; a camera that refuses it is not asked
        again.
        """
        began = time.monotonic()
        if credential is not None:
            address = address.with_login(credential.username, credential.password)
        window_s = window_s or self._window_s
        async with self._alone(f"{address.host}:{address.port}"):
            described, seen, picture = await self._listened(address, window_s)
            failure = _described_failure(described)
            if failure is not None:
                return ProbeResult(StreamFacts(), failure=failure, took_s=_since(began))
            if not seen.get("opened"):
                async with self._gate:
                    seen, picture = await self._seen(address, window_s)
        failure = _seen_failure(seen, picture)
        facts = _facts(described, seen) if picture or failure is None else _track_facts(described)
        return ProbeResult(facts, picture or None, failure, _since(began))

    async def look_at(self, rtsp: str, credential: Credential | None = None) -> ProbeResult:
        """Look at an address as files and cameras write it; one that is none is a failure."""
        try:
            address = parse(rtsp)
        except GatewayError as error:
            failure = ProbeFailure("bad_address", error.message, error.hint)
            return ProbeResult(StreamFacts(), failure=failure)
        self._asked += 1
        try:
            result = await self.look(address, credential)
        finally:
            self._asked -= 1
        self._measures.took("probe_seconds", result.took_s)
        return result

    async def close(self) -> None:
        """Kill the children."""
        for child in (*self._idle, *self._busy):
            await _end(child)
        self._idle.clear()

    @contextlib.asynccontextmanager
    async def _alone(self, host: str) -> AsyncIterator[None]:
        lock, users = self._cameras.get(host, (asyncio.Lock(), 0))
        self._cameras[host] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._cameras[host]
            self._cameras[host] = (lock, users - 1)
            if users == 1:
                del self._cameras[host]

    async def _listened(
        self, address: RtspAddress, window_s: float
    ) -> tuple[Description, dict[str, Any], bytes]:
        """Describe, measure by our own client, decode in a child.

        Facts are empty when our client cannot play what the camera describes.
        """
        client = Client(address, describing(_DESCRIBE_S))
        try:
            described = await ask(client, _DESCRIBE_S)
            if described.outcome is Outcome.BUSY:
                # The place that our last look has taken may not be free yet.
                await client.close()
                await asyncio.sleep(_BUSY_S)
                client = Client(address, describing(_DESCRIBE_S))
                described = await ask(client, _DESCRIBE_S)
            if described.video is None or described.video.codec not in CODECS:
                return described, {}, b""
            async with self._ears:
                sample = await take_sample(client, described.video, window_s=window_s, gaps=_GAPS)
        except GatewayError as error:
            if error.kind is ErrorKind.CAMERA_BUSY:
                # It lets everybody ask and has no session left: OpenCV would get none either.
                described = replace(
                    described, outcome=Outcome.BUSY, reason=error.message, hint=error.hint
                )
            return described, {}, b""
        finally:
            await client.close()
        facts = sample.as_facts()
        decoded, picture = await self._decoded(sample)
        return described, decoded | facts, picture

    async def _decoded(self, sample: Sample) -> tuple[dict[str, Any], bytes]:
        if not sample.data:
            return {}, b""
        request = {"codec": sample.as_facts()["codec"], "size": len(sample.data)}
        async with self._gate:
            message = json.dumps(request).encode() + b"\n" + sample.data
            return await self._talk(message, _DECODE_S)

    async def _seen(self, address: RtspAddress, window_s: float) -> tuple[dict[str, Any], bytes]:
        """Ask a child; by UDP when the camera has no TCP."""
        seen, picture = await self._ask(address.secret_url, "tcp", window_s)
        if not seen.get("opened") and "timeout" not in seen:
            seen, picture = await self._ask(address.secret_url, "udp", window_s)
        return seen, picture

    async def _ask(
        self, url: Secret, transport: str, window_s: float
    ) -> tuple[dict[str, Any], bytes]:
        request = {"transport": transport, "open_s": _OPEN_S, "read_s": _READ_S}
        request |= {"window_s": window_s, "url": url.reveal()}
        within_s = _OPEN_S + _READ_S + window_s + _GRACE_S
        return await self._talk(json.dumps(request).encode() + b"\n", within_s)

    async def _talk(self, message: bytes, within_s: float) -> tuple[dict[str, Any], bytes]:
        """Ask an idle child, or a new one; whatever goes wrong ends it."""
        child = self._idle.pop() if self._idle else await _start()
        self._busy.add(child)
        whole = False
        try:
            async with asyncio.timeout(within_s):
                facts, picture = await _exchange(child, message)
            whole = True
        except TimeoutError:
            return {"timeout": True}, b""
        except (OSError, asyncio.IncompleteReadError, ValueError):
            return {"error": "child"}, b""
        else:
            return facts, picture
        finally:
            self._busy.discard(child)
            if whole:
                self._idle.append(child)
            else:
                await _end(child)


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.rtsp.probe_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LARGEST,
    )


async def _exchange(
    child: asyncio.subprocess.Process, request: bytes
) -> tuple[dict[str, Any], bytes]:
    if child.stdin is None or child.stdout is None:
        raise ValueError("the child has no pipes")
    child.stdin.write(request)
    await child.stdin.drain()
    facts = json.loads(await _part(child.stdout))
    picture = await _part(child.stdout)
    return (facts if isinstance(facts, dict) else {}), picture


async def _part(stream: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">I", await stream.readexactly(4))
    if length > _LARGEST:
        raise ValueError("the child's answer is too long")
    return await stream.readexactly(length)


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    if child.stdin is not None:
        child.stdin.close()
    await child.wait()


def _described_failure(described: Description) -> ProbeFailure | None:
    if not described.ok:
        return ProbeFailure(described.outcome.value, described.reason, described.hint)
    if described.video is None:
        return ProbeFailure(
            "no_video",
            "the camera offers no picture at this address",
            "use the address of its video stream",
        )
    return None


def _seen_failure(seen: dict[str, Any], picture: bytes) -> ProbeFailure | None:
    if picture:
        return None
    if seen.get("timeout") or seen.get("pictures") == 0 or seen.get("opened"):
        return ProbeFailure(
            "no_picture",
            "the camera accepts the connection but sends no picture",
            "restart the camera; if it stays so, lower its number of RTSP clients",
        )
    return ProbeFailure(
        Outcome.BAD_ANSWER.value,
        "the camera describes its stream but does not play it",
        "close other programs that play this camera, or restart it",
    )


def _track_facts(described: Description) -> StreamFacts:
    """Return what the description alone tells."""
    video = described.video
    audio = next((t.codec for t in described.tracks if t.kind is Kind.AUDIO), None)
    return StreamFacts(codec=video.codec if video else None, audio=audio)


def _facts(described: Description, seen: dict[str, Any]) -> StreamFacts:
    told = _track_facts(described)
    codec = _NAMES.get(str(seen.get("codec", "")), told.codec)
    profile, level = _profile(str(seen.get("sps", ""))) if codec == "H264" else (None, None)
    gaps = [float(gap) for gap in seen.get("gaps_s", [])]
    longest = max([*gaps, float(seen.get("tail_s") or 0)], default=0.0)
    return StreamFacts(
        codec=codec,
        profile=profile,
        level=level,
        width=int(seen.get("width", 0)),
        height=int(seen.get("height", 0)),
        fps=_rounded(seen.get("fps")),
        bitrate=_rounded(seen.get("bitrate"), 0),
        gop_s=round(longest, 2) if gaps or longest > 1 else None,
        gop_varies=len(gaps) > 1 and max(gaps) > 1.5 * min(gaps),
        b_frames="B" in str(seen.get("types", "")),
        audio=told.audio,
    )


def _profile(sps: str) -> tuple[str | None, str | None]:
    """Return H.264 profile and level names from the SPS's first bytes (ITU-T H.264 7.4.2.1.1)."""
    try:
        profile, constraints, level = bytes.fromhex(sps)
    except ValueError:
        return None, None
    name = _PROFILES.get(profile, f"profile {profile}")
    if name == "Baseline" and constraints & 0x40:
        name = "Constrained Baseline"
    return name, f"{level / 10:.1f}"


def _rounded(value: Any, digits: int = 1) -> float | None:
    return round(float(value), digits) if isinstance(value, int | float) else None


def _since(began: float) -> float:
    return round(time.monotonic() - began, 2)
