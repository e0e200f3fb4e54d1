"""A pretend building: cameras over real sockets that anybody can watch, unplug and plug in."""

import asyncio
import os
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from gateway.demo.auth import Digest
from gateway.demo.discovery import PORT, Discovery
from gateway.demo.encode import Clips, View, clips, still
from gateway.demo.onvif_device import OnvifDevice
from gateway.demo.rtsp_server import RtspServer
from gateway.demo.scenes import MINUTE_S
from gateway.demo.soap import Facts, Profile
from gateway.demo.stream import Stream
from gateway.kit.tasks import Tasks
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Credential
from gateway.model.text import LocalText

MAIN_PATH: Final = "/stream1"
SUB_PATH: Final = "/stream2"
_READY_S: Final = 60.0
# All cameras begin at once, so each has its first seconds soon; more than this share a thread.
_MAX_THREADS: Final = 16
_PHASES: Final = 8
_NAMES: Final = (
    ("entrance", "Подъезд", "Entrance"),
    ("yard", "Двор", "Yard"),
    ("parking", "Парковка", "Car park"),
    ("lobby", "Лифт", "Lift lobby"),
)


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """How to reach a pretend camera; addresses hold no credentials."""

    id: str
    name: LocalText
    rtsp: str
    rtsp_sub: str
    onvif: str


@dataclass(frozen=True, slots=True)
class _Parts:
    camera: DemoCamera
    rtsp: RtspServer
    onvif: OnvifDevice


