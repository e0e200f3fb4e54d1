"""What comes out of an RTSP connection: answers, requests, and interleaved RTP (RFC 2326 10.12).

:class:`Receiver` cuts a byte stream into these without copying media: an interleaved packet is
handed on as a view into the receive buffer, or with all that follow it as a burst. It forgives
what cameras do (bare line feeds, wrong case, missing Content-Length, junk between packets) and
bounds everything that it keeps.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError

BUFFER_SIZE: Final = 160 * 1024
MAX_HEADER: Final = 16 * 1024
MAX_BODY: Final = 64 * 1024
MAX_JUNK: Final = 256 * 1024
_MAX_HEADER_LINES: Final = 128
_DOLLAR: Final = 0x24
_BLANK: Final = b"\r\n\t \0"
_END_OF_HEADER: Final = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE: Final = re.compile(r"(?i)^RTSP/\d\.\d\s+(\d{3})(?:\s+(.*))?$")
_REQUEST_LINE: Final = re.compile(r"^([A-Z_]{3,20})\s+(\S+)\s+RTSP/\d\.\d\s*$")
_MESSAGE_START: Final = re.compile(rb"(?i:RTSP/\d\.\d\s)|[A-Z_]{3,20} \S{1,2048} RTSP/\d\.\d")
Taker = Callable[[memoryview, int, int, float], int]
"""``taker(buffer, start, end, arrival)`` takes interleaved packets; returns where it stopped."""

_REQUEST_PREFIX: Final = re.compile(rb"[A-Z_]{1,20}(?: \S{0,2048}(?: [RTSP/0-9.]{0,8})?)?\Z")


@dataclass(slots=True)
class Message:
    """An answer (``status`` > 0) or a request of the camera (``method``).

    Header names are lower-case; a header that came several times holds all values.
    """

    status: int = 0
    reason: str = ""
    method: str = ""
    uri: str = ""
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str, default: str = "") -> str:
        """Return the first value of a header by its lower-case name."""
        values = self.headers.get(name)
        return values[0] if values else default

    @property
    def cseq(self) -> int | None:
        """The number of the request that this belongs to; None when missing or no number."""
        text = self.header("cseq").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004  # more digits are no number that we sent


def request(method: str, uri: str, headers: Mapping[str, str]) -> bytes:
    """Write a request without body."""
    lines = [f"{method} {uri} RTSP/1.0", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer(to: Message, status: int, reason: str) -> bytes:
    """Write the answer to a camera's request."""
    cseq = to.header("cseq").strip() or "0"
    return f"RTSP/1.0 {status} {reason}\r\nCSeq: {cseq[:32]}\r\n\r\n".encode()


