"""The engine's event stream, watched from a thread: what happens is known at once, unasked.

While the stream is open nothing has to be polled. When it breaks, the engine may have been
restarted: whoever listens is told both then and when it is open again, because nobody knows what
happened in between.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog

from gateway.kit.backoff import Backoff
from gateway.runtime.docker import names
from gateway.runtime.docker.engine import Engine

_KINDS: Final = ("create", "start", "die", "destroy", "pause", "unpause", "rename", "oom")

OnEvent = Callable[[str, str], None]
"""Container id and site."""


class Watcher:
    """Calls ``on_event`` for each change and ``on_link`` when the stream opens (true) or breaks.

    Both are called in the loop that :meth:`start` was called in.
    """

    def __init__(
        self, engine: Engine, *, on_event: OnEvent, on_link: Callable[[bool], None]
    ) -> None:
        self._engine = engine
        self._on_event = on_event
        self._on_link = on_link
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stream: Any = None
        self.connected = False

    def start(self) -> None:
        """Begin to watch; once is enough."""
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._run, name="docker-events", daemon=True)
            self._thread.start()

    async def close(self) -> None:
        """Stop to watch and wait for the thread."""
        self._over.set()
        self._cut()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 5.0)

    def _cut(self) -> None:
        stream = self._stream
        if stream is not None:
            with contextlib.suppress(Exception):  # a socket that is gone already
                stream.close()

    def _run(self) -> None:
        backoff = Backoff(first=0.25, most=10.0)
        complained = False
        log = structlog.get_logger("runtime").bind(engine=self._engine.where)
        while not self._over.is_set():
            try:
                self._follow(backoff)
                reason = "the stream has ended"
            except Exception as error:  # noqa: BLE001  # the edge of a thread: it must live on
                reason = type(error).__name__
            if self._over.is_set():
                return
            if self.connected or not complained:
                log.warning("the Docker Engine's events are not to be had", reason=reason)
                complained = True
            self._linked(open_=False)
            self._over.wait(backoff.next())

    def _follow(self, backoff: Backoff) -> None:
        client = self._engine.connect()
        try:
            self._stream = client.events(
                decode=True,
                filters={"type": ["container"], "label": [names.SERVER], "event": list(_KINDS)},
            )
            if self._over.is_set():
                return
            self._linked(open_=True)
            backoff.reset()
            for event in self._stream:
                self._tell(event)
        finally:
            self._cut()
            self._stream = None
            client.close()

    def _tell(self, event: dict[str, Any]) -> None:
        actor = event.get("Actor") or {}
        site = str((actor.get("Attributes") or {}).get(names.SITE, ""))
        self._call(self._on_event, str(actor.get("ID", "")), site)

    def _linked(self, *, open_: bool) -> None:
        if self.connected != open_:
            self.connected = open_
            self._call(self._on_link, open_)

    def _call(self, what: Callable[..., None], *arguments: Any) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before us
                self._loop.call_soon_threadsafe(what, *arguments)