class DemoBuilding:
    """Pretend cameras, each with its own RTSP and ONVIF port.

    ``credential`` protects them all by password; ``cache`` is where encoded pictures are kept
    (the user's cache folder when absent); ``discovery_port`` None answers no WS-Discovery.
    """

    def __init__(
        self,
        *,
        credential: Credential | None = None,
        cache: Path | None = None,
        discovery_port: int | None = PORT,
    ) -> None:
        self._credential, self._cache, self._wanted_port = credential, cache, discovery_port
        self._parts: dict[str, _Parts] = {}
        self._unplugged: set[str] = set()
        self._tasks = Tasks("demo")
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(
            _MAX_THREADS, thread_name_prefix="demo-encode", initializer=_step_back
        )
        self._discovery: Discovery | None = None
        self.discovery_port: int | None = None
        self._log = structlog.get_logger("demo")

    @property
    def cameras(self) -> Sequence[DemoCamera]:
        """The cameras, in order."""
        return [parts.camera for parts in self._parts.values()]

    async def start(self, cameras: int = 4, host: str = "127.0.0.1", ports: int = 0) -> None:
        """Start ``cameras`` cameras; the first one's RTSP port is ``ports``, and so on (0: any).

        Returns when all of them play. Raises GatewayError when a port is taken or PyAV missing.
        """
        try:
            async with asyncio.timeout(_READY_S):
                views = [_view(number) for number in range(cameras)]
                encoded = await asyncio.gather(*map(self._encoded, views))
            for number, (view, made) in enumerate(zip(views, encoded, strict=True)):
                await self._add(number, view, made, host, ports + number if ports else 0)
            await self._answer_probes(host)
        except TimeoutError as error:
            await self.close()
            raise GatewayError(
                ErrorKind.INTERNAL,
                f"The pretend cameras' pictures were not ready within {_READY_S:.0f} s",
                "the machine is very busy: try again, or with fewer cameras",
            ) from error
        except BaseException:
            await self.close()
            raise

    def plugged(self) -> Mapping[str, bool]:
        """Tell of each camera whether it is plugged in."""
        return {camera: camera not in self._unplugged for camera in self._parts}

    async def set_plugged(self, camera_id: str, plugged: bool, *, silent: bool = False) -> None:  # noqa: FBT001  # reads as the switch it is: set_plugged("yard", False)
        """Plug a camera in, or pull its plug: connections end and new ones are refused.

        ``silent`` pulls the cable instead: everything stays open and nothing is ever said.
        Raises GatewayError when there is no such camera.
        """
        parts = self._parts.get(camera_id)
        if parts is None:
            raise GatewayError(
                ErrorKind.NOT_FOUND,
                f"There is no pretend camera called {camera_id}",
                f"there are: {', '.join(self._parts)}",
            )
        if plugged:
            await parts.rtsp.plug()
            await parts.onvif.plug()
            self._unplugged.discard(camera_id)
        else:
            self._unplugged.add(camera_id)
            await parts.rtsp.unplug(silent=silent)
            await parts.onvif.unplug(silent=silent)
        change = "plugged in" if plugged else "unplugged"
        self._log.info(f"a pretend camera was {change}", camera=camera_id)

    async def close(self) -> None:
        """End everything and give all ports back."""
        self._stop.set()
        if self._discovery is not None:
            self._discovery.close()
            self._discovery = None
        for parts in self._parts.values():
            await parts.rtsp.close()
            await parts.onvif.close()
        self._parts.clear()
        await self._tasks.close()
        await asyncio.to_thread(self._threads.shutdown)

    async def _encoded(self, view: View) -> Clips:
        """Return the clips of ``view`` once they can be played; the rest follows in a thread."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[Clips] = loop.create_future()

        def settle(made: Clips) -> None:
            if not ready.done():
                ready.set_result(made)

        def begin(made: Clips) -> None:
            loop.call_soon_threadsafe(settle, made)

        second = time.time() % MINUTE_S
        work = self._threads.submit(
            clips, view, second=second, ready=begin, stop=self._stop, cache=self._cache
        )
        ended = asyncio.wrap_future(work)
        either: set[asyncio.Future[Any]] = {ended, ready}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
        self._tasks.spawn(self._finished(ended, view), "encode")
        return await ready

    async def _finished(self, ended: asyncio.Future[None], view: View) -> None:
        try:
            await asyncio.shield(ended)
        except (GatewayError, OSError, ValueError):
            self._log.exception("a pretend picture could not be encoded", camera=view.name)

    async def _add(self, number: int, view: View, made: Clips, host: str, port: int) -> None:
        camera_id, name = _identity(number)
        phase_s = number % _PHASES / _PHASES / view.fps
        streams = {
            path: Stream(clip, self._tasks, camera_id + path, phase_s=phase_s)
            for path, clip in ((MAIN_PATH, made.main), (SUB_PATH, made.sub))
        }
        digest = Digest(self._credential) if self._credential else None
        rtsp = RtspServer(streams, host=host, port=port, tasks=self._tasks, digest=digest)
        profiles = tuple(
            Profile(token, path, clip.width, clip.height, clip.fps, clip.fps * view.gop_s)
            for token, path, clip in (("main", MAIN_PATH, made.main), ("sub", SUB_PATH, made.sub))
        )
        onvif = OnvifDevice(
            _facts(number, name, profiles),
            host=host,
            rtsp_port=rtsp.port,
            snapshot=lambda second: asyncio.to_thread(still, view, second),
            credential=self._credential,
        )
        shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104  # compared, not bound
        camera = DemoCamera(
            id=camera_id,
            name=name,
            rtsp=f"rtsp://{shown}:{rtsp.port}{MAIN_PATH}",
            rtsp_sub=f"rtsp://{shown}:{rtsp.port}{SUB_PATH}",
            onvif=f"http://{shown}:{onvif.port}/onvif/device_service",
        )
        self._parts[camera_id] = _Parts(camera, rtsp, onvif)
        await rtsp.plug()
        await onvif.plug()

    async def _answer_probes(self, host: str) -> None:
        if self._wanted_port is None:
            return
        discovery = Discovery(self._plugged_devices, host)
        try:
            self.discovery_port = await discovery.start(self._wanted_port)
        except OSError as error:
            self._log.info("the pretend cameras cannot be discovered", reason=str(error))
            return
        self._discovery = discovery

    def _plugged_devices(self) -> list[tuple[Facts, int]]:
        return [
            (parts.onvif.facts, parts.onvif.port)
            for camera, parts in self._parts.items()
            if camera not in self._unplugged
        ]


def _step_back() -> None:
    """Let encoding threads wait for those that send pictures."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _identity(number: int) -> tuple[str, LocalText]:
    place, russian, english = _NAMES[number % len(_NAMES)]
    turn = number // len(_NAMES) + 1
    counted = f" {turn}" if turn > 1 or place == "entrance" else ""
    camera_id = f"{place}-{turn}" if counted else place
    return camera_id, LocalText.of({"ru": russian + counted, "en": english + counted})


def _view(number: int) -> View:
    _, name = _identity(number)
    return View(number, f"{name.pick('ru')} · {name.pick('en')}")


def _facts(number: int, name: LocalText, profiles: tuple[Profile, ...]) -> Facts:
    # The same camera has the same identity at every start.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"camera-gateway/demo/{number}")
    return Facts(
        name=name.pick("en"),
        model="Demo camera",
        serial=str(serial),
        mac=f"02:00:5e:10:{number // 256:02x}:{number % 256:02x}",
        profiles=profiles,
    )
