"""A camera's parameter sets: those of its SDP, and those that it sends between the pictures."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from gateway.mediaserver.ingest.codec import NalCodec
from gateway.mediaserver.ports import VideoFormat

_MAX_SET: Final = 1100
_MAX_OF_A_KIND: Final = 8
_SPROPS: Final = ("sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps")


class ParameterSets:
    """The sets in force. A set of the same type and id replaces the older one."""

    def __init__(self, codec: NalCodec, fmtp: Mapping[str, str]) -> None:
        self._codec = codec
        self._sets: dict[tuple[int, int], bytes] = {}
        for name in _SPROPS:
            for text in fmtp.get(name, "").split(","):
                nal = _decoded(text)
                if nal:
                    self.add(nal)

    def add(self, nal: bytes) -> bool:
        """Take one set and tell whether it is news; broken and foreign ones are no news."""
        codec = self._codec
        kind = codec.kind(nal[0])
        number = codec.parameter_set_id(nal) if kind in codec.parameter_sets else -1
        key = (kind, number)
        if number < 0 or len(nal) > _MAX_SET or self._sets.get(key) == nal:
            return False
        same = [other for other in self._sets if other[0] == kind]
        if key not in self._sets and len(same) >= _MAX_OF_A_KIND:
            del self._sets[same[0]]
        self._sets[key] = nal
        return True

    @property
    def complete(self) -> bool:
        """A decoder can begin with them."""
        return {kind for kind, _ in self._sets} == set(self._codec.parameter_sets)

    def nals(self) -> list[bytes]:
        """Return all sets in the order that a decoder wants."""
        return [self._sets[key] for key in sorted(self._sets)]

    def format(self) -> VideoFormat:
        """Describe the video."""
        return self._codec.format(self.nals())


def _decoded(text: str) -> bytes:
    """Return a base64 NAL unit; cameras forget the padding, and some keep the start code."""
    text = text.strip()
    try:
        nal = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return nal.removeprefix(b"\0").removeprefix(b"\0\0\1")
