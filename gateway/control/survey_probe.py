"""The probing of one sighting: its streams, its picture, its verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from gateway.control.survey_logins import Logins
from gateway.control.survey_tools import Order, Tools
from gateway.model.errors import GatewayError
from gateway.model.probe import ProbeFailure, ProbeResult, StreamFacts
from gateway.model.site import Camera, Credential
from gateway.model.survey import Remembered, Sighting, SightingState, StreamLook

_REFUSED: Final = "unauthorized"
_HOPELESS: Final = frozenset({"unreachable", "timeout", _REFUSED})
_UNTRIED: Final = ProbeFailure(
    "locked",
    "the camera has locked itself after wrong passwords",
    "wait for half an hour or restart the camera, then try the right password once",
)


@dataclass(frozen=True, slots=True)
class Streams:
    """What is to be probed of a device: ``device`` names it in the logins."""

    device: str
    main: str
    sub: str | None = None
    camera: Camera | None = None
    memory: Remembered | None = None


async def probe(
    sighting: Sighting, streams: Streams, *, order: Order, tools: Tools, logins: Logins
) -> Sighting:
    """Return the sighting with what its streams have shown; never raises for what a camera does."""
    offered = logins.offer_streams(
        streams.device, streams.camera, streams.memory, sighting.credential
    )
    first, login = await _look(streams.main, offered, tools)
    failure = first.failure.kind if first.failure else ""
    logins.looked(streams.device, offered, login, failure)
    second: ProbeResult | None = None
    if streams.sub and failure not in _HOPELESS:
        second, _ = await _look(streams.sub, [login], tools)
    plays = first.failure is None or (second is not None and second.failure is None)
    skew = sighting.report.skew_s if sighting.report else None
    return replace(
        sighting,
        state=SightingState.PROBED if plays else SightingState.FAILED,
        failure=None if plays else first.failure,
        credential=sighting.credential if login is None else login.reference,
        main=_as_look(streams.main, first),
        sub=None if second is None or not streams.sub else _as_look(streams.sub, second),
        verdict=tools.judge(shown(first), shown(second) if second else None, skew),
        has_picture=await _keep_picture(order.id, sighting.n, [first, second], tools),
    )


def shown(result: ProbeResult) -> StreamFacts:
    """Return what a verdict may rest on: what a camera describes and does not send is nothing."""
    return result.facts if result.failure is None else StreamFacts()


async def _look(
    rtsp: str, logins: Sequence[Credential | None], tools: Tools
) -> tuple[ProbeResult, Credential | None]:
    """Look with each login in turn until one is not refused; each is tried once."""
    result, used = ProbeResult(StreamFacts(), failure=_UNTRIED), None
    for login in logins:
        used = login
        async with tools.looks:
            result = await tools.prober.look_at(rtsp, login)
        if result.failure is None or result.failure.kind != _REFUSED:
            break
    return result, used


async def _keep_picture(
    survey: str, n: int, results: Sequence[ProbeResult | None], tools: Tools
) -> bool:
    picture = next((one.picture for one in results if one is not None and one.picture), None)
    if picture is None:
        return False
    try:
        await tools.records.save_picture(survey, n, picture)
    except GatewayError as error:
        structlog.get_logger("survey").warning("a picture cannot be kept", reason=str(error))
        return False
    return True


def _as_look(rtsp: str, result: ProbeResult) -> StreamLook:
    return StreamLook(rtsp, result.facts, result.failure, result.took_s)
