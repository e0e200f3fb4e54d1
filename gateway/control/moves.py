"""Where cameras have gone that do not answer at the address in their site's file (pure).

A device is followed by what it is, never by what it says to be alone: where two devices claim one
identity nobody is followed and a person is told.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from gateway.control.recognise import host_of, identities
from gateway.model.device import Profile, VideoSource
from gateway.model.remark import NOTHING, Remark, remark
from gateway.model.site import Camera, Follow
from gateway.model.survey import Remembered, Sighting

_MAC: Final = "mac:"
_PLACE: Final = "address:"


@dataclass(frozen=True, slots=True)
class Lost:
    """A camera that does not play where it is looked for, with what is known of it."""

    camera: Camera
    memory: Remembered

    @property
    def home(self) -> str:
        """The host that the file names."""
        return host_of(self.camera.onvif or self.camera.rtsp or "")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a lost camera has been met: ``sighting`` of it, or an ``alarm`` for people."""

    lost: Lost
    sighting: Sighting | None = None
    alarm: Remark = NOTHING

    @property
    def address(self) -> str:
        """Its address, empty when it is back where the file says."""
        here = self.sighting.address if self.sighting is not None else ""
        return "" if here == self.lost.home else here


def can_be_followed(memory: Remembered | None) -> bool:
    """Tell whether anything but its place is known of a camera."""
    return memory is not None and bool(_known(memory))


def whereabouts(
    lost: Sequence[Lost], met: Sequence[Sighting], rest: Sequence[Lost], occupied: Collection[str]
) -> Iterator[Whereabouts]:
    """Yield the lost cameras that were met, or claimed by several.

    ``rest`` are the site's cameras that play, ``occupied`` the addresses at which they do.
    """
    for one in lost:
        twins = [other for other in (*lost, *rest) if other is not one and _same(one, other)]
        claims = [sighting for sighting in met if _claims(sighting, one.memory)]
        places = sorted({sighting.address for sighting in claims})
        if not places:
            continue
        if twins:
            yield Whereabouts(one, alarm=_remembered_twice(one, twins))
        elif len(places) > 1:
            yield Whereabouts(one, alarm=_met_twice(one, places))
        elif places[0] in occupied and places[0] != one.home:
            yield Whereabouts(one, alarm=_met_in_place(one, places[0]))
        else:
            yield Whereabouts(one, claims[0])


def streams_at(found: Whereabouts) -> tuple[str | None, str | None]:
    """Return the main and the sub stream of a camera where it is now.

    What the file names is only moved; what the camera had told it is asked anew.
    """
    lost, sighting = found.lost, found.sighting
    if sighting is None:
        return lost.memory.main, lost.memory.sub
    here = sighting.address
    if lost.camera.rtsp is None and sighting.report is not None and sighting.report.sources:
        source = _source(sighting.report.sources, lost.memory)
        return source.main.rtsp, _rtsp(source.sub)
    main, sub = lost.camera.rtsp or lost.memory.main, lost.camera.rtsp_sub or lost.memory.sub
    return moved(main, here), moved(sub, here)


def entry_at(camera: Camera, host: str) -> dict[str, str]:
    """Return the address keys of the file's entry as they are right at another host."""
    keys = {"onvif": camera.onvif, "rtsp": camera.rtsp, "rtsp_sub": camera.rtsp_sub}
    return {key: moved(value, host) or "" for key, value in keys.items() if value}


def placed(camera: Camera, known: Remembered | None, follow: Follow) -> Camera:
    """Return a camera of the file with the stream addresses that are in force now."""
    if known is None:
        return camera
    current = caught_up(camera, known)
    if not current and known.target != (camera.onvif or camera.rtsp):
        return camera
    here = "" if follow is Follow.TELL else known.moved
    if camera.rtsp is not None:
        if not here:
            return camera
        sub = moved(camera.rtsp_sub, here)
        return replace(camera, rtsp=moved(camera.rtsp, here), rtsp_sub=sub)
    back = "" if here or not known.moved else host_of(camera.onvif or "")
    main, sub = moved(known.main, here or back), moved(known.sub, here or back)
    return replace(camera, rtsp=main, rtsp_sub=camera.rtsp_sub or sub)


def caught_up(camera: Camera, known: Remembered) -> bool:
    """Tell whether the file has come to name the place to which a camera had moved."""
    target = camera.onvif or camera.rtsp or ""
    return bool(known.moved) and known.target != target and host_of(target) == known.moved


def away(camera: Camera, address: str, follow: Follow) -> Remark:
    """Return what is said of a camera that is at another address than the file names."""
    home = host_of(camera.onvif or camera.rtsp or "")
    if follow is Follow.TELL:
        text = (
            f"{camera.id} answers at {address} now and is not played from there; "
            f"correct its address in the file, which names {home}"
        )
        return remark("moved_not_played", text, camera=camera.id, home=home, address=address)
    text = f"{camera.id} moved from {home} to {address}; the file still names the old address"
    return remark("moved", text, camera=camera.id, home=home, address=address)


def moved(target: str | None, host: str) -> str | None:
    """Return an ``onvif`` or ``rtsp`` key with another host; its port and path stay."""
    if target is None or not host:
        return target
    plain = "://" not in target
    parts = urlsplit(f"//{target}" if plain else target)
    place = host if parts.port is None else f"{host}:{parts.port}"
    written = urlunsplit(parts._replace(netloc=place))
    return written.removeprefix("//") if plain else written


def _known(memory: Remembered) -> set[str]:
    told = {memory.identity, memory.serial_identity} - {""}
    return {one for one in told if not one.startswith(_PLACE)}


def _claims(sighting: Sighting, memory: Remembered) -> bool:
    """Tell whether a device says to be a camera; hardware addresses decide where both have one."""
    told, known = set(identities(sighting)), _known(memory)
    macs = [{one for one in some if one.startswith(_MAC)} for some in (told, known)]
    if all(macs):
        return macs[0] == macs[1]
    return bool(told & known)


def _same(one: Lost, other: Lost) -> bool:
    """Tell whether two places are remembered as one device: then neither is known.

    The pictures of one recorder are at one place.
    """
    return one.home != other.home and bool(_known(one.memory) & _known(other.memory))


def _source(sources: Sequence[VideoSource], memory: Remembered) -> VideoSource:
    return next((one for one in sources if one.token == memory.source), sources[0])


def _rtsp(profile: Profile | None) -> str | None:
    return None if profile is None else profile.rtsp


def _remembered_twice(lost: Lost, twins: Sequence[Lost]) -> Remark:
    others = ", ".join(twin.camera.id for twin in twins)
    text = _twin(lost, f"{others} of this site is remembered as it")
    return remark("remembered_twice", text, others=others, **_named(lost))


def _met_twice(lost: Lost, places: Sequence[str]) -> Remark:
    text = _twin(lost, f"{' and '.join(places)} answer as it")
    return remark("met_twice", text, places=", ".join(places), **_named(lost))


def _met_in_place(lost: Lost, address: str) -> Remark:
    text = _twin(lost, f"{address} is another camera's address")
    return remark("met_in_place", text, address=address, **_named(lost))


def _named(lost: Lost) -> dict[str, str]:
    return {"camera": lost.camera.id, "identity": lost.memory.identity}


def _twin(lost: Lost, why: str) -> str:
    return (
        f"{lost.camera.id} does not play, and {why} ({lost.memory.identity}): a copied firmware or "
        "one device at two addresses; nobody is followed, survey the site"
    )
