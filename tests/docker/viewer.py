"""``python -m tests.docker.viewer URL``: play by WHEP until ended, and report twice a second."""

import asyncio
import json
import sys
import time
from typing import Any

from aiohttp import ClientSession
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError


class Report:
    def __init__(self) -> None:
        self.frames = 0
        self.gap = 0.0
        self.last = 0.0

    def saw(self) -> None:
        now = time.monotonic()
        if self.last:
            self.gap = max(self.gap, now - self.last)
        self.last = now
        self.frames += 1


async def play(url: str, report: Report) -> None:
    peer = RTCPeerConnection()
    tracks: asyncio.Queue[Any] = asyncio.Queue()
    peer.on("track", tracks.put_nowait)
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    async with (
        ClientSession() as session,
        session.post(
            url,
            data=peer.localDescription.sdp,
            headers={"Content-Type": "application/sdp"},
        ) as response,
    ):
        answer = await response.text()
        if response.status != 201:
            print(response.status, answer, flush=True)
            await peer.close()
            return
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    track = await tracks.get()
    tell = asyncio.create_task(tell_forever(peer, report))
    try:
        while True:
            await asyncio.wait_for(track.recv(), 3)
            report.saw()
    except (MediaStreamError, TimeoutError):
        print("the video has ended", flush=True)
    finally:
        tell.cancel()
        await peer.close()


async def tell_forever(peer: RTCPeerConnection, report: Report) -> None:
    while True:
        stats = await peer.getStats()
        lost = sum(one.packetsLost for one in stats.values() if one.type == "inbound-rtp")
        said = {
            "frames": report.frames,
            "lost": lost,
            "gap": round(report.gap, 2),
            "state": peer.connectionState,
            "from": remote(peer),
        }
        print(json.dumps(said), flush=True)
        await asyncio.sleep(0.5)


def remote(peer: RTCPeerConnection) -> str:
    """Return where the video comes from: the address of the way that ICE has chosen."""
    transport = peer.getTransceivers()[0].receiver.transport.transport
    pair = transport._connection._nominated.get(1)
    return f"{pair.remote_addr[0]}:{pair.remote_addr[1]}" if pair else ""


async def main(url: str) -> None:
    report = Report()
    while True:
        await play(url, report)
        await asyncio.sleep(0.3)


asyncio.run(main(sys.argv[1]))
