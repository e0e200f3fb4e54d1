"""An edge: takes from its origin what its viewers ask for, and lets it go when nobody watches.

As in WCS's CDN, a viewer plays a stream by name and the edge fetches it by itself. The camera never
sees it: the origin's RTSP output does.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from gateway.kit.clock import Clock
from gateway.kit.secret import Secret
from gateway.kit.tasks import Tasks
from gateway.mediaserver.ingest.capture import Capture, CaptureSettings, CaptureStatus
from gateway.mediaserver.outlet.names import path_of
from gateway.mediaserver.ports import Engine, PlayRefused
from gateway.mediaserver.registry import MAX_NAME, Agent
from gateway.mediaserver.texts import Info
from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp import address
from gateway.rtsp.arrivals import Arrivals

WAIT_S: Final = 6.0
"""So long a viewer waits for the first picture of a stream that the edge has to fetch."""

_LOOK_S: Final = 0.02
_TIDY_S: Final = 0.5
_GONE_S: Final = 30.0
# The origin is ours and near, so it is asked often: viewers wait for its return.
_PULL: Final = CaptureSettings(
    connect_s=3.0, retry_first_s=0.1, retry_most_s=1.0, login_s=2.0, login_most_s=15.0
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the origin's RTSP output is: ``file`` holds its address with user and password.

    The file is read at each connection, so that it may change while the edge runs.
    """

    file: Path

    def of(self, stream: str) -> Secret:
        """Return the address of a stream; raises CAMERA_UNREACHABLE when the file is no use."""
        try:
            where = address.parse(Secret(self.file.read_text(encoding="utf-8").strip()))
        except (OSError, UnicodeDecodeError, GatewayError) as error:
            raise GatewayError(
                ErrorKind.CAMERA_UNREACHABLE,
                f"{self.file} does not say where the origin is",
                "write rtsp://user:password@host:port into it",
            ) from error
        return replace(where, path=path_of(stream)).secret_url


@dataclass(slots=True)
class _Pull:
    """A stream that is fetched; ``waiting`` viewers do not play yet."""

    agent: Agent
    waiting: int = 0
    idle_s: float = 0.0
    gone_s: float = 0.0


class Edge:
    """The streams that this server has of its origin.

    A stream without viewers is let go after ``linger_s`` seconds; at most ``limit`` are fetched.
    ``arrivals`` reads them together.
    """

    def __init__(
        self,
        engine: Engine,
        origin: Origin,
        *,
        sound: bool,
        linger_s: float,
        limit: int,
        clock: Clock,
        arrivals: Arrivals,
    ) -> None:
        self._engine = engine
        self._origin = origin
        self._settings = replace(_PULL, sound=sound, arrivals=arrivals)
        self._linger_s = linger_s
        self._limit = limit
        self._clock = clock
        self._pulls: dict[str, _Pull] = {}
        self._tasks = Tasks("edge")
        self._ends: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("edge")

    def start(self) -> None:
        """Begin to let idle streams go."""
        self._tasks.spawn(self._tidy(), "tidy")

    async def close(self) -> None:
        """Let every stream go."""
        await self._tasks.close()
        for name in list(self._pulls):
            self._drop(name, Info.STOPPED_BY_PUBLISHER)
        await asyncio.gather(*self._ends)

    def agents(self) -> Sequence[Agent]:
        """Return what is fetched."""
        return [pull.agent for pull in self._pulls.values()]

    def lacks(self, name: str) -> bool:
        """Tell whether a play of ``name`` has to wait for :meth:`fetch`."""
        return not any(stream.name == name and stream.video for stream in self._engine.streams())

    async def fetch(self, name: str) -> None:
        """Return when ``name`` can be played; raises PlayRefused when it cannot."""
        pull = self._pulls.get(name) or self._begin(name)
        pull.waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                await self._come(pull)
        except TimeoutError as error:
            # Why is in the log: what it says of servers and ports is none of a viewer's business.
            raise PlayRefused(_why_not(pull)) from error
        finally:
            pull.waiting -= 1

    async def _come(self, pull: _Pull) -> None:
        while self.lacks(pull.agent.stream):
            if _unknown(pull):
                if pull.waiting == 1 and not self._viewers(pull.agent.stream):
                    self._drop(pull.agent.stream, Info.CDN_NOT_FOUND)
                raise PlayRefused(Info.CDN_NOT_FOUND)
            await self._clock.sleep(_LOOK_S)

    def _begin(self, name: str) -> _Pull:
        if not (0 < len(name) <= MAX_NAME and name.isprintable()):
            raise PlayRefused(Info.CDN_NOT_FOUND)
        if len(self._pulls) >= self._limit:
            raise PlayRefused(
                Info.ORIGIN_FAILED, f"this server takes {self._limit} streams at most"
            )
        try:
            sink = self._engine.publish(name)
        except ValueError as error:
            raise PlayRefused(Info.NAME_IN_USE) from error
        capture = Capture(
            lambda: self._origin.of(name), sink, self._settings, self._clock, name=name
        )
        pull = self._pulls[name] = _Pull(Agent(Secret(""), name, named=True, capture=capture))
        capture.start()
        self._log.info("a stream is fetched from the origin", stream=name)
        return pull

    def _drop(self, name: str, info: Info) -> None:
        pull = self._pulls.pop(name)
        self._engine.unpublish(name, info)
        # Not one of our tasks, which are cancelled at the end: a good-bye is to be said.
        end = asyncio.create_task(pull.agent.capture.close(), name=f"edge:close {name}")
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)
        self._log.info("a stream is let go", stream=name)

    def _viewers(self, name: str) -> int:
        return sum(stream.viewers for stream in self._engine.streams() if stream.name == name)

    async def _tidy(self) -> None:
        while True:
            await self._clock.sleep(_TIDY_S)
            for name, pull in list(self._pulls.items()):
                idle = not pull.waiting and not self._viewers(name)
                pull.idle_s = pull.idle_s + _TIDY_S if idle else 0.0
                # An origin that has just started does not know its streams yet.
                pull.gone_s = pull.gone_s + _TIDY_S if _unknown(pull) else 0.0
                if pull.idle_s > self._linger_s or pull.gone_s > _GONE_S:
                    self._drop(name, Info.STOPPED_BY_PUBLISHER)


def _why_not(pull: _Pull) -> Info:
    """Tell an origin that cannot be asked from one that has no picture yet."""
    state = pull.agent.state
    waits = state.status is CaptureStatus.CONNECTING
    return Info.NOT_READY if waits else Info.ORIGIN_FAILED


def _unknown(pull: _Pull) -> bool:
    """Tell whether the origin has said that it does not have this stream."""
    state = pull.agent.state
    return state.status is CaptureStatus.FAILED and state.info == Info.RTSP_NOT_FOUND
