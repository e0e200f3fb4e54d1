"""A few seconds of a camera's video, measured as it arrives: rates, key frames, one picture.

By our own RTSP client, because a session that only waits for packets needs no process: dozens of
cameras are listened to at once, and a decoder is asked once per camera for one picture.
"""

import asyncio
import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.rtsp.client import Client
from gateway.rtsp.sdp import Track

CODECS: Final = frozenset({"H264", "H265"})
_FIRST_PACKET_S: Final = 4.0
_FIRST_KEY_S: Final = 12.0
_LARGEST_PICTURE: Final = 8 << 20
_START: Final = b"\0\0\0\1"
_WRAP: Final = 1 << 32
_B_SLICES: Final = frozenset({1, 6})
_H264_SPS: Final = 7
_H264_PPS: Final = 8
_H264_ENTRIES: Final = frozenset({5, _H264_SPS})
"""An IDR slice and an SPS (Rec. H.264 table 7-1): decoding may begin there."""
_H265_ENTRIES: Final = range(16, 22)
"""BLA, IDR and CRA pictures (Rec. H.265 table 7-1)."""
_LONGEST_HEADER: Final = 2
"""Bytes of a NAL unit's header; what is no longer holds nothing."""


@dataclass(slots=True)
class Sample:
    """What was heard. Times in seconds; ``data`` is the first key frame as an Annex B stream.

    ``gaps_s`` are the distances of key frames, ``tail_s`` the time since the last one.
    """

    codec: str
    packets: int = 0
    times: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    size: int = 0
    b_frames: bool = False
    data: bytes = b""
    sps: str = ""

    @property
    def gaps_s(self) -> list[float]:
        """The distances of key frames."""
        return [later - sooner for sooner, later in zip(self.keys, self.keys[1:], strict=False)]

    def as_facts(self) -> dict[str, object]:
        """Return the measures in the words of the child that plays by itself."""
        span = max(self.times) - min(self.times) if self.times else 0.0
        return {
            "opened": True,
            "codec": {"H264": "h264", "H265": "hevc"}[self.codec],
            "pictures": len(self.times),
            "fps": (len(set(self.times)) - 1) / span if span > 0 else None,
            "bitrate": 8 * self.size / span if span > 0 else None,
            "gaps_s": self.gaps_s,
            "tail_s": max(self.times) - self.keys[-1] if self.keys else span,
            "sps": self.sps,
            "types": "B" if self.b_frames else "",
        }


async def take_sample(client: Client, track: Track, *, window_s: float, gaps: int) -> Sample:
    """Play ``track`` on an open client and listen until ``gaps`` distances of key frames are known.

    Ends at most ``window_s`` after the first whole picture, for which it waits up to 16 s. Raises
    GatewayError CAMERA_*.
    """
    sink = _Listener(track, gaps)
    await client.play([(track, sink)])
    await _first(sink.heard, client, _FIRST_PACKET_S)
    if sink.heard.is_set():
        await _first(sink.begun, client, _FIRST_KEY_S)
    if sink.begun.is_set():
        await _first(sink.enough, client, window_s)
    return sink.result()


