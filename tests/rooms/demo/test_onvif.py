"""The pretend ONVIF device answers onvif-zeep, an independent client, and WS-Discovery."""

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import onvif
import pytest

from gateway.demo.building import DemoBuilding
from gateway.model.site import Credential

_PROBE = """<?xml version="1.0"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"
 xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
 <e:Header><w:MessageID>uuid:probe-1</w:MessageID></e:Header>
 <e:Body><d:Probe><d:Types>{types}</d:Types></d:Probe></e:Body></e:Envelope>"""


def ask(url: str, user: str, password: str) -> dict[str, Any]:
    """Make the calls of a registration with onvif-zeep as it comes."""
    at = urlsplit(url)
    camera = onvif.ONVIFCamera(at.hostname, at.port, user, password)
    device, media = camera.create_devicemgmt_service(), camera.create_media_service()
    profiles = media.GetProfiles()
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    uris = [
        media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token}).Uri
        for profile in profiles
    ]
    return {
        "model": device.GetDeviceInformation().Model,
        "mac": device.GetNetworkInterfaces()[0].Info.HwAddress,
        "year": device.GetSystemDateAndTime().UTCDateTime.Date.Year,
        "scopes": [scope.ScopeItem for scope in device.GetScopes()],
        "services": len(device.GetServices({"IncludeCapability": False})),
        "sizes": [p.VideoEncoderConfiguration.Resolution.Width for p in profiles],
        "gop": profiles[0].VideoEncoderConfiguration.H264.GovLength,
        "uris": uris,
        "snapshot": media.GetSnapshotUri({"ProfileToken": profiles[0].token}).Uri,
    }


async def test_a_technicians_client_reads_everything(
    locked: DemoBuilding, credential: Credential
) -> None:
    camera = locked.cameras[0]
    said = await asyncio.to_thread(
        ask, camera.onvif, credential.username, credential.password.reveal()
    )
    assert said["sizes"] == [1280, 640]
    assert said["gop"] == 30
    assert said["uris"] == [camera.rtsp, camera.rtsp_sub]
    assert said["mac"].startswith("02:")
    assert said["services"] == 2
    assert any("Profile/Streaming" in scope for scope in said["scopes"])


async def test_a_wrong_password_is_refused(locked: DemoBuilding, credential: Credential) -> None:
    with pytest.raises(onvif.ONVIFError, match="Wrong user or password"):
        await asyncio.to_thread(ask, locked.cameras[0].onvif, credential.username, "wrong")


async def test_the_snapshot_takes_digest(locked: DemoBuilding, credential: Credential) -> None:
    at = urlsplit(locked.cameras[0].onvif)
    url = f"http://{at.netloc}/snapshot.jpg"
    digest = aiohttp.DigestAuthMiddleware(credential.username, credential.password.reveal())
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as refused:
            assert refused.status == 401
        async with session.get(url, middlewares=(digest,)) as answered:
            picture = await answered.read()
    assert picture[:2] == b"\xff\xd8"
    assert picture[-2:] == b"\xff\xd9"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"<html>", 400),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 400),
        (b"<Envelope><Body><Reboot/></Body></Envelope>", 500),
    ],
)
async def test_nonsense_is_answered_by_a_fault(
    building: DemoBuilding, body: bytes, status: int
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(building.cameras[0].onvif, data=body) as answer,
    ):
        assert answer.status == status
        assert "Fault" in await answer.text()


@pytest.mark.parametrize("types", ["", "dn:NetworkVideoTransmitter"])
async def test_every_plugged_camera_answers_a_probe(building: DemoBuilding, types: str) -> None:
    first, second = building.cameras
    found = await probe(building, types, answers=2)
    assert found == {first.onvif, second.onvif}
    await building.set_plugged(first.id, plugged=False)
    assert await probe(building, types, answers=1) == {second.onvif}


async def probe(building: DemoBuilding, types: str, *, answers: int) -> set[str]:
    """Send a directed probe and return the addresses of that many answers."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0)
        asking.bind(("127.0.0.1", 0))
        for text in ("printers", _PROBE.format(types="dn:Printer"), _PROBE.format(types=types)):
            await loop.sock_sendto(asking, text.encode(), ("127.0.0.1", building.discovery_port))
        found = set()
        for _ in range(answers):
            answer = (await asyncio.wait_for(loop.sock_recv(asking, 65536), 5)).decode()
            assert "<a:RelatesTo>uuid:probe-1<" in answer
            found.add(answer.partition("<d:XAddrs>")[2].partition("<")[0])
        return found
