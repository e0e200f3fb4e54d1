"""Which stream and track a request names: ``rtsp://host/<stream>/<track>``."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from gateway.mediaserver.outlet.description import AUDIO, VIDEO

_MOST: Final = 2048


@dataclass(frozen=True, slots=True)
class Place:
    """A stream, and one of its tracks where the request names one."""

    stream: str
    track: str = ""


def place_of(uri: str) -> Place | None:
    """Return what a request's address names; ``None`` for one that makes no sense."""
    if len(uri) > _MOST:
        return None
    try:
        path = urlsplit(uri).path
    except ValueError:
        return None
    path = path.strip("/")
    stream, slash, track = path.rpartition("/")
    if slash and track in (VIDEO, AUDIO):
        return Place(unquote(stream), track)
    return Place(unquote(path)) if path else None


def path_of(stream: str) -> str:
    """Return the path of a stream's address."""
    return "/" + quote(stream, safe="")
