"""The service manager's protocol: ready, still alive, about to stop.

Source: sd_notify(3) and sd_watchdog_enabled(3) of systemd; any manager that sets ``NOTIFY_SOCKET``
is told the same.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Mapping

from gateway.kit.clock import Clock

_MICRO = 1e-6


class Supervisor:
    """Tells whoever has started this process; without a ``NOTIFY_SOCKET`` nobody is told."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # "@" stands for the abstract namespace (unix(7)).
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self.pause_s = _pause(environment)

    def ready(self, status: str) -> None:
        """Say that the start is over."""
        self._say(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._say("STOPPING=1")

    async def watch(self, alive: Callable[[], bool], clock: Clock) -> None:
        """Say again and again that we live, for as long as ``alive`` says so; never returns.

        Returns at once when nobody wants to hear it.
        """
        while self.pause_s is not None:
            if alive():
                self._say("WATCHDOG=1")
            await clock.sleep(self.pause_s)

    def _say(self, words: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),  # a manager that does not listen must not stop us
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.settimeout(0)
            sender.sendto(words.encode(), self._address)


def _pause(environment: Mapping[str, str]) -> float | None:
    """Return the seconds between two signs of life: half of what the manager allows."""
    text, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not text.isdecimal() or int(text) == 0 or process not in ("", str(os.getpid())):
        return None
    return int(text) * _MICRO / 2
