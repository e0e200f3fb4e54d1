"""The pictures that are kept in memory: the ones used last, the rest is in files."""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

MOST_BYTES: Final = 32_000_000
"""Some hundreds of pictures; eight thousand cameras would fill a small machine."""

_ENTRY_BYTES: Final = 400
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Poster:
    """A picture and when it was taken."""

    jpeg: bytes
    taken: datetime


@dataclass(slots=True)
class Gallery:
    """Pictures by site and camera; ``None`` stands for a camera that is known to have none."""

    most_bytes: int = MOST_BYTES
    _pictures: OrderedDict[_Key, Poster | None] = field(default_factory=OrderedDict, init=False)
    _bytes: int = field(default=0, init=False)

    def __contains__(self, key: _Key) -> bool:
        """Tell whether a camera's picture, or that there is none, is known here."""
        return key in self._pictures

    def get(self, key: _Key) -> Poster | None:
        """Return a picture that is here."""
        self._pictures.move_to_end(key)
        return self._pictures[key]

    def put(self, key: _Key, poster: Poster | None) -> None:
        """Keep a picture; those that were not used for longest make room."""
        self._drop(key)
        self._pictures[key] = poster
        self._bytes += _size(poster)
        while self._bytes > self.most_bytes and len(self._pictures) > 1:
            self._drop(next(iter(self._pictures)))

    def keep_only(self, keys: Collection[_Key]) -> None:
        """Drop the pictures of all other cameras."""
        for gone in [key for key in self._pictures if key not in keys]:
            self._drop(gone)

    def _drop(self, key: _Key) -> None:
        if key in self._pictures:
            self._bytes -= _size(self._pictures.pop(key))


def _size(poster: Poster | None) -> int:
    return _ENTRY_BYTES + (len(poster.jpeg) if poster is not None else 0)
