"""Stream addresses of cameras that are known by ONVIF alone: asked once, remembered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.control.board import Board
from gateway.control.notes import Notes
from gateway.control.streams import Streams
from gateway.kit.clock import SystemClock
from gateway.model.company import Fleet, Settings
from gateway.model.device import DeviceFailureKind
from gateway.model.site import Credential, Site
from gateway.onvif.field import OnvifField
from gateway.store.records import RecordStore
from tests.peers.onvif_device import OnvifCamera
from tests.rooms.control.field import GOOD, WRONG, camera_of, site_of
from tests.waiting import until


@dataclass
class Desk:
    """What is tested, and how often it has said that something changed."""

    streams: Streams
    notes: Notes
    changes: list[Fleet] = field(default_factory=list)

    def take(self, *sites: Site) -> None:
        self.streams.take(Fleet(Settings(), {site.id: site for site in sites}))

    def rtsp(self, camera: str) -> str | None:
        found = self.streams.fleet.sites["house"].camera(camera)
        assert found is not None
        return found.rtsp


@asynccontextmanager
async def desk(folder: Path | None = None) -> AsyncIterator[Desk]:
    changes: list[Fleet] = []
    notes = Notes()
    async with RecordStore(folder) as records, OnvifField() as network:
        streams = Streams(
            interviewer=network,
            records=records,
            board=Board(),
            clock=SystemClock(),
            notes=notes,
            changed=lambda: changes.append(streams.fleet),
        )
        try:
            await streams.start()
            yield Desk(streams, notes, changes)
        finally:
            await streams.close()


def house(url: str, credential: Credential = GOOD) -> Site:
    door = camera_of("door", onvif=url, credential=credential)
    return site_of(door, camera_of("yard", rtsp="rtsp://10.0.0.1/1"), subnets=())


async def test_a_camera_tells_its_streams_and_they_outlive_a_restart(tmp_path: Path) -> None:
    async with OnvifCamera() as camera:
        async with desk(tmp_path) as first:
            first.take(house(camera.url))
            assert first.rtsp("door") is None
            await until(lambda: first.rtsp("door"))
            assert first.rtsp("door") == "rtsp://127.0.0.1/main/main0"
            assert first.rtsp("yard") == "rtsp://10.0.0.1/1"
            assert len(first.changes) == 1
        asked = len(camera.asked)
        async with desk(tmp_path) as second:
            second.take(house(camera.url))
            assert second.rtsp("door") == "rtsp://127.0.0.1/main/main0"
            second.take(house("127.0.0.1:9"))
            assert second.rtsp("door") is None, "another address is another question"
        assert len(camera.asked) == asked


async def test_a_refused_password_is_tried_once(tmp_path: Path) -> None:
    async with OnvifCamera() as camera, desk(tmp_path) as made:
        made.take(house(camera.url, WRONG))
        await until(lambda: camera.wrong_passwords)
        for _ in range(5):
            made.take(house(camera.url, WRONG))
            await asyncio.sleep(0)
        told = await until(lambda: made.notes.of("house", "door").trouble)
        assert told.kind is DeviceFailureKind.WRONG_PASSWORD
        assert told.hint
        asked = len(camera.asked)
        # The right one is another question, asked at once.
        made.take(house(camera.url, GOOD))
        await until(lambda: made.rtsp("door"))
        assert made.notes.of("house", "door").trouble is None
        assert camera.wrong_passwords == 1
        assert len(camera.asked) > asked
