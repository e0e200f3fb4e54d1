"""What is known of a camera after a full look at it, and what is to be said of that (pure)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from gateway.control.ports import Judge
from gateway.control.survey_probe import shown
from gateway.model.checkup import Checkup
from gateway.model.probe import CameraVerdict, Playable, ProbeFailure, ProbeResult, StreamFacts
from gateway.model.probe import Verdict as StreamVerdict
from gateway.model.remark import NOTHING, Remark, remark
from gateway.model.site import Camera
from gateway.model.status import CameraStatus, Checked
from gateway.model.survey import Sighting, SightingState

_ORDER: Final = (Playable.EVERYWHERE, Playable.SOMEWHERE, Playable.NOWHERE)
_NO_ANSWER: Final = ProbeFailure("no_picture", "no picture came", "look at the camera's cable")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a look is at: ``target`` is what the file says of the camera's place."""

    site: str
    camera: str
    target: str

    def known(self, before: Checkup | None) -> Checkup | None:
        """Return what is known, unless it was of another device or at another place."""
        return before if before is not None and before.target == self.target else None


def subject(site: str, camera: Camera) -> Subject:
    """Return whom a look at a camera of the files is at."""
    return Subject(site, camera.id, target_of(camera.onvif, camera.rtsp))


def target_of(onvif: Any, rtsp: Any) -> str:
    """Return what an entry says of a camera's place, from its two address keys."""
    return f"{onvif or ''} {rtsp or ''}".strip()


def of_probe(
    one: Subject,
    before: Checkup | None,
    results: tuple[ProbeResult, ProbeResult | None],
    *,
    judge: Judge,
    now: datetime,
) -> Checkup:
    """Return what a look at the main and the sub stream has shown."""
    main, sub = results
    good = [result for result in results if result is not None and result.failure is None]
    if not good:
        return of_failure(one, before, main.failure or _NO_ANSWER, now)
    second = None if sub is None else shown(sub)
    verdict = judge(shown(main), second, None)
    return _seen(one, before, (shown(main), second), verdict, now)


def of_sighting(
    one: Subject, before: Checkup | None, sighting: Sighting, now: datetime
) -> Checkup | None:
    """Return what a survey has seen of a camera; ``None`` when it has not seen its video."""
    if sighting.state is not SightingState.PROBED or sighting.verdict is None:
        return None
    main = sighting.main.facts if sighting.main else StreamFacts()
    sub = sighting.sub.facts if sighting.sub else None
    return _seen(one, before, (main, sub), sighting.verdict, now)


def of_server(
    one: Subject, before: Checkup | None, status: CameraStatus, *, judge: Judge, now: datetime
) -> Checkup:
    """Return what the media server tells of a camera that gives nobody else a session.

    What it does not measure stays as it was seen before, unless the picture is another one.
    """
    known = one.known(before)
    codec, width, height = status.video_codec, status.width, status.height
    facts = StreamFacts(codec=codec, width=width, height=height, single_session=True)
    if known is not None and known.main is not None and _same_picture(known.main, facts):
        facts = replace(known.main, single_session=True)
    seen = _seen(one, before, (facts, None), judge(facts, None, None), now)
    return replace(seen, single=True)


def of_failure(
    one: Subject, before: Checkup | None, failure: ProbeFailure, now: datetime
) -> Checkup:
    """Return what is known after a look that has failed: the verdict stays what it was."""
    known = one.known(before) or Checkup(one.site, one.camera, now, one.target)
    return replace(known, when=now, failure=failure, failures=known.failures + 1)


def checked(checkup: Checkup) -> Checked | None:
    """Return what the board shows of the last look; ``None`` before the first that succeeded."""
    verdict, seen = checkup.verdict, checkup.seen
    if verdict is None or seen is None:
        return None
    setting = next((reason.setting for reason in verdict.reasons if reason.setting), "")
    return Checked(verdict.playable, _sentence(verdict), setting, seen, verdict.reasons)


def worsening(checkup: Checkup) -> Remark:
    """Return a remark when a camera plays worse than it did at first; else the empty one."""
    verdict = checkup.verdict
    if verdict is None or not {verdict.playable, checkup.baseline} <= set(_ORDER):
        return NOTHING
    if _ORDER.index(verdict.playable) <= _ORDER.index(checkup.baseline):
        return NOTHING
    first = StreamVerdict(checkup.baseline).sentence.replace("plays", "played")
    setting = next((reason.setting for reason in verdict.reasons if reason.setting), "")
    advice = f"; {setting}" if setting else ""
    text = f"{checkup.camera} {first} at first, and now it {_sentence(verdict)}{advice}"
    if verdict.playable is Playable.SOMEWHERE:
        return remark("worse_somewhere", text, camera=checkup.camera)
    return remark("worse_nowhere", text, camera=checkup.camera)


def _seen(
    one: Subject,
    before: Checkup | None,
    facts: tuple[StreamFacts, StreamFacts | None],
    verdict: CameraVerdict,
    now: datetime,
) -> Checkup:
    known = one.known(before)
    baseline = known.baseline if known is not None else Playable.UNKNOWN
    if baseline is Playable.UNKNOWN:
        baseline = verdict.playable
    main, sub = facts
    return Checkup(
        one.site,
        one.camera,
        now,
        one.target,
        main=main,
        sub=sub,
        verdict=verdict,
        seen=now,
        baseline=baseline,
        single=known is not None and known.single,
    )


def _sentence(verdict: CameraVerdict) -> str:
    return StreamVerdict(verdict.playable, verdict.reasons).sentence


def _same_picture(one: StreamFacts, other: StreamFacts) -> bool:
    mine, theirs = (one.codec, one.width, one.height), (other.codec, other.width, other.height)
    return mine == theirs
