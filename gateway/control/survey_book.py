"""What a survey has written down: its sightings, who they are, and the events of their changes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from gateway.control.causes import Cause
from gateway.control.recognise import KnownCameras, identities
from gateway.control.survey_feed import Feed
from gateway.kit.clock import Clock
from gateway.model.found import FoundDevice
from gateway.model.probe import ProbeFailure
from gateway.model.remark import Remark, remark
from gateway.model.survey import (
    Progress,
    Sighting,
    SightingState,
    SurveyEvent,
    SurveyEventKind,
    SurveyState,
    SurveyStatus,
)

_INTERVIEWED: Final = frozenset({SightingState.INTERVIEWED, SightingState.PROBED})


class Book:
    """The sightings of one survey. ``known`` are the cameras that it may recognise."""

    def __init__(self, clock: Clock) -> None:
        self.feed = Feed()
        self.searching = False
        self.known: KnownCameras | None = None
        self._clock = clock
        self._began = clock.monotonic()
        self._took: float | None = None
        self._sightings: dict[int, Sighting] = {}
        self._holders: dict[str, dict[tuple[str, str], set[int]]] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._sightings)

    @property
    def sightings(self) -> Sequence[Sighting]:
        """All of them, as they are now."""
        return tuple(self._sightings.values())

    def next(self) -> int:
        """Return the number of a new sighting."""
        self._last += 1
        return self._last

    def open(self, found: FoundDevice, target: str = "") -> Sighting:
        """Write down a device that was found or named."""
        usual = found.xaddrs[0] if found.xaddrs else f"rtsp://{found.address}/"
        label = " ".join(found.scopes[key] for key in ("name", "hardware") if key in found.scopes)
        sighting = Sighting(
            n=self.next(),
            address=found.address,
            target=target or usual,
            heard=tuple(sorted(str(one) for one in found.heard)),
            label=label,
            mac=found.mac,
        )
        return self.put(SurveyEventKind.FOUND, sighting)

    def put(self, kind: SurveyEventKind, sighting: Sighting) -> Sighting:
        """Write down and tell what has become of a sighting; returns it as it is recognised."""
        twins = self._claim(sighting)
        sighting = self._recognised(sighting, unique=not twins)
        before = self._sightings.get(sighting.n)
        remarks = (*(before.remarks if before else ()), *sighting.remarks)
        if twins:
            remarks = (*remarks, _twin_alarm(sighting, twins))
        sighting = replace(sighting, remarks=tuple(dict.fromkeys(remarks)))
        self._sightings[sighting.n] = sighting
        self.feed.tell(SurveyEvent(kind, self.progress(), sighting))
        for twin in twins:
            self._warn(twin, sighting)
        return sighting

    def fail(self, sighting: Sighting, failure: ProbeFailure) -> Sighting:
        """Write down why nothing more can be said of a camera."""
        failed = replace(sighting, state=SightingState.FAILED, failure=failure)
        return self.put(SurveyEventKind.PROBED, failed)

    def restore(self, status: SurveyStatus) -> None:
        """Write down all of a survey that is over; listeners hear it as it has ended."""
        for one in status.sightings:
            self._sightings[one.n] = one
            self.feed.tell(SurveyEvent(_KINDS[one.state], status.progress, one))
        self._took = status.progress.elapsed_s
        self._tell_end(status.state, Cause(status.code, status.reason), status.progress)

    def finish(self, state: SurveyState, why: Cause) -> Progress:
        """Write down the end; nothing is told after it."""
        self.searching = False
        self._took = self._clock.monotonic() - self._began
        progress = self.progress()
        self._tell_end(state, why, progress)
        return progress

    def progress(self) -> Progress:
        """Count."""
        states = [one.state for one in self._sightings.values()]
        now = self._clock.monotonic() - self._began
        return Progress(
            found=len(states),
            interviewed=sum(state in _INTERVIEWED for state in states),
            probed=states.count(SightingState.PROBED),
            pictures=sum(one.has_picture for one in self._sightings.values()),
            failed=states.count(SightingState.FAILED),
            searching=self.searching,
            elapsed_s=round(now if self._took is None else self._took, 2),
        )

    def _tell_end(self, state: SurveyState, why: Cause, progress: Progress) -> None:
        kind = SurveyEventKind.FINISHED
        self.feed.tell(SurveyEvent(kind, progress, None, state, why.text, why.code))

    def _recognised(self, sighting: Sighting, *, unique: bool) -> Sighting:
        if self.known is None:
            return sighting
        seen = self.known.recognise(sighting, unique=unique)
        remarks = (*sighting.remarks, seen.alarm) if seen.alarm else sighting.remarks
        return replace(sighting, camera=seen.camera, moved_from=seen.moved_from, remarks=remarks)

    def _claim(self, sighting: Sighting) -> list[Sighting]:
        """Note whose identity it is; return the sightings of other devices that claim the same."""
        if sighting.report is None:
            return []
        device = (sighting.address, sighting.report.xaddr)
        others: dict[int, Sighting] = {}
        for identity in identities(sighting):
            holders = self._holders.setdefault(identity, {})
            holders.setdefault(device, set()).add(sighting.n)
            for holder, numbers in holders.items():
                if holder != device:
                    others |= {n: self._sightings[n] for n in numbers if n in self._sightings}
        return list(others.values())

    def _warn(self, twin: Sighting, newcomer: Sighting) -> None:
        """Take back what an earlier sighting was recognised as by an identity that is not its."""
        alarm = _twin_alarm(twin, [newcomer])
        if alarm in twin.remarks:
            return
        twin = self._recognised(replace(twin, remarks=(*twin.remarks, alarm)), unique=False)
        self._sightings[twin.n] = twin
        kind = _KINDS[twin.state]
        self.feed.tell(SurveyEvent(kind, self.progress(), twin))


_KINDS: Final = {
    SightingState.FOUND: SurveyEventKind.FOUND,
    SightingState.INTERVIEWED: SurveyEventKind.INTERVIEWED,
    SightingState.PROBED: SurveyEventKind.PROBED,
    SightingState.FAILED: SurveyEventKind.PROBED,
}


def _twin_alarm(sighting: Sighting, twins: Sequence[Sighting]) -> Remark:
    others = ", ".join(sorted({twin.address for twin in twins}))
    text = (
        f"another device ({others}) says to be the same one ({sighting.identity}): one camera at "
        "two addresses, or a copied firmware; cameras like this are told apart by address only"
    )
    return remark("twins", text, others=others, identity=sighting.identity)
