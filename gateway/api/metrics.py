"""``/metrics`` for Prometheus (text format 0.0.4): what is, and what has been counted.

Labels are buildings, media servers and words of fixed lists; never a camera, a viewer or an
address, so the number of series follows the number of buildings.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from itertools import accumulate
from typing import Final

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gateway.api import keys
from gateway.api.access import require_administrator
from gateway.control.facts import Facts
from gateway.control.keeper import STALLED_S
from gateway.kit.measures import BOUNDS, Labels, Measures
from gateway.model.company import Fleet, Severity
from gateway.model.probe import Playable
from gateway.model.status import CameraState, SiteState, SiteStatus

_PREFIX: Final = "camera_gateway"
_MEDIA: Final[Mapping[str, tuple[str, str]]] = {
    "engine_packets": ("media_packets", "RTP packets sent to viewers."),
    "engine_bytes": ("media_bytes", "Bytes sent to viewers."),
    "engine_nacks": ("media_nacks", "Packets that viewers have asked for again (NACK)."),
    "engine_retransmissions": ("media_retransmissions", "Packets sent again."),
    "engine_picture_losses": ("media_picture_losses", "Key frames that viewers have asked for."),
    "engine_drops": ("media_drops", "Frames not sent because a viewer's line was full."),
    "engine_timeouts": ("media_timeouts", "Viewers that went silent."),
    "engine_handshakes_failed": ("media_handshakes_failed", "DTLS handshakes that failed."),
}
"""Totals of the embedded media server, by the name in ``/?action=stat``."""

COUNTED: Final[Mapping[str, str]] = {
    "cycle_errors": "Cycles of a site that failed.",
    "steps": "Steps taken to make the world as wanted.",
    "player_plays": "Plays that browsers have told of.",
    "player_freezes": "Freezes that browsers have seen.",
    "player_frozen_seconds": "Seconds that the picture stood still in browsers.",
    "player_seconds": "Seconds that browsers have played.",
}
"""Counters of :class:`Measures`, with what they count."""

SPREADS: Final[Mapping[str, str]] = {
    "cycle_seconds": "Time of one cycle of a site.",
    "probe_seconds": "Time of one full look at a camera.",
    "player_first_frame_seconds": "Time from the request to the first picture in browsers.",
}
"""Spreads of :class:`Measures`, with what they hold."""

LEVELS: Final[Mapping[str, str]] = {
    "queue_length": "What waits for its turn: looks at cameras, messages, rows for the disk.",
}
"""Levels of :class:`Measures`, with what they say."""


async def show_metrics(request: web.Request) -> web.Response:
    """``GET /metrics``: for administrators, and for anybody on a listener of its own."""
    if not request.app[keys.SIDES].is_for_metrics(request):
        require_administrator(request)
    registry = CollectorRegistry()
    registry.register(_Snapshot(request.app))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return web.Response(
        body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


class _Snapshot(Collector):
    """Everything as it is at the moment of the question."""

    def __init__(self, app: web.Application) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        fleet = self._app[keys.FLEET]()
        sites = self._app[keys.BOARD].sites()
        yield _gauge("info", "The gateway's version.", {(("version", _version()),): 1})
        yield from _board(sites)
        yield from _keeping(fleet, self._app[keys.AGES]())
        yield from _media(self._app[keys.FACTS]())
        yield _gauge("plays", "Plays begun here that run.", {(): len(self._app[keys.PLAYS])})
        lines = self._app[keys.PLAYS].waiting.lengths()
        waiting: dict[Labels, float] = {(("site", site),): n for site, n in lines.items()}
        yield _gauge("viewers_waiting", "Viewers in line before a full building.", waiting)
        tasks = len(asyncio.all_tasks())
        yield _gauge("tasks", "Tasks of the gateway's event loop.", {(): tasks})
        yield from _measured(self._app[keys.MEASURES])


def _board(sites: Sequence[SiteStatus]) -> Iterator[Metric]:
    states = Counter(site.state for site in sites)
    cameras: dict[Labels, float] = {}
    servers: Counter[Labels] = Counter()
    viewers: dict[Labels, float] = {}
    cpu: dict[Labels, float] = {}
    verdicts: Counter[Playable] = Counter()
    for site in sites:
        here = ("site", site.id)
        seen = Counter(camera.state for camera in site.cameras)
        cameras |= {(here, ("state", one)): seen[one] for one in CameraState}
        viewers[here,] = sum(server.viewers for server in site.servers)
        for server in site.servers:
            servers[here, ("role", server.role), ("state", server.state)] += 1
            if server.cpu is not None:
                cpu[here, ("server", server.id)] = server.cpu
        verdicts.update(
            Playable.UNKNOWN if one.checked is None else one.checked.playable
            for one in site.cameras
        )
    yield _gauge("sites", "Buildings by state.", {(("state", s),): states[s] for s in SiteState})
    yield _gauge("cameras", "Cameras of a building by state.", cameras)
    yield _gauge(
        "verdicts",
        "Cameras by what their last full look has shown.",
        {(("playable", one),): verdicts[one] for one in Playable},
    )
    yield _gauge("servers", "Media servers of a building by role and state.", servers)
    yield _gauge("server_cpu_ratio", "CPU of a media server, 1 is all that it can use.", cpu)
    yield _gauge("viewers", "Viewers of a building.", viewers)


def _keeping(fleet: Fleet, ages: Mapping[str, float]) -> Iterator[Metric]:
    kinds = Counter(problem.severity for problem in fleet.problems)
    yield _gauge(
        "config_problems",
        "Mistakes in the configuration files.",
        {(("severity", one),): kinds[one] for one in Severity},
    )
    yield _gauge(
        "loop_age_seconds", "Age of the oldest last cycle.", {(): max(ages.values(), default=0)}
    )
    stalled = sum(age > STALLED_S for age in ages.values())
    yield _gauge("loops_stalled", "Buildings that nobody looks after.", {(): stalled})
    if fleet.settings.tls is not None:
        yield _gauge(
            "certificate_expiry_timestamp_seconds",
            "When the gateway's certificate expires, in seconds since 1970.",
            {(): fleet.settings.tls.expires.timestamp()},
        )


def _media(all_facts: Mapping[str, Facts]) -> Iterator[Metric]:
    stats = [
        ((("site", site), ("server", server.observed.id)), server.stats)
        for site, facts in all_facts.items()
        for server in facts.servers
        if server.stats is not None
    ]
    for source, (name, words) in _MEDIA.items():
        found: dict[Labels, float] = {
            labels: one.values[source] for labels, one in stats if source in one.values
        }
        yield _counter(name, words, found, ("site", "server"))


def _measured(measures: Measures) -> Iterator[Metric]:
    for name, words in COUNTED.items():
        found = {labels: value for (one, labels), value in measures.counts.items() if one == name}
        names = tuple(key for key, _ in next(iter(found), ()))
        yield _counter(name, words, found, names)
    for name, words in LEVELS.items():
        levels = {labels: value for (one, labels), value in measures.levels.items() if one == name}
        yield _gauge(name, words, levels)
    for name, words in SPREADS.items():
        family = HistogramMetricFamily(f"{_PREFIX}_{name}", words)
        for (one, _), spread in measures.spreads.items():
            if one == name:
                bounds = [*map(str, BOUNDS), "+Inf"]
                family.add_metric(
                    [], list(zip(bounds, accumulate(spread.classes), strict=True)), spread.total_s
                )
        yield family


def _gauge(name: str, words: str, values: Mapping[Labels, float]) -> Metric:
    names = [key for key, _ in next(iter(values), ())]
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", words, labels=names)
    for labels, value in values.items():
        family.add_metric([str(label) for _, label in labels], value)
    return family


def _counter(name: str, words: str, values: Mapping[Labels, float], names: Sequence[str]) -> Metric:
    family = CounterMetricFamily(f"{_PREFIX}_{name}", words, labels=names)
    for labels, value in values.items():
        family.add_metric([label for _, label in labels], value)
    return family


@cache
def _version() -> str:
    return metadata.version("camera-gateway")
