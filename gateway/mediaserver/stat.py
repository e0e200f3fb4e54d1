"""The numbers of ``/?action=stat``: WCS's metric names, and the engine's own counters."""

import os
import resource
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.mediaserver.ports import Engine

Groups = dict[str, dict[str, float]]

_TITLES: Final[Mapping[str, str]] = {
    "connections_stats": "Connection Stats",
    "port_stats": "Port Stats",
    "streams_stats": "Stream Stats",
    "core_stats": "Core Stats",
    "system_stats": "System Stats",
    "native_resources": "Native Resources",
    "engine_stats": "Engine Stats",
}
_PAGE: Final = resource.getpagesize()


class Usage:
    """What this process takes; the CPU share is that between two looks, in percent of one core."""

    def __init__(self, max_viewers: int) -> None:
        self.max_viewers = max_viewers
        self._wall = time.monotonic()
        self._cpu = time.process_time()
        self._share = 0.0

    def cpu_percent(self) -> float:
        """Return the share since the last look that lies at least a second back."""
        wall, cpu = time.monotonic(), time.process_time()
        if wall - self._wall >= 1:
            self._share = 100 * (cpu - self._cpu) / (wall - self._wall)
            self._wall, self._cpu = wall, cpu
        return round(self._share, 2)


def groups(*, engine: Engine, connections: int, usage: Usage) -> Groups:
    """Return all metrics by group. ``ports_media_free`` is how many viewers still fit."""
    viewers = len(engine.viewers())
    streams = engine.streams()
    return {
        "connections_stats": {
            "connections": connections,
            "connections_websocket": connections,
            "connections_rtmfp": 0,
        },
        "port_stats": {
            "ports_media_free": max(0, usage.max_viewers - viewers),
            "ports_media_busy": viewers,
            "ports_media_quarantine": 0,
        },
        "streams_stats": {
            "streams_rtsp_in": len(streams),
            "streams_rtsp_in_live": sum(stream.live for stream in streams),
            "streams_webrtc_out": viewers,
            "streams_webrtc_in": 0,
            "streams_viewers": viewers,
        },
        "core_stats": {
            "core_threads": threading.active_count(),
            "core_java_threads": 0,
            "core_cpu_seconds": round(time.process_time(), 3),
            "core_cpu_percent": usage.cpu_percent(),
        },
        "system_stats": _system(usage),
        "native_resources": {"native_open_files": _open_files()},
        "engine_stats": {f"engine_{name}": value for name, value in engine.counters().items()},
    }


def as_text(all_groups: Groups) -> str:
    """Return the text form: a line of dashes and a title per group, then ``key=value`` lines."""
    lines: list[str] = []
    for name, values in all_groups.items():
        lines.append(f"-----{_TITLES[name]}-----")
        lines += [f"{key}={_number(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _system(usage: Usage) -> dict[str, float]:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "system_java_cpu_usage": usage.cpu_percent(),
        "system_memory_total": os.sysconf("SC_PHYS_PAGES") * _PAGE,
        "system_memory_free": os.sysconf("SC_AVPHYS_PAGES") * _PAGE,
        "system_memory_used_by_server": pages * _PAGE,
    }


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
