"""Encode a scene once, by PyAV's x264, and remember the result in the user's cache folder."""

import contextlib
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from gateway.demo.canvas import Planes
from gateway.demo.clip import Clip
from gateway.demo.scenes import HEIGHT, MINUTE_S, WIDTH, Scene
from gateway.model.errors import ErrorKind, GatewayError

_MAGIC = b"camera-gateway clip\n"
# Goes into the cache's key: raise it when a scene is drawn differently.
_DRAWN = 1


@dataclass(frozen=True, slots=True)
class View:
    """What is encoded: scene number and name, frames per second, key frame distance in seconds."""

    number: int
    name: str
    fps: int = 15
    gop_s: int = 2
    crf: int = 27


@dataclass(frozen=True, slots=True)
class Clips:
    """One camera's two streams."""

    main: Clip
    sub: Clip


def clips(
    view: View,
    *,
    second: float,
    ready: Callable[[Clips], None],
    stop: threading.Event,
    cache: Path | None = None,
) -> None:
    """Make the minute of ``view``; a thread's work, since it computes for seconds.

    ``ready`` is called once, as soon as there is enough to begin playing at ``second`` of the
    minute: at once from the cache, else after the first group of pictures; the rest is encoded
    faster than it plays. ``stop`` ends the work early. Raises GatewayError without PyAV.
    """
    length = MINUTE_S * view.fps
    made = Clips(
        main=Clip(width=WIDTH, height=HEIGHT, fps=view.fps, length=length),
        sub=Clip(width=WIDTH // 2, height=HEIGHT // 2, fps=view.fps, length=length),
    )
    key = hashlib.sha256(json.dumps([_DRAWN, asdict(view)]).encode()).hexdigest()[:24]
    path = (cache or _cache_folder()) / f"{key}.clip"
    kept = _read(path, length)
    if kept is not None:
        for frame, (main, sub) in enumerate(zip(*kept, strict=True)):
            made.main.put(frame, main)
            made.sub.put(frame, sub)
        ready(made)
        return
    units: dict[int, tuple[bytes, bytes]] = {}
    for frame, main, sub in _encode(view, second):
        if stop.is_set():
            return
        made.main.put(frame, main)
        made.sub.put(frame, sub)
        units[frame] = main, sub
        if len(units) == view.fps * view.gop_s:
            ready(made)
    _write(path, [[units[frame][stream] for frame in range(length)] for stream in (0, 1)])


def still(view: View, second: float) -> bytes:
    """Return the picture at ``second`` of the minute as JPEG; computes for a moment."""
    av = _av()
    codec: Any = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height = WIDTH, HEIGHT
    codec.pix_fmt, codec.time_base = "yuvj420p", Fraction(1, 25)
    frame: Any = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    fill(frame, Scene(view.number, view.name).picture(second))
    packets = [*codec.encode(frame.reformat(format="yuvj420p")), *codec.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def fill(frame: Any, picture: Planes) -> None:
    """Copy a picture into a frame of PyAV (rows may be longer there)."""
    for plane, own in zip(frame.planes, (picture.y, picture.u, picture.v), strict=True):
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        rows[:, : own.shape[1]] = own


class Encoder:
    """H.264 constrained baseline without B frames, as browsers like it; one thread."""

    def __init__(
        self, width: int, height: int, *, fps: int, gop: int, options: dict[str, str]
    ) -> None:
        av = _av()
        self._codec: Any = av.CodecContext.create("libx264", "w")
        self._codec.width, self._codec.height = width, height
        self._codec.pix_fmt, self._codec.time_base = "yuv420p", Fraction(1, fps)
        self._codec.framerate = Fraction(fps, 1)
        self._codec.thread_count = 1
        parameters = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:repeat-headers=1"
        colours = "colorprim=bt709:transfer=bt709:colormatrix=bt709"
        self._codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": f"{parameters}:{colours}:sliced-threads=0",
        } | options
        self._frame: Any = av.VideoFrame(width, height, "yuv420p")
        self._count = 0

    def encode(self, picture: Planes) -> bytes:
        """Return the access unit of one picture, in Annex B form."""
        fill(self._frame, picture)
        self._frame.pts = self._count
        self._count += 1
        return b"".join(bytes(packet) for packet in self._codec.encode(self._frame))


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            "The pretend cameras need PyAV to encode their picture, and it is not installed",
            'install it with: pip install "camera-gateway[demo]"',
        ) from error
    return av


def _encode(view: View, second: float) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield frame number, main and sub access unit, from the group of pictures at ``second`` on."""
    scene = Scene(view.number, view.name)
    gop, length = view.fps * view.gop_s, MINUTE_S * view.fps
    options = {"crf": str(view.crf)}
    large = Encoder(WIDTH, HEIGHT, fps=view.fps, gop=gop, options=options)
    small = Encoder(WIDTH // 2, HEIGHT // 2, fps=view.fps, gop=gop, options=options)
    first = int(second / view.gop_s) * gop
    for step in range(length):
        frame = (first + step) % length
        picture = scene.picture(frame / view.fps)
        yield frame, large.encode(picture), small.encode(_half(picture))


def _half(picture: Planes) -> Planes:
    """Return the picture at half size, each pixel the mean of four."""
    halves = []
    for plane in (picture.y, picture.u, picture.v):
        # Pairs of rows, then pairs of columns; 16 bits hold the sum of four bytes.
        rows = plane[0::2].astype(np.uint16) + plane[1::2]
        halves.append(((rows[:, 0::2] + rows[:, 1::2] + 2) >> 2).astype(np.uint8))
    return Planes(*halves)


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "camera-gateway" / "demo"


def _write(path: Path, streams: Iterable[list[bytes]]) -> None:
    """Write all access units, at once or not at all; a cache that cannot be written is no error."""
    body = b"".join(b"".join(units) for units in streams)
    sizes = [[len(unit) for unit in units] for units in streams]
    head = {"sha256": hashlib.sha256(body).hexdigest(), "sizes": sizes}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _replacing(path) as descriptor:
            os.write(descriptor, _MAGIC + json.dumps(head).encode() + b"\n")
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.write(body)
    except OSError as error:
        structlog.get_logger("demo").info(
            "the pretend cameras' pictures cannot be kept for the next start",
            folder=str(path.parent),
            error=str(error),
        )


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[int]:
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".clip-")
    try:
        yield descriptor
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _read(path: Path, length: int) -> tuple[list[bytes], list[bytes]] | None:
    """Return what :func:`_write` kept; None when it is absent or damaged."""
    try:
        magic, head, body = path.read_bytes().split(b"\n", 2)
        facts = json.loads(head)
        main, sub = facts["sizes"]
        whole = hashlib.sha256(body).hexdigest() == facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if magic + b"\n" != _MAGIC or not whole or not len(main) == len(sub) == length:
        return None
    units, at = [], 0
    for size in [*main, *sub]:
        units.append(body[at : at + size])
        at += size
    return units[:length], units[length:]
