"""How much of their processors containers use lately; asked of the engine in the background.

Only what somebody wants to know is asked, by one call per container every few seconds for a
single sample (``one-shot``); the difference to the one before makes the figure. Nobody waits for
it: whoever asks is told the latest, and an engine that cannot tell it is left alone for a minute.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from docker.utils import version_lt

from gateway.kit.tasks import Tasks
from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker.engine import Engine
from gateway.runtime.docker.listing import Seen
from gateway.runtime.docker.processors import Sample, share

EVERY_S: Final = 5.0
"""How old a container's sample becomes before it is taken anew."""

_A_SECOND: Final = 4.0
"""Samples a second that one engine is asked for at most."""

OLD_S: Final = 90.0
"""A figure this old tells nothing any more; a site of a large fleet is looked at every 30 s."""

AGAIN_S: Final = 60.0
"""How long an engine that could not tell is left alone."""

_ANSWER_S: Final = 5.0
"""Engines take their samples once a second; those without one-shot wait for two of them."""

_AT_ONCE: Final = 4  # of the engine's threads: making and mending need the others
_ONE_SHOT: Final = "1.41"


@dataclass(slots=True)
class _Look:
    """What is known of one run of a container; times are monotonic."""

    life: tuple[str, str]
    asked: float
    tried: float = float("-inf")
    busy: bool = False
    sample: Sample | None = None
    taken: float = float("-inf")
    share: float | None = None


class Usage:
    """The processor use of one engine's containers; ``known`` returns what is listed of a server.

    Use it inside one event loop.
    """

    def __init__(
        self,
        engine: Engine,
        known: Callable[[str], Seen | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._known = known
        self._monotonic = monotonic
        self._looks: dict[str, _Look] = {}
        self._again = float("-inf")
        self._failing = False
        self._few = asyncio.Semaphore(_AT_ONCE)
        self._tasks = Tasks("usage")
        self._log = structlog.get_logger("runtime").bind(engine=engine.where)

    def of(self, server_id: str) -> float | None:
        """Return a server's share of the processors that it may use, as last seen, at once.

        ``None`` while nothing is known; it is found out for whoever asks again.
        """
        seen, now = self._known(server_id), self._monotonic()
        if seen is None or not seen.running:
            self._looks.pop(server_id, None)
            return None
        look, life = self._looks.get(server_id), (seen.id, seen.started)
        if look is None or look.life != life:
            look = self._looks[server_id] = _Look(life, now)
        look.asked = now
        if not look.busy and now >= max(self._again, look.tried + self._pause(now)):
            look.tried, look.busy = now, True
            self._tasks.spawn(self._take(seen, look), server_id)
        return look.share if now - look.taken < OLD_S else None

    async def close(self) -> None:
        """Ask no more."""
        await self._tasks.close()

    def _pause(self, now: float) -> float:
        """Return how old a sample may become, and forget those that nobody asks for any more."""
        self._looks = {name: one for name, one in self._looks.items() if now - one.asked < OLD_S}
        return max(EVERY_S, len(self._looks) / _A_SECOND)

    async def _take(self, seen: Seen, look: _Look) -> None:
        try:
            async with self._few:
                if self._monotonic() < self._again:
                    return  # another one has failed while this one waited
                answer = await self._engine.attempt(
                    "tell what a container uses",
                    lambda client: _stats(client, seen.id),
                    within_s=_ANSWER_S,
                )
        except GatewayError as error:
            look.sample = look.share = None
            self._failed(error)
        else:
            self._note(seen, look, Sample.read(answer))
            self._well()
        finally:
            look.busy = False

    def _note(self, seen: Seen, look: _Look, sample: Sample | None) -> None:
        now, before = self._monotonic(), look.sample
        recent = before is not None and now - look.taken < OLD_S
        look.sample, look.taken, look.share = sample, now, None
        if before is not None and sample is not None and recent:
            look.share = share(before, sample, seen.processors)

    def _failed(self, error: GatewayError) -> None:
        self._again = self._monotonic() + AGAIN_S
        if not self._failing:
            self._failing = True
            hint = error.hint
            if error.kind is ErrorKind.CONTAINER_FAILED:
                hint = "a proxy before the engine must let GET /containers/*/stats through"
            self._log.warning(
                "the engine does not tell what containers use: buildings on WCS grow by viewers, "
                "ports and late streams alone",
                reason=error.message,
                hint=hint,
            )

    def _well(self) -> None:
        if self._failing:
            self._failing = False
            self._log.info("the engine tells again what containers use")


def _stats(client: Any, container: str) -> Any:
    # The SDK refuses to ask an engine before 20.10 for it.
    one_shot = None if version_lt(client.api_version, _ONE_SHOT) else True
    return client.stats(container, stream=False, one_shot=one_shot)
