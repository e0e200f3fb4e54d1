"""Joins the rooms that a survey works with, as ``gateway.service`` joins everything else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.control.ports import Records
from gateway.control.survey_tools import Tools
from gateway.kit.clock import Clock, SystemClock
from gateway.model.probe import CameraVerdict, StreamFacts
from gateway.onvif.discovery.multicast import PORT
from gateway.onvif.field import OnvifField
from gateway.rtsp.probe import Prober
from gateway.rtsp.verdict import judge_camera


@asynccontextmanager
async def open_tools(
    records: Records, *, clock: Clock | None = None, port: int = PORT
) -> AsyncIterator[Tools]:
    """Open what surveys need; threads and child processes begin with the first survey.

    ``port`` is where devices answer WS-Discovery probes.
    """
    prober = Prober()
    network = OnvifField(port=port)
    try:
        yield Tools(
            finder=network,
            interviewer=network,
            prober=prober,
            judge=_judge,
            records=records,
            clock=clock or SystemClock(),
        )
    finally:
        await prober.close()
        await network.close()


def _judge(main: StreamFacts, sub: StreamFacts | None, skew_s: float | None) -> CameraVerdict:
    return judge_camera(main, sub, clock_skew_s=skew_s)