async def _first(event: asyncio.Event, client: Client, within_s: float) -> None:
    """Wait for an event, the end of the connection, or the deadline, whichever comes first."""
    waiting = asyncio.ensure_future(event.wait())
    either: set[asyncio.Future[Any]] = {waiting, client.ended}
    try:
        await asyncio.wait(either, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


class _Listener:
    """Puts one track's packets together (RFC 6184 section 5, RFC 7798 section 4.4)."""

    def __init__(self, track: Track, gaps: int) -> None:
        self.heard, self.begun, self.enough = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._h265 = track.codec == "H265"
        self._clock = track.clock_rate or 90_000
        self._gaps = gaps
        self._sample = Sample(track.codec)
        self._parameters = _parameter_sets(track)
        self._units: list[bytes] = []
        self._fragment: bytearray | None = None
        self._timestamp = -1
        self._now = 0.0
        self._size = 0
        self._damaged = True  # we may have come in the middle of a picture

    def result(self) -> Sample:
        """Return the sample so far."""
        return self._sample

    def packet(
        self, payload: memoryview, *, timestamp: int, marker: bool, lost: int, arrival: float
    ) -> None:
        """Take one packet (see ``PacketSink``)."""
        del marker, arrival
        self.heard.set()
        self._sample.packets += 1
        if timestamp != self._timestamp:
            self._finish()
            self._advance(timestamp)
        if lost:
            self._damaged, self._fragment = True, None
        self._size += len(payload)
        # After the first whole picture only beginnings matter: time, key frame, kind of slice.
        self._take(bytes(payload))

    def restarted(self) -> None:
        """Begin anew: times have nothing to do with those before."""
        self._timestamp = -1
        self._damaged = True

    def _advance(self, timestamp: int) -> None:
        if self._timestamp >= 0:
            step = (timestamp - self._timestamp) % _WRAP
            step = step if step < _WRAP // 2 else step - _WRAP
            if step < 0 and self._sample.times:
                self._sample.b_frames = True  # shown before what was sent earlier
            self._now += step / self._clock
        self._timestamp = timestamp

    def _finish(self) -> None:
        """One picture is complete."""
        units, self._units, self._fragment = self._units, [], None
        size, self._size = self._size, 0
        damaged, self._damaged = self._damaged, False
        if not units:
            return
        key = any(self._is_key(unit) for unit in units)
        sample = self._sample
        if not sample.times and (not key or damaged):
            self._keep_parameters(units)
            return
        if not sample.times:
            self._keep_parameters(units)
            slices = [unit for unit in units if not self._is_parameter(unit)]
            sample.data = b"".join(_START + unit for unit in (*self._parameters.values(), *slices))
            self.begun.set()
        sample.times.append(self._now)
        sample.size += size
        if not self._h265 and any(_slice_type(unit) in _B_SLICES for unit in units):
            sample.b_frames = True
        if key:
            sample.keys.append(self._now)
            if len(sample.keys) > self._gaps:
                self.enough.set()

    def _take(self, payload: bytes) -> None:
        header = 2 if self._h265 else 1
        if len(payload) <= header:
            return
        kind = self._kind(payload)
        if kind == (49 if self._h265 else 28):
            self._take_fragment(payload, header)
        elif kind == (48 if self._h265 else 24):
            at = header
            while at + 2 < len(payload):
                size = payload[at] << 8 | payload[at + 1]
                self._unit(payload[at + 2 : at + 2 + size])
                at += 2 + size
        else:
            self._unit(payload)

    def _take_fragment(self, payload: bytes, header: int) -> None:
        flags = payload[header]
        if flags & 0x80:
            if self._h265:
                first = bytes([payload[0] & 0x81 | (flags & 0x3F) << 1, payload[1]])
            else:
                first = bytes([payload[0] & 0xE0 | flags & 0x1F])
            self._fragment = bytearray(first)
        if self._fragment is None or len(self._fragment) > _LARGEST_PICTURE:
            self._damaged = True
            return
        self._fragment += payload[header + 1 :]
        if flags & 0x40:
            self._unit(bytes(self._fragment))
            self._fragment = None

    def _unit(self, unit: bytes) -> None:
        if len(unit) > (2 if self._h265 else 1):
            self._units.append(unit if not self._sample.times else unit[:64])

    def _kind(self, unit: bytes) -> int:
        return unit[0] >> 1 & 0x3F if self._h265 else unit[0] & 0x1F

    def _is_key(self, unit: bytes) -> bool:
        """Tell whether decoding may begin here (H.265 table 7-1; an IDR or an SPS of H.264)."""
        return self._kind(unit) in (_H265_ENTRIES if self._h265 else _H264_ENTRIES)

    def _is_parameter(self, unit: bytes) -> bool:
        return self._kind(unit) in ({32, 33, 34} if self._h265 else {_H264_SPS, _H264_PPS})

    def _keep_parameters(self, units: list[bytes]) -> None:
        for unit in units:
            if self._is_parameter(unit):
                self._parameters[_place(self._kind(unit), unit)] = unit
        if not self._h265:
            sps = [unit for (kind, _), unit in self._parameters.items() if kind == _H264_SPS]
            self._sample.sps = sps[-1][1:4].hex() if sps else ""


def _place(kind: int, unit: bytes) -> tuple[int, bytes]:
    """Return where a parameter set is kept: of H.264's PPS there may be several."""
    return kind, unit if kind == _H264_PPS else b""


def _parameter_sets(track: Track) -> dict[tuple[int, bytes], bytes]:
    """Return the parameter sets of the description by kind (RFC 6184 8.1, RFC 7798 7.1)."""
    keys = ("sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps")
    found: dict[tuple[int, bytes], bytes] = {}
    for text in ",".join(track.fmtp.get(key, "") for key in keys).split(","):
        try:
            unit = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(unit) > _LONGEST_HEADER:
            kind = unit[0] >> 1 & 0x3F if track.codec == "H265" else unit[0] & 0x1F
            found[_place(kind, unit)] = unit
    return dict(sorted(found.items(), key=lambda entry: entry[0][0]))


def _slice_type(unit: bytes) -> int:
    """Return an H.264 slice's type (Rec. H.264 7.3.3); -1 for what is no slice."""
    if unit[0] & 0x1F not in {1, 5}:
        return -1
    bits = int.from_bytes(unit[1:17].ljust(16, b"\0"), "big")
    at = 128
    values = []
    for _ in range(2):  # first_mb_in_slice, slice_type: Exp-Golomb codes
        zeros = at - bits.bit_length()
        length = 2 * zeros + 1
        if at < length or bits == 0:
            return -1
        values.append((bits >> (at - length)) - 1)
        at -= length
        bits &= (1 << at) - 1
    return values[1]
