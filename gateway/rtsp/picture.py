"""Still pictures: one decoded key frame as PNG, smaller JPEGs for posters.

OpenCV runs in a child process of its own (``python -m gateway.rtsp.picture``), the only place that
imports it: bytes of cameras never reach a decoder inside the gateway or the media server, a decoder
that hangs or crashes is killed and costs nobody else anything, and an idle one costs no memory.
"""

import asyncio
import contextlib
import os
import struct
import sys
from typing import Any, Final, NoReturn

from gateway.model.errors import ErrorKind, GatewayError

MAX_INPUT: Final = 16 * 1024 * 1024
"""Bytes of one key frame or picture that are accepted."""

_MAX_OUTPUT: Final = 64 * 1024 * 1024
_JPEG_QUALITY: Final = 82
# Request: what to do, a number (JPEG: widest width in pixels), bytes that follow.
_REQUEST: Final = struct.Struct(">BII")
# Answer: 0 for a picture or 1 for the text of an error, bytes that follow.
_ANSWER: Final = struct.Struct(">BI")
_PNG, _JPEG = 1, 2
_CODECS: Final = frozenset({"H264", "H265"})
_OK, _FAILED = 0, 1
# One thread per library: a still now and then must not take a core from the packets.
_QUIET: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_LOG_LEVEL": "OFF",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
}


class PictureWorker:
    """Asks the child process, starts it when needed, and ends it when it is idle or hangs.

    One request at a time; the others wait within their own deadline. ``idle_s``: seconds without
    a request after which the child ends.
    """

    def __init__(self, *, idle_s: float = 30.0) -> None:
        self._idle_s = idle_s
        self._lock = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._leaving: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return None if self._child is None else self._child.pid

    async def png(self, annexb: bytes, codec: str, deadline_s: float = 5) -> bytes:
        """Decode the first picture of an Annex B key frame (with parameter sets) into a PNG.

        ``codec`` is ``H264`` or ``H265``. Raises GatewayError: CODEC_UNSUPPORTED, CAMERA_NO_VIDEO
        when it cannot be decoded, CAMERA_TIMEOUT after ``deadline_s``.
        """
        if codec not in _CODECS:
            raise GatewayError(
                ErrorKind.CODEC_UNSUPPORTED,
                f"A still picture cannot be made from {codec}",
                "set the camera to H.264",
            )
        return await self._ask(_PNG, 0, annexb, deadline_s)

    async def jpeg(self, image: bytes, max_width: int, deadline_s: float = 5) -> bytes:
        """Make a JPEG at most ``max_width`` pixels wide of a PNG or JPEG; errors as :meth:`png`."""
        return await self._ask(_JPEG, max_width, image, deadline_s)

    async def close(self) -> None:
        """End the child."""
        async with self._lock:
            await self._end()

    async def _ask(self, what: int, number: int, data: bytes, deadline_s: float) -> bytes:
        if len(data) > MAX_INPUT:
            raise GatewayError(
                ErrorKind.BAD_REQUEST,
                f"A picture of {len(data)} bytes is too large",
                f"at most {MAX_INPUT} bytes are accepted",
            )
        try:
            async with asyncio.timeout(deadline_s), self._lock:
                status, body = await self._exchange(_REQUEST.pack(what, number, len(data)) + data)
        except TimeoutError as error:
            raise GatewayError(
                ErrorKind.CAMERA_TIMEOUT,
                f"A still picture was not ready within {deadline_s:g} s",
                "it is tried again with the next picture",
            ) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise GatewayError(
                ErrorKind.CAMERA_NO_VIDEO,
                "The picture could not be decoded: the decoder ended",
                "it is tried again with the next picture",
            ) from error
        if status != _OK:
            raise GatewayError(
                ErrorKind.CAMERA_NO_VIDEO,
                f"The picture could not be decoded: {body.decode('utf-8', 'replace')}",
                "it is tried again with the next picture",
            )
        return body

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        """Ask the child; whatever goes wrong, the next request finds a new one."""
        if self._idle is not None:
            self._idle.cancel()
        try:
            writer, reader = _pipes(await self._running())
            writer.write(request)
            await writer.drain()
            status, body = await _reply(reader)
        except BaseException:
            await self._end()
            raise
        self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._rest)
        return status, body

    async def _running(self) -> asyncio.subprocess.Process:
        if self._child is not None and self._child.returncode is None:
            return self._child
        await self._end()
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.rtsp.picture"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **_QUIET},
        )
        return self._child

    def _rest(self) -> None:
        """Close the idle child's input, at which it ends."""
        if self._child is not None and not self._lock.locked():
            _pipes(self._child)[0].close()
            self._leaving, self._child = self._child, None

    async def _end(self) -> None:
        children = [child for child in (self._child, self._leaving) if child is not None]
        self._child = self._leaving = None
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            _pipes(child)[0].close()
            # Killing cannot be refused, so this wait is short; it must not be left half done.
            await asyncio.shield(asyncio.ensure_future(child.wait()))


async def _reply(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    status, size = _ANSWER.unpack(await reader.readexactly(_ANSWER.size))
    if size > _MAX_OUTPUT:
        raise OSError("the decoder's answer is too large")
    return status, await reader.readexactly(size)


def _pipes(
    child: asyncio.subprocess.Process,
) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    if child.stdin is None or child.stdout is None:
        raise OSError("the decoder was started without pipes")
    return child.stdin, child.stdout


def _serve() -> NoReturn:
    """Be the child: answer requests from standard input until it ends (also with its parent)."""
    import cv2

    cv2.setNumThreads(1)
    while True:
        head = sys.stdin.buffer.read(_REQUEST.size)
        if len(head) < _REQUEST.size:
            sys.exit(0)
        what, number, size = _REQUEST.unpack(head)
        data = sys.stdin.buffer.read(size)
        if len(data) < size:
            sys.exit(0)
        try:
            status, body = _OK, _decode(data) if what == _PNG else _shrink(data, number)
        except (ValueError, OSError, cv2.error) as error:
            status, body = _FAILED, str(error).strip().encode()[:500]
        sys.stdout.buffer.write(_ANSWER.pack(status, len(body)) + body)
        sys.stdout.buffer.flush()


def _decode(annexb: bytes) -> bytes:
    """Return the first picture as PNG.

    OpenCV reads files only; this one is memory without a name, so that nothing is left behind
    when the child is killed.
    """
    import cv2

    descriptor = os.memfd_create("picture")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(annexb)
        path = f"/proc/self/fd/{descriptor}"
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        try:
            good, image = capture.read()
        finally:
            capture.release()
    finally:
        os.close(descriptor)
    if not good or image is None:
        raise ValueError("there is no whole picture in it")
    return _encoded(image, ".png", [cv2.IMWRITE_PNG_COMPRESSION, 1])


def _shrink(data: bytes, max_width: int) -> bytes:
    import cv2
    import numpy as np

    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("it is neither PNG nor JPEG")
    height, width = image.shape[:2]
    if 0 < max_width < width:
        size = (max_width, max(1, round(height * max_width / width)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return _encoded(image, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])


def _encoded(image: Any, kind: str, options: list[int]) -> bytes:
    import cv2

    good, data = cv2.imencode(kind, image, options)
    if not good:
        raise ValueError(f"it cannot be written as {kind[1:]}")
    return bytes(data)


if __name__ == "__main__":
    _serve()
