"""What a survey works with, and what it is told to do."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from gateway.control.ports import EncoderSetter, Finder, Interviewer, Judge, Prober, Records
from gateway.kit.clock import Clock
from gateway.model.site import Credential, Site

_HELLOS: Final = 96
_LOOKS: Final = 48


@dataclass(frozen=True, slots=True)
class Tools:
    """Shared by the surveys of a process.

    ``hellos`` and ``looks`` bound what is under way at once; most of it only waits for cameras.
    What costs threads or child processes is bounded by the rooms that have them.
    """

    finder: Finder
    interviewer: Interviewer
    setter: EncoderSetter
    prober: Prober
    judge: Judge
    records: Records
    clock: Clock
    hellos: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_HELLOS))
    looks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LOOKS))


@dataclass(frozen=True, slots=True)
class Order:
    """The whole site, or only these ``targets`` (ONVIF or RTSP addresses).

    ``credentials`` are tried before the site's own. After ``deadline_s`` seconds the survey ends
    with what it has. ``pictures`` false only finds and interviews.
    """

    id: str
    site: Site
    targets: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = ()
    deadline_s: float = 600.0
    pictures: bool = True
