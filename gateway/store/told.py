"""``told.json``: the outages that people were told of, so that a restart does not tell again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.kit import wholefile
from gateway.model.errors import ErrorKind, GatewayError

FILE: Final = "told.json"


class ToldFile:
    """Keeps site -> camera -> since when, in seconds since 1970."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def load(self) -> Mapping[str, Mapping[str, float]]:
        """Return what is kept; a file that is not there or is broken holds nothing."""
        try:
            content = json.loads(self._path.read_bytes())
            return {
                str(site): {str(camera): float(since) for camera, since in cameras.items()}
                for site, cameras in content.items()
            }
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def save(self, told: Mapping[str, Mapping[str, float]]) -> None:
        """Replace the file in one step; raises GatewayError."""
        try:
            wholefile.replace(self._path, json.dumps(told).encode())
        except OSError as error:
            raise GatewayError(
                ErrorKind.INTERNAL,
                f"{self._path} cannot be written: {error.strerror}",
                "look at the disk's free space and the folder's owner",
            ) from error
