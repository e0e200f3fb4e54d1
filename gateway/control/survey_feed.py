"""What a survey tells, to any number of listeners who may come late and read slowly."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from gateway.model.survey import SurveyEvent, SurveyEventKind

_END = 0


class Feed:
    """Keeps the newest event of each sighting; a listener gets those first, then what follows."""

    def __init__(self) -> None:
        self._newest: dict[int, SurveyEvent] = {}
        self._listeners: set[_Mailbox] = set()

    def tell(self, event: SurveyEvent) -> None:
        """Tell everybody; an event that a slow listener has not read yet is replaced."""
        key = _key(event)
        self._newest.pop(key, None)
        self._newest[key] = event
        for listener in self._listeners:
            listener.put(event)

    @contextmanager
    def subscribe(self) -> Iterator[AsyncIterator[SurveyEvent]]:
        """Give what is known and then what changes; it ends after the event ``finished``."""
        mailbox = _Mailbox()
        for event in self._newest.values():
            mailbox.put(event)
        self._listeners.add(mailbox)
        try:
            yield mailbox
        finally:
            self._listeners.discard(mailbox)


class _Mailbox(AsyncIterator[SurveyEvent]):
    """At most one unread event per sighting, in the order of their coming."""

    def __init__(self) -> None:
        self._waiting: dict[int, SurveyEvent] = {}
        self._filled = asyncio.Event()
        self._over = False

    def put(self, event: SurveyEvent) -> None:
        key = _key(event)
        self._waiting.pop(key, None)
        self._waiting[key] = event
        self._filled.set()

    async def __anext__(self) -> SurveyEvent:
        if self._over:
            raise StopAsyncIteration
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        event = self._waiting.pop(next(iter(self._waiting)))
        self._over = event.kind is SurveyEventKind.FINISHED
        return event


def _key(event: SurveyEvent) -> int:
    return _END if event.sighting is None else event.sighting.n
