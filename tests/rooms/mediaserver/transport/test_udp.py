"""Sending: how packets are cut into calls, and what happens when there is no room."""

import asyncio
import errno
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mediaserver.transport.link import Address, Link
from gateway.mediaserver.transport.port import UdpPort
from gateway.mediaserver.transport.segmentation import MOST_SEGMENTS, Segmentation
from gateway.mediaserver.transport.udp import UdpSocket, plain
from tests.waiting import until

WORK = memoryview(bytes(65_536))


def segments(run: tuple[list[memoryview], tuple[tuple[int, int, bytes], ...]]) -> list[int]:
    """Return the sizes that the kernel makes of one call."""
    total = sum(map(len, run[0]))
    if not run[1]:
        return [total]
    (size,) = struct.unpack("=H", run[1][0][2])
    return [size] * (total // size) + ([total % size] if total % size else [])


@given(st.lists(st.integers(20, 1228), min_size=1, max_size=44))
def test_runs_are_what_the_kernel_cuts_back(sizes: list[int]) -> None:
    cutter = Segmentation(wanted=False)
    assert [segments(run) for run in cutter.cut(sizes, sum(sizes), WORK)] == [
        [size] for size in sizes
    ]
    cutter.on = True
    runs = cutter.cut(sizes, sum(sizes), WORK)
    assert [size for run in runs for size in segments(run)] == sizes
    assert all(len(segments(run)) <= MOST_SEGMENTS for run in runs)


def test_a_frame_is_one_call() -> None:
    cutter = Segmentation(wanted=False)
    cutter.on = True
    assert len(cutter.cut([1228] * 23 + [400], 1228 * 23 + 400, WORK)) == 1


@pytest.mark.parametrize("number", [errno.EIO, errno.EINVAL])
def test_a_device_that_cannot_segment_is_believed(number: int) -> None:
    cutter = Segmentation(wanted=True)
    assert cutter.on, "this kernel can"
    assert not cutter.explains(OSError(errno.EPERM, "no"))
    assert cutter.explains(OSError(number, "no"))
    assert not cutter.on
    assert cutter.explains(OSError(number, "a batch that was cut before"))


def nobody(_link: Link, _data: bytes, _address: Address, _local: str | None) -> None:
    raise AssertionError("nothing is sent to this port")


async def test_both_families_share_one_port() -> None:
    port, other = UdpPort(), UdpPort()
    port.open(("127.0.0.1", "::1"), 0, nobody)
    try:
        assert port.hosts == ["127.0.0.1", "::1"]
        with pytest.raises(OSError, match="in use"):
            other.open(("127.0.0.1",), port.number, nobody)
        with pytest.raises(OSError, match="in use"):
            other.open(("0.0.0.0", "::"), port.number, nobody)
    finally:
        port.close()


async def test_a_host_that_is_not_here_is_an_error() -> None:
    port = UdpPort()
    with pytest.raises(OSError, match="assign"):
        port.open(("192.0.2.77",), 0, nobody)


@pytest.mark.parametrize(("bind", "asked"), [("0.0.0.0", "127.0.0.5"), ("::", "::1")])
async def test_the_answer_comes_from_the_address_asked(bind: str, asked: str) -> None:
    def echo(link: Link, data: bytes, address: Address, local: str | None) -> None:
        assert local == asked or local is None
        port.link(link, local, address).send(data, address)

    port = UdpPort()
    port.open((bind,), 0, echo)
    family = socket.AF_INET6 if ":" in asked else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as browser:
        browser.settimeout(0)
        browser.connect((asked, port.number))
        answers: list[bytes] = []
        for word in (b"one", b"two"):
            browser.send(word)

            def heard() -> bool:
                try:
                    answers.append(browser.recv(10))
                except BlockingIOError:
                    return False
                return True

            await until(heard)
        assert answers == [b"one", b"two"]
    other = UdpPort()
    with pytest.raises(OSError, match="in use"):
        other.open((asked,), port.number, nobody)
    port.close()


def test_a_zone_is_not_looked_up_at_every_send() -> None:
    assert plain(("fe80::1%eth0", 5, 0, 2)) == ("fe80::1", 5, 0, 2)
    assert plain(("192.0.2.1", 5)) == ("192.0.2.1", 5)


async def test_what_waits_is_sent_in_order_and_bounded() -> None:
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind("\0waits-in-order")
    receiver.settimeout(0)
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.settimeout(0)
    link = UdpSocket(sender, lambda *_: None)
    target = "\0waits-in-order"
    data = [number.to_bytes(2, "big") * 600 for number in range(400)]
    direct = 0
    try:
        while True:
            link.sendmsg([data[direct]], (), 0, target)
            direct += 1
    except BlockingIOError:
        pass
    for item in data[direct:]:
        assert link.hold([([memoryview(item)], ())], target)  # type: ignore[arg-type]
    assert link.backlog == sum(map(len, data[direct:]))
    received: list[bytes] = []

    def drain() -> bool:
        try:
            received.append(receiver.recv(2000))
        except BlockingIOError:
            return False
        return len(received) == len(data)

    await until(drain, every=0)
    assert received == data
    assert link.backlog == 0
    link.close()
    receiver.close()


async def test_a_queue_that_does_not_move_refuses() -> None:
    first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    first.settimeout(0)
    link = UdpSocket(first, lambda *_: None)
    big = memoryview(bytes(60_000))
    asked = 0
    while link.hold([([big], ())], ("unused", 0)):
        asked += 1
        assert asked < 1000
    assert link.backlog < 9_000_000
    await asyncio.sleep(0)
    link.close()
    second.close()
