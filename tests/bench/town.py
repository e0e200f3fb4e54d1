"""A town of pretend cameras for the survey's benchmark: one process, an address for each camera.

``python -m tests.bench.town FIRST GOOD HANGING PORT`` prints one JSON line when all of them answer:
WS-Discovery on ``PORT`` of each address, ONVIF, and two RTSP streams. It ends with its input.
"""

import asyncio
import ipaddress
import json
import re
import sys
from typing import cast

from gateway.demo.clip import Clip
from gateway.demo.encode import Encoder
from gateway.demo.rtsp_server import RtspServer
from gateway.demo.scenes import Scene
from gateway.demo.stream import Stream
from gateway.kit.tasks import Tasks
from tests.peers.onvif_device import OnvifCamera, Quirks

_FPS, _GOP_S = 15, 2
_MATCH = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"
 xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header>
<w:RelatesTo>{relates}</w:RelatesTo></e:Header><e:Body><d:ProbeMatches><d:ProbeMatch>
<w:EndpointReference><w:Address>urn:uuid:{host}</w:Address></w:EndpointReference>
<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes/>
<d:XAddrs>{url}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"""


class Responder(asyncio.DatagramProtocol):
    """Answers probes for one camera."""

    def __init__(self, camera: OnvifCamera) -> None:
        self._camera = camera
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        found = re.search(rb"MessageID>([^<]+)<", data)
        if found:
            host, url = self._camera.host, self._camera.url
            answer = _MATCH.format(relates=found[1].decode(), host=host, url=url)
            self._transport.sendto(answer.encode(), addr)


def clip(width: int, height: int) -> Clip:
    """Encode four seconds."""
    made = Clip(width=width, height=height, fps=_FPS, length=2 * _FPS * _GOP_S)
    encoder = Encoder(width, height, fps=_FPS, gop=_FPS * _GOP_S, options={"crf": "30"})
    scene = Scene(0, "town")
    for frame in range(made.length):
        picture = scene.picture(frame / _FPS)
        small = width < 1280
        made.put(frame, encoder.encode(_half(picture) if small else picture))
    return made


def _half(picture: object) -> object:
    from gateway.demo import encode

    return encode._half(picture)  # type: ignore[arg-type]  # the same planes, half as large


async def main(first: str, good: int, hanging: int, port: int) -> None:
    tasks = Tasks("town")
    streams = {
        "/main0": Stream(clip(1280, 720), tasks, "main"),
        "/sub0": Stream(clip(640, 360), tasks, "sub"),
    }
    start = ipaddress.IPv4Address(first)
    loop = asyncio.get_running_loop()
    for number in range(good + hanging):
        host = str(start + number)
        rtsp = RtspServer(streams, host=host, port=0, tasks=tasks)
        await rtsp.plug()
        quirks = Quirks(
            body="hang" if number >= good else "",
            mac=f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
            serial=f"T{number}",
            uri=f"rtsp://{{host}}:{rtsp.port}/{{token}}",
        )
        camera = OnvifCamera(quirks, host=host)
        await camera.__aenter__()
        await loop.create_datagram_endpoint(
            lambda camera=camera: Responder(camera),  # type: ignore[misc]  # bound at once
            local_addr=(host, port),
        )
    print(json.dumps({"cameras": good + hanging}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:5])))
