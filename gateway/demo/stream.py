"""One stream of a pretend camera: its clip, the wall clock, and everybody who plays it."""

import asyncio
import secrets
import struct
import time
from typing import Protocol

from gateway.demo.clip import Clip, Picture
from gateway.kit.tasks import Tasks

CLOCK_RATE = 90_000
PAYLOAD_TYPE = 96
_NTP_OFFSET = 2_208_988_800  # seconds between 1900 (RFC 5905) and 1970
_REPORT_EVERY_S = 5.0
_LATE_S = 1.0


class Transport(Protocol):
    """How RTP and RTCP packets leave for one player."""

    def rtp(self, packets: list[bytes]) -> bool:
        """Send one frame; False when the player is too slow to take it."""

    def rtcp(self, packet: bytes) -> None:
        """Send one RTCP packet."""


class Player:
    """One player's RTP session (RFC 3550): own SSRC and sequence numbers, shared pictures."""

    def __init__(self, transport: Transport, *, offset: int) -> None:
        self.ssrc = secrets.randbits(32)
        self.sequence = secrets.randbits(16)
        self._offset = offset
        self._transport = transport
        self._packets = self._octets = 0
        self._reported = 0.0
        self._waits_for_key = False
        self._sent = -1

    def timestamp(self, moment: float) -> int:
        """Return the RTP timestamp of a wall-clock moment (seconds since 1970)."""
        return (round(moment * CLOCK_RATE) + self._offset) & 0xFFFFFFFF

    def send(self, picture: Picture, number: int, moment: float) -> None:
        """Send frame ``number`` as a burst, as cameras do; once only, and in order.

        A slow player loses frames until the next key frame.
        """
        if number <= self._sent or (self._waits_for_key and not picture.key):
            return
        self._sent = number
        stamp, last = self.timestamp(moment), len(picture.payloads) - 1
        packets = []
        for index, payload in enumerate(picture.payloads):
            kind = PAYLOAD_TYPE | (0x80 if index == last else 0)
            header = struct.pack(">BBHII", 0x80, kind, self.sequence, stamp, self.ssrc)
            self.sequence = (self.sequence + 1) & 0xFFFF
            packets.append(header + payload)
        self._waits_for_key = not self._transport.rtp(packets)
        self._packets += len(packets)
        self._octets += sum(map(len, picture.payloads))
        if moment - self._reported >= _REPORT_EVERY_S:
            self._reported = moment
            self._transport.rtcp(self._report(moment))

    def _report(self, moment: float) -> bytes:
        """Make a sender report and a CNAME (RFC 3550 sections 6.4.1 and 6.5)."""
        seconds = int(moment)
        fraction = int((moment - seconds) * 2**32)
        report = struct.pack(
            ">BBHIIIIII",
            *(0x80, 200, 6, self.ssrc, (seconds + _NTP_OFFSET) & 0xFFFFFFFF, fraction),
            *(self.timestamp(moment), self._packets & 0xFFFFFFFF, self._octets & 0xFFFFFFFF),
        )
        name = b"\x01\x04demo\x00\x00"
        return report + struct.pack(">BBHI", 0x81, 202, 1 + len(name) // 4, self.ssrc) + name


class Stream:
    """A clip that plays by the wall clock while somebody watches.

    Frame n of the clip is due at second n / fps of every loop, counted from the epoch, so that a
    clip of one minute is in step with the clock on the wall. ``phase_s`` delays all frames: real
    cameras do not send theirs at the same moments.
    """

    def __init__(self, clip: Clip, tasks: Tasks, name: str, *, phase_s: float = 0.0) -> None:
        self.clip = clip
        self._phase_s = phase_s
        self.silent = False
        self._tasks, self._name = tasks, name
        self._players: set[Player] = set()
        self._offset = secrets.randbits(32)
        self._pacer: asyncio.Task[None] | None = None

    def player(self, transport: Transport) -> Player:
        """Make a player that is not playing yet."""
        return Player(transport, offset=self._offset)

    def play(self, player: Player) -> tuple[int, int]:
        """Start ``player``; return the sequence number and timestamp of its first packet.

        The running group of pictures is sent at once from its key frame, as cameras do that
        keep it ready, so that a decoder need not wait for the next one.
        """
        now = self._number()
        first = self.clip.key_before(now)
        start = player.sequence, player.timestamp(self._moment(first))
        if player not in self._players:
            self._players.add(player)
            asyncio.get_running_loop().call_soon(self._catch_up, player, first, now)
        if self._pacer is None or self._pacer.done():
            self._pacer = self._tasks.spawn(self._pace(now + 1), self._name)
        return start

    def stop(self, player: Player) -> None:
        """Stop ``player``; with the last one the stream rests."""
        self._players.discard(player)
        if not self._players and self._pacer is not None:
            self._pacer.cancel()
            self._pacer = None

    def _catch_up(self, player: Player, first: int, last: int) -> None:
        for number in range(first, last + 1):
            picture = self.clip.picture(number)
            if picture is not None and player in self._players and not self.silent:
                player.send(picture, number, self._moment(number))

    async def _pace(self, number: int) -> None:
        while True:
            wait = self._moment(number) - time.time()
            if abs(wait) > _LATE_S:
                # The machine slept or its clock was set: go on from now, not in one burst.
                number = self._number() + 1
                continue
            await asyncio.sleep(wait)
            picture = self.clip.picture(number)
            if picture is not None and not self.silent:
                for player in tuple(self._players):
                    player.send(picture, number, self._moment(number))
            number += 1

    def _number(self) -> int:
        return int((time.time() - self._phase_s) * self.clip.fps)

    def _moment(self, number: int) -> float:
        return number / self.clip.fps + self._phase_s
