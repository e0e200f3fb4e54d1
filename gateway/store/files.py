"""Pictures in files: ``<folder>/<site>/<camera>.jpg``, whole or not at all."""

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from gateway.kit import wholefile
from gateway.model.errors import ErrorKind, GatewayError

MAX_BYTES: Final = 2_000_000
"""A poster is some tens of kilobytes; what is larger is no poster."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_JPEG: Final = b"\xff\xd8\xff"


class PosterFiles:
    """Keeps the latest picture of each camera."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = structlog.get_logger("store")

    def load(self, site_id: str, camera_id: str) -> tuple[bytes, datetime] | None:
        """Return the last picture and its time; ``None`` when there is none that can be used."""
        path = self._path(site_id, camera_id)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                taken = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                jpeg = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._log.warning("a kept picture cannot be read", file=str(path), reason=str(error))
            return None
        return (jpeg, taken) if _usable(jpeg) else None

    def save(self, site_id: str, camera_id: str, jpeg: bytes, taken: datetime) -> None:
        """Replace the camera's picture in one step; raises GatewayError."""
        path = self._path(site_id, camera_id)
        if path is None or not _usable(jpeg):
            raise GatewayError(
                ErrorKind.INTERNAL, f"no picture to keep of camera {camera_id} of {site_id}"
            )
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            wholefile.replace(path, jpeg, modified=taken.timestamp())
        except OSError as error:
            raise GatewayError(
                ErrorKind.INTERNAL,
                f"the picture {path} cannot be written: {error.strerror}",
                "look at the disk's free space and the folder's owner",
            ) from error

    def forget(self, site_id: str) -> None:
        """Delete a site's pictures."""
        if _NAME.fullmatch(site_id):
            shutil.rmtree(self._folder / site_id, ignore_errors=True)

    def _path(self, site_id: str, camera_id: str) -> Path | None:
        if not (_NAME.fullmatch(site_id) and _NAME.fullmatch(camera_id)):
            return None
        return self._folder / site_id / f"{camera_id}.jpg"


def _usable(jpeg: bytes) -> bool:
    return len(jpeg) <= MAX_BYTES and jpeg.startswith(_JPEG)
