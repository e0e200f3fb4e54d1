"""What stays of a survey: who each camera is, where its streams are, how they play."""

import structlog

from gateway.control import checkup_results
from gateway.control.checkup_results import subject
from gateway.control.recognise import remembered
from gateway.control.survey_tools import Order, Tools
from gateway.model.checkup import Checkup
from gateway.model.errors import GatewayError
from gateway.model.site import Camera
from gateway.model.survey import Sighting, SightingState


async def keep(sightings: tuple[Sighting, ...], order: Order, tools: Tools) -> None:
    """Keep what is known of the site's cameras; one that may be another device is left out."""
    log = structlog.get_logger("survey").bind(site=order.site.id)
    try:
        before = {
            one.camera: one for one in await tools.records.checkups() if one.site == order.site.id
        }
        for sighting in sightings:
            camera = order.site.camera(sighting.camera) if sighting.camera else None
            doubtful = sighting.alarms or sighting.state is not SightingState.PROBED
            if camera is not None and not doubtful:
                await _keep_one(sighting, camera, before.get(camera.id), order=order, tools=tools)
    except GatewayError as error:
        log.warning("what is known of the cameras cannot be kept", reason=str(error))


async def _keep_one(
    sighting: Sighting, camera: Camera, before: Checkup | None, *, order: Order, tools: Tools
) -> None:
    site, records, now = order.site.id, tools.records, tools.clock.now()
    target = camera.onvif or camera.rtsp or ""
    await records.remember(remembered(site, camera.id, target, sighting, now))
    seen = checkup_results.of_sighting(subject(site, camera), before, sighting, now)
    if seen is not None:
        await records.keep_checkup(seen)
