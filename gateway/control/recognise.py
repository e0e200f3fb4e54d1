"""Which of a site's cameras a survey has come across (pure).

A camera is what it says of itself before it is where it is: hardware address, then serial number
and model, then address. What two devices claim at once proves nothing: cloned firmwares share
serial numbers and even hardware addresses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from gateway.model.remark import NOTHING, Remark, remark
from gateway.model.site import Camera, Site
from gateway.model.survey import Remembered, Sighting

_RTSP_PORT: Final = 554


@dataclass(frozen=True, slots=True)
class Recognition:
    """``camera`` is empty for a device that is none of the site's; ``alarm`` is for people."""

    camera: str = ""
    moved_from: str = ""
    alarm: Remark = NOTHING


class KnownCameras:
    """A site's cameras, as its file and the memory of earlier surveys describe them."""

    def __init__(self, site: Site, remembered: Sequence[Remembered]) -> None:
        self._cameras = {camera.id: camera for camera in site.cameras}
        self._memory = {
            one.camera: one
            for one in remembered
            if one.site == site.id and one.camera in self._cameras
        }

    def memory(self, camera: str) -> Remembered | None:
        """Return what is remembered of a camera."""
        return self._memory.get(camera)

    def recognise(self, sighting: Sighting, *, unique: bool) -> Recognition:
        """Return which camera it is; ``unique`` tells whether nobody else has its identity."""
        if unique:
            for identity in identities(sighting):
                found = self._by_identity(identity, sighting)
                if found is not None:
                    return Recognition(found.id, _moved_from(found, sighting))
        found = self._by_address(sighting)
        if found is None:
            return Recognition()
        before = self._memory.get(found.id)
        if before is not None and unique and _contradicts(before, sighting):
            return Recognition(found.id, alarm=_exchanged(found.id))
        return Recognition(found.id)

    def _by_identity(self, identity: str, sighting: Sighting) -> Camera | None:
        channel = sighting.source.token if sighting.source else ""
        for one in self._memory.values():
            same = identity in {one.identity, one.serial_identity}
            if same and (not one.source or not channel or one.source == channel):
                return self._cameras[one.camera]
        return None

    def _by_address(self, sighting: Sighting) -> Camera | None:
        cameras = self._cameras.values()
        streams = set(_streams(sighting))
        for camera in cameras:
            if streams & {canonical(url) for url in (camera.rtsp, camera.rtsp_sub) if url}:
                return camera
        if not self._first_channel(sighting):
            return None
        named = [camera for camera in cameras if _names_device(camera, sighting)]
        if named:
            return named[0] if len(named) == 1 else None
        here = _at(sighting)
        near = [one for one in cameras if not one.onvif and host_of(one.rtsp or "") == here]
        return near[0] if len(near) == 1 and _alone(sighting) else None

    @staticmethod
    def _first_channel(sighting: Sighting) -> bool:
        """Tell whether the address alone may stand for it: a recorder's first picture."""
        report = sighting.report
        if report is None or sighting.source is None or not report.sources:
            return True
        return sighting.source.token == report.sources[0].token


def identities(sighting: Sighting) -> Iterator[str]:
    """Yield what the device says of itself, the surest first."""
    first = sighting.identity
    if not first.startswith("address:"):
        yield first
    second = serial_identity(sighting)
    if second and second != first:
        yield second


def serial_identity(sighting: Sighting) -> str:
    """Return serial number and model as an identity; empty when the device tells none."""
    if sighting.report is None:
        return ""
    told = replace(sighting.report, mac=None).identity
    return told if told.startswith("serial:") else ""


def remembered(
    site: str, camera: str, target: str, sighting: Sighting, now: datetime
) -> Remembered:
    """Return what stays of a sighting that was recognised, or registered, as ``camera``."""
    return Remembered(
        site=site,
        camera=camera,
        identity=sighting.identity,
        address=sighting.address,
        source=sighting.source.token if sighting.source else "",
        target=target,
        main=sighting.main.rtsp if sighting.main else None,
        sub=sighting.sub.rtsp if sighting.sub else None,
        credential=sighting.credential,
        serial_identity=serial_identity(sighting),
        verdict=sighting.verdict.playable.value if sighting.verdict else "",
        seen=now,
        moved=sighting.address if sighting.moved_from else "",
    )


def canonical(url: str) -> str:
    """Return an RTSP address in the one spelling in which two of them can be compared."""
    try:
        parts = urlsplit(url)
        port = parts.port or _RTSP_PORT
    except ValueError:
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{(parts.hostname or '').lower()}:{port}{parts.path or '/'}{query}"


def host_of(target: str) -> str:
    """Return the host of an ``onvif`` or ``rtsp`` key; empty when it names none."""
    try:
        parts = urlsplit(target if "://" in target else f"//{target}")
        return (parts.hostname or "").lower()
    except ValueError:
        return ""


def _port_of(target: str) -> int | None:
    try:
        return urlsplit(target if "://" in target else f"//{target}").port
    except ValueError:
        return None


def _at(sighting: Sighting) -> str:
    return sighting.address.lower()


def _streams(sighting: Sighting) -> Iterator[str]:
    if sighting.target.lower().startswith("rtsp"):
        yield canonical(sighting.target)
    if sighting.source is not None:
        for profile in (sighting.source.main, sighting.source.sub):
            if profile is not None and profile.rtsp:
                yield canonical(profile.rtsp)


def _names_device(camera: Camera, sighting: Sighting) -> bool:
    """Tell whether a camera's ``onvif`` key is this device's address."""
    if not camera.onvif:
        return False
    if camera.onvif == sighting.target:
        return True
    if host_of(camera.onvif) != _at(sighting):
        return False
    port = _port_of(camera.onvif)
    there = _port_of(sighting.report.xaddr) if sighting.report and sighting.report.xaddr else None
    return port is None or there is None or port == there


def _alone(sighting: Sighting) -> bool:
    return sighting.report is None or len(sighting.report.sources) <= 1


def _moved_from(camera: Camera, sighting: Sighting) -> str:
    hosts = {host_of(one) for one in (camera.onvif, camera.rtsp) if one}
    # A host name may stand for the address: only another address is a move that we can tell.
    numeric = [host for host in hosts if host and host.replace(".", "").isdecimal()]
    return numeric[0] if numeric and _at(sighting) not in hosts else ""


def _exchanged(camera: str) -> Remark:
    text = (
        f"another device than before answers at the address of {camera}; "
        f"if it was exchanged, replace {camera} by it"
    )
    return remark("exchanged", text, camera=camera)


def _contradicts(before: Remembered, sighting: Sighting) -> bool:
    """Tell whether the device says to be another one than it was, in the same kind of words."""
    told = {identity.partition(":")[0]: identity for identity in identities(sighting)}
    for known in (before.identity, before.serial_identity):
        kind = known.partition(":")[0]
        if kind in told and kind != "address":
            return told[kind] != known
    return False
