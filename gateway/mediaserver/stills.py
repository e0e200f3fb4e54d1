"""The worker that decodes key frames, started by the first picture that somebody wants."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.rtsp.picture import PictureWorker


class Stills:
    """Owns the picture worker; most servers are never asked for a picture, and load nothing."""

    def __init__(self) -> None:
        self._worker: PictureWorker | None = None

    async def png(self, annexb: bytes, codec: str, deadline_s: float) -> bytes:
        """Decode a key frame in a child process; see :meth:`PictureWorker.png`."""
        if self._worker is None:
            from gateway.rtsp.picture import PictureWorker

            self._worker = PictureWorker()
        return await self._worker.png(annexb, codec, deadline_s)

    async def close(self) -> None:
        """End the child process."""
        if self._worker is not None:
            await self._worker.close()