class Receiver:
    """Cuts what arrives into messages and interleaved packets.

    ``on_packet(channel, view)`` gets a view that is valid only during the call;
    ``on_message(message)`` gets whole messages. Write into :meth:`free`, then tell
    :meth:`filled`. ``takers`` by channel are offered what lies in the buffer first, and may take
    any number of whole packets at once. Every method raises GatewayError CAMERA_BAD_ANSWER when
    this is no RTSP.
    """

    def __init__(
        self,
        on_packet: Callable[[int, memoryview], None],
        on_message: Callable[[Message], None],
    ) -> None:
        self.channels: set[int] = set()
        self.takers: dict[int, Taker] = {}
        self.arrival = 0.0
        self._on_packet = on_packet
        self._on_message = on_message
        self._buffer = bytearray(BUFFER_SIZE)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._junk = 0
        self._synced = True
        self._open: Message | None = None

    @property
    def waits_for_quiet(self) -> bool:
        """An SDP without Content-Length is coming; call :meth:`flush` when nothing follows."""
        return self._open is not None

    def free(self) -> memoryview:
        """Return where the next bytes go; never empty."""
        if self._start == self._end:
            self._start = self._end = 0
        elif BUFFER_SIZE - self._end < BUFFER_SIZE // 4:
            rest = self._buffer[self._start : self._end]
            self._view[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        return self._view[self._end :]

    def release(self) -> None:
        """Give the buffer back at once; nothing comes any more.

        Whoever calls us holds us and is held by us: without this a camera that is tried again and
        again leaves a buffer at each try until Python searches for cycles.
        """
        self._buffer = bytearray()
        self._view = memoryview(self._buffer)
        self._start = self._end = 0

    def feed(self, data: bytes) -> None:
        """Take bytes from elsewhere than :meth:`free`."""
        rest = memoryview(data)
        while rest:
            room = self.free()
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            rest = rest[count:]
            self.filled(count)

    def filled(self, count: int) -> None:
        """Cut what ``count`` new bytes have completed."""
        self._end += count
        buffer = self._buffer
        while self._start < self._end:
            if self._open is not None:
                more = self._open_body()
            elif buffer[self._start] == _DOLLAR:
                more = self._burst() or self._packet()
            elif buffer[self._start] in _BLANK:
                self._start += 1
                more = True
            else:
                more = self._message()
            if not more:
                return

    def _burst(self) -> bool:
        """Let the channel's taker take what it can; False when that is nothing."""
        start, end = self._start, self._end
        if not self._synced or end - start < 4:  # noqa: PLR2004  # see _packet
            return False
        taker = self.takers.get(self._buffer[start + 1])
        if taker is None:
            return False
        self._start = taker(self._view, start, end, self.arrival)
        return self._start > start

    def _packet(self) -> bool:
        """Take an interleaved packet that begins here; False when more bytes are needed."""
        buffer, start = self._buffer, self._start
        if self._end - start < 4:  # noqa: PLR2004  # $, channel, two bytes of length
            return False
        channel = buffer[start + 1]
        if not self._synced and channel not in self.channels:
            self._skip(1)
            return True
        stop = start + 4 + (buffer[start + 2] << 8 | buffer[start + 3])
        if stop > self._end:
            return False
        self._start = stop
        if not self._synced:
            self._synced, self._junk = True, 0
        self._on_packet(channel, self._view[start + 4 : stop])
        return True

    def flush(self) -> None:
        """Finish an SDP that came without Content-Length."""
        message, self._open = self._open, None
        if message is not None:
            message.body = bytes(self._view[self._start : self._end])
            self._start = self._end
            self._on_message(message)

    def _message(self) -> bool:
        """Take a message that begins here; False when more bytes are needed."""
        head = bytes(self._view[self._start : min(self._end, self._start + MAX_HEADER)])
        if not _MESSAGE_START.match(head):
            if head[:5].upper() == b"HTTP/":
                raise _bad("an HTTP server answers at this port, not an RTSP camera")
            if len(head) < MAX_HEADER and _may_become_message(head):
                return False
            return self._resync(head)
        end = _END_OF_HEADER.search(head)
        if end is None:
            if len(head) >= MAX_HEADER:
                raise _bad("the camera's answer has an endless header")
            return False
        message = _parse_head(head[: end.start()])
        length = _content_length(message)
        if length is None and message.header("content-type").lower().startswith("application/sdp"):
            self._start += end.end()
            self._open = message
            return True
        length = length or 0
        if self._end - self._start < end.end() + length:
            return False
        body = self._start + end.end()
        message.body = bytes(self._view[body : body + length])
        self._start = body + length
        self._synced = True
        self._on_message(message)
        return True

    def _open_body(self) -> bool:
        """End an SDP of unknown length where something else begins; False when it goes on."""
        body = bytes(self._view[self._start : self._end])
        if len(body) > MAX_BODY:
            raise _bad("the camera's description is endless")
        following = re.search(rb"\n(?:\$|(?i:RTSP/))", body)
        if following is None:
            return False
        message, self._open = self._open, None
        message = message or Message()
        message.body = body[: following.start() + 1]
        self._start += following.start() + 1
        self._on_message(message)
        return True

    def _resync(self, head: bytes) -> bool:
        """Skip junk up to something that may be a packet or a message."""
        self._synced = False
        found = [at for mark in (b"$", b"RTSP/") if (at := head.find(mark, 1)) > 0]
        self._skip(min(found) if found else len(head))
        return True

    def _skip(self, count: int) -> None:
        self._start += count
        self._junk += count
        if self._junk > MAX_JUNK:
            raise _bad("the camera sends what is no RTSP")


def _may_become_message(head: bytes) -> bool:
    if len(head) < len(b"RTSP/1.0 "):
        prefix = head.upper()
        if b"RTSP/"[: len(prefix)] == prefix[:5] or b"HTTP/".startswith(prefix):
            return True
    return _REQUEST_PREFIX.match(head) is not None


def _parse_head(head: bytes) -> Message:
    lines = head.decode("utf-8", "replace").splitlines()
    first = lines[0].strip()
    if status := _STATUS_LINE.match(first):
        message = Message(status=int(status[1]), reason=(status[2] or "").strip()[:200])
    elif asked := _REQUEST_LINE.match(first):
        message = Message(method=asked[1], uri=asked[2])
    else:
        raise _bad("the camera's answer begins with no status")
    if len(lines) > _MAX_HEADER_LINES:
        raise _bad("the camera's answer has too many headers")
    name = ""
    for line in lines[1:]:
        if line[:1] in {" ", "\t"} and name:
            message.headers[name][-1] += " " + line.strip()
            continue
        key, colon, value = line.partition(":")
        if colon:
            name = key.strip().lower()
            message.headers.setdefault(name, []).append(value.strip())
    return message


def _content_length(message: Message) -> int | None:
    text = message.header("content-length").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise _bad("the camera's answer has no valid Content-Length")
    length = int(text) if len(text) < 10 else MAX_BODY + 1  # noqa: PLR2004  # far beyond the bound
    if length > MAX_BODY:
        raise _bad("the camera's answer is too large")
    return length


def _bad(message: str) -> GatewayError:
    return GatewayError(
        ErrorKind.CAMERA_BAD_ANSWER, message, "check the address and the port of the camera"
    )
