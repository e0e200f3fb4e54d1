"""Set a camera's encoder so that it plays everywhere, and back again when that does not help."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.control.ports import EncoderSetter, Judge, Prober
from gateway.kit.clock import Clock
from gateway.model.device import Profile
from gateway.model.encoder import EncoderChange
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.probe import CameraVerdict, Playable, ProbeResult
from gateway.model.site import Credential
from gateway.model.survey import Sighting

_SETTLE_S: Final = 2.0
_LOOKS: Final = 3
_ORDER: Final = (Playable.EVERYWHERE, Playable.SOMEWHERE, Playable.NOWHERE, Playable.UNKNOWN)


class Doing(StrEnum):
    """What is done to the camera now: it is set, or set back."""

    SET = "set"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Fixed:
    """What has come of it: ``kept`` false means that the old setting is in force again."""

    change: EncoderChange
    kept: bool
    result: ProbeResult
    verdict: CameraVerdict


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a change is made with; ``settle_s``: how long a camera takes to encode anew."""

    setter: EncoderSetter
    prober: Prober
    judge: Judge
    clock: Clock
    settle_s: float = _SETTLE_S

    async def propose(
        self, sighting: Sighting, credential: Credential | None, *, sub: bool = False
    ) -> EncoderChange:
        """Return the change that would help; raises GatewayError when there is none."""
        if sighting.report is None:
            raise _not_by_onvif()
        return await self.setter.propose(sighting.report, _profile(sighting, sub=sub), credential)

    async def fix(
        self,
        sighting: Sighting,
        change: EncoderChange,
        credential: Credential | None,
        *,
        sub: bool = False,
        tell: Callable[[Doing], object] = lambda _doing: None,
    ) -> Fixed:
        """Apply the change, look again, and put the old setting back when no better picture comes.

        The old setting is put back whatever happens on the way. Raises GatewayError when the
        camera refuses either.
        """
        if sighting.report is None:
            raise _not_by_onvif()
        profile = _profile(sighting, sub=sub)
        report = sighting.report
        kept = False
        try:
            await self.setter.apply(report, profile, credential, change.new)
            tell(Doing.SET)
            result = await self._look(profile, credential)
            verdict = self.judge(result.facts, None, report.skew_s)
            kept = result.failure is None and not _worse(verdict, sighting)
        finally:
            if not kept:
                tell(Doing.BACK)
                await self.setter.apply(report, profile, credential, change.old)
        return Fixed(change, kept, result, verdict)

    async def _look(self, profile: Profile, credential: Credential | None) -> ProbeResult:
        """Look until a picture comes: cameras end all sessions when they encode anew."""
        for left in reversed(range(_LOOKS)):
            await self.clock.sleep(self.settle_s)
            result = await self.prober.look_at(profile.rtsp or "", credential)
            if result.failure is None or not left:
                break
        return result


def _worse(verdict: CameraVerdict, sighting: Sighting) -> bool:
    before = sighting.verdict.playable if sighting.verdict else Playable.UNKNOWN
    return _ORDER.index(verdict.playable) > _ORDER.index(before)


def _profile(sighting: Sighting, *, sub: bool) -> Profile:
    profile = None
    if sighting.source is not None:
        profile = sighting.source.sub if sub else sighting.source.main
    if profile is None or not profile.encoder:
        raise _not_by_onvif()
    return profile


def _not_by_onvif() -> GatewayError:
    return GatewayError(
        ErrorKind.CAMERA_BAD_ANSWER,
        "the encoder of this stream cannot be set by ONVIF",
        "change the setting in the camera's own page",
        reason="not_by_onvif",
    )
