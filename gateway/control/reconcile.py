"""One cycle of one site: look, plan, act, and say in a sentence what was done.

:meth:`Reconciler.cycle` may be called as often as one likes: it acts on what it sees, never on
what it remembers. What it does remember is only when something failed, so as not to hammer.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from gateway.control.answering import Answering
from gateway.control.clients import Clients
from gateway.control.desired import Desired
from gateway.control.facts import PLAYING, Facts, ServerFacts
from gateway.control.gates import DIAL_S, Gates
from gateway.control.last_step import done, failed, troubled
from gateway.control.pacing import Pacing
from gateway.control.plan import make_plan
from gateway.control.ports import MediaServer, Runtime
from gateway.control.upgrades import waiting
from gateway.kit.clock import Clock
from gateway.kit.measures import Measures
from gateway.kit.secret import Secret
from gateway.kit.tasks import Tasks
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.plan import Plan, Step, StepKind
from gateway.model.remark import NOTHING, Remark
from gateway.model.server import (
    Role,
    ServerObserved,
    ServerState,
    ServerStats,
    StreamObserved,
)

_ASK_S = 5.0
"""How long a media server on the local network may take to list what it does."""

Decide = Callable[[Sequence[ServerFacts]], Desired]
"""Says what a site wants, given what is there."""

_NUMBERS = re.compile(r"\d{5,}")
"""An engine names its drafts by numbers, others at each try: that is no news."""

_BEGINS = frozenset({StepKind.CREATE, StepKind.REPLACE, StepKind.START})


@dataclass(slots=True)
class Reconciler:
    """The hands of one site. ``stirred`` is called when a background pull has ended.

    ``gates`` bound what all sites do at the same moment.
    """

    site: str
    runtime: Runtime
    clients: Clients
    clock: Clock
    gates: Gates
    stirred: Callable[[], None]
    measures: Measures = field(default_factory=Measures)
    _servers: tuple[ServerObserved, ...] | None = None
    _seen: set[str] = field(default_factory=set)
    _deaths: Pacing = field(default_factory=lambda: Pacing(first=0.5, most=60, calm=10))
    _pulls: Pacing = field(default_factory=lambda: Pacing(first=1, most=30, calm=20))
    _troubles: dict[str, GatewayError] = field(default_factory=dict)
    _pulling: Tasks = field(init=False)
    _in_flight: set[str] = field(default_factory=set)
    _answering: Answering = field(init=False)
    _known_good: set[str] = field(default_factory=set)
    _last_step: Remark = NOTHING
    _complaints: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pulling = Tasks(f"pulls of {self.site}")
        self._answering = Answering(self.gates.fellows)

    async def observe(self, *, fresh: bool) -> tuple[ServerFacts, ...]:
        """Return what is there; ``fresh`` asks the runtime too, else only the media servers.

        Raises GatewayError when the runtime cannot be asked.
        """
        if fresh or self._servers is None:
            self._servers = tuple(await self.runtime.observe(self.site))
            there = {server.id for server in self._servers}
            gone, self._seen = self._seen - there, there
            self._answering.keep(there)
            await self.clients.forget(gone)
        return tuple(await asyncio.gather(*(self._ask(server) for server in self._servers)))

    def plan(
        self, wanted: Desired, servers: Sequence[ServerFacts], later: Collection[str] = ()
    ) -> Plan:
        """Return the steps from what was seen to what is wanted; upgrades of ``later`` wait."""
        captures = {one.observed.id: one.captures for one in servers if one.asked}
        return make_plan(
            wanted,
            [one.observed for one in servers],
            captures,
            fingerprint=self.runtime.fingerprint,
            hung=self._answering.hung(self.clock.monotonic()),
            waiting=later,
        )

    async def cycle(self, decide: Decide, *, fresh: bool = True, act: bool = True) -> Facts:
        """Look, plan and act once; return what was seen before the acting.

        ``decide`` says what is wanted in the light of what was seen; ``act`` false only looks.
        Never raises GatewayError: what failed stands in the facts.
        """
        try:
            servers = await self.observe(fresh=fresh)
        except GatewayError as error:
            self._servers = None
            self._complain(self.site, troubled(error))
            return Facts(self.site, troubles={self.site: error}, last_step=self._last_step)
        wanted = decide(servers)
        plan = self.plan(wanted, servers)
        later = waiting(plan, servers, self.gates.upgrades, self.clock.monotonic())
        if later:
            plan = self.plan(wanted, servers, later)
        self._note_health(wanted, servers)
        for step in plan.steps if act else ():
            await self._take(step)
        if any(step.kind not in (StepKind.PULL, StepKind.DROP) for step in plan.steps):
            self._servers = None
        return Facts(
            self.site,
            servers,
            troubles=dict(self._troubles),
            plan=plan,
            last_step=self._last_step,
        )

    async def close(self) -> None:
        """End what runs in the background; media servers are left as they are."""
        await self._pulling.close()

    async def _ask(self, server: ServerObserved) -> ServerFacts:
        if server.state is not ServerState.RUNNING:
            self._answering.begun(server.id)
            return ServerFacts(server)
        client = await self.clients.get(server)
        if client is None:
            return ServerFacts(server)
        known = server.id in self._known_good
        gate = self.gates.asked if known else self.gates.doubted
        try:
            async with gate, asyncio.timeout(_ASK_S):
                if not known and not await client.ready():
                    self._answering.silent(server.id, self.clock.monotonic())
                    return ServerFacts(server)
                # One after the other, on one connection: a thousand servers have a thousand.
                captures, streams = await client.captures(), await client.streams()
                stats = await _numbers(server, client, streams)
        except GatewayError as error:
            return self._unanswered(server, error)
        except TimeoutError:
            return self._unanswered(server, _silent(server.id))
        self._known_good.add(server.id)
        self._answering.heard(server.id)
        self.gates.upgrades.over(server.id)
        return ServerFacts(server, True, tuple(captures), tuple(streams), stats=stats)  # noqa: FBT003  # asked

    def _unanswered(self, server: ServerObserved, error: GatewayError) -> ServerFacts:
        self._known_good.discard(server.id)
        self._answering.silent(server.id, self.clock.monotonic())
        return ServerFacts(server, error=error)

    def _note_health(self, wanted: Desired, servers: Sequence[ServerFacts]) -> None:
        now = self.clock.monotonic()
        for server in servers:
            if server.asked:
                for kind in StepKind:
                    self._deaths.fine(_key(kind, server.observed.id), now)
                self._troubles.pop(server.observed.id, None)
            for capture in server.captures:
                if capture.stream is not None:
                    self._troubles.pop(capture.stream, None)
                    if capture.status == PLAYING:
                        self._pulls.fine(_pull_key(capture.stream, capture.uri), now)
        streams = {capture.stream for capture in wanted.captures}
        names = (
            streams | {spec.id for spec in wanted.servers} | {one.observed.id for one in servers}
        )
        self._pulls.forget_others([_pull_key(one.stream, one.uri) for one in wanted.captures])
        self._deaths.forget_others([_key(kind, name) for kind in StepKind for name in names])
        for gone in set(self._troubles) - names:
            del self._troubles[gone]
        for gone in set(self._complaints) - names:
            del self._complaints[gone]

    async def _take(self, step: Step) -> None:
        now = self.clock.monotonic()
        if step.kind is StepKind.PULL:
            pull = _pull_key(step.target, step.uri)
            if step.target not in self._in_flight and not self._pulls.wait(pull, now):
                self._pulls.tried(pull, now)
                self._in_flight.add(step.target)
                self._pulling.spawn(self._pull(step), step.target)
            return
        if self._deaths.wait(_key(step.kind, step.target), now):
            return
        if step.kind is not StepKind.DROP:
            self._deaths.tried(_key(step.kind, step.target), now)
        await self._act(step, self._actions()[step.kind])

    def _actions(self) -> Mapping[StepKind, Callable[[Step], Awaitable[None]]]:
        return {
            StepKind.CREATE: self._create,
            StepKind.REPLACE: self._create,
            StepKind.START: self._start,
            StepKind.STOP: self._stop,
            StepKind.REMOVE: self._remove,
            StepKind.PULL: self._startup,
            StepKind.DROP: self._terminate,
        }

    async def _pull(self, step: Step) -> None:
        try:
            async with self.gates.pull(step.uri or Secret("")):
                try:
                    await self._act(step, self._startup)
                finally:
                    self._in_flight.discard(step.target)
                    self.stirred()
                await self.clock.sleep(DIAL_S)
        finally:
            self._in_flight.discard(step.target)

    async def _act(self, step: Step, action: Callable[[Step], Awaitable[None]]) -> None:
        started = self.clock.monotonic()
        try:
            await action(step)
        except GatewayError as error:
            self.measures.count("steps", kind=step.kind, result="failed")
            self._troubles[step.target] = error
            if error.kind is ErrorKind.ENGINE_UNAVAILABLE:
                # That says nothing about the server: it need not wait once the engine is back.
                self._deaths.excuse(_key(step.kind, step.target))
            self._complain(step.target, failed(step, error))
            return
        self.measures.count("steps", kind=step.kind, result="done")
        self._troubles.pop(step.target, None)
        if step.kind in _BEGINS:
            # A new server pulls anew: that says nothing about the cameras.
            self._pulls.forget_others(())
            self._answering.begun(step.target)
        took = self.clock.monotonic() - started
        self._complaints.pop(step.target, None)
        self._last_step = done(step, took)
        structlog.get_logger("control").info(self._last_step.text, site=self.site)

    def _complain(self, target: str, failure: Remark) -> None:
        """Say a failure once, not at every try, whatever else fails or works in between."""
        self._last_step, gist = failure, _NUMBERS.sub("", failure.text)
        if gist != self._complaints.get(target):
            structlog.get_logger("control").warning(failure.text, site=self.site)
        self._complaints[target] = gist

    async def _create(self, step: Step) -> None:
        if step.spec is None:
            raise GatewayError(ErrorKind.INTERNAL, f"the step for {step.target} names no server")
        async with self.gates.heavy:
            await self.runtime.create(step.spec)

    async def _start(self, step: Step) -> None:
        async with self.gates.heavy:
            await self.runtime.start(step.target)

    async def _stop(self, step: Step) -> None:
        await self.runtime.stop(step.target)

    async def _remove(self, step: Step) -> None:
        await self.runtime.remove(step.target)

    async def _startup(self, step: Step) -> None:
        client, uri = await self._client(step.server), step.uri
        if uri is not None:
            await client.startup(uri, step.target)

    async def _terminate(self, step: Step) -> None:
        client, uri = await self._client(step.server), step.uri
        if uri is not None:
            await client.terminate_capture(uri)

    async def _client(self, server_id: str) -> MediaServer:
        server = next((one for one in self._servers or () if one.id == server_id), None)
        client = None if server is None else await self.clients.get(server)
        if client is None:
            raise GatewayError(
                ErrorKind.SERVER_NOT_READY,
                f"media server {server_id} cannot be asked",
                "it is tried again by itself",
            )
        return client


async def _numbers(
    server: ServerObserved, client: MediaServer, streams: Sequence[StreamObserved]
) -> ServerStats | None:
    """Ask a server that somebody watches for its numbers; it is well without them too."""
    if server.role is Role.ORIGIN and all(stream.published for stream in streams):
        return None
    try:
        return await client.stats()
    except GatewayError:
        return None


def _key(kind: StepKind, target: str) -> str:
    """Return the pacing key: a changed setting need not wait for what a crash has earned."""
    return f"{kind} {target}"


def _pull_key(stream: str, uri: Secret | None) -> str:
    """Return the pacing key: another address need not wait for what the old one has earned."""
    return f"{stream} {hash(uri)}"


def _silent(server_id: str) -> GatewayError:
    return GatewayError(
        ErrorKind.SERVER_NOT_READY,
        f"media server {server_id} has not answered for {_ASK_S:g} s",
        "if it stays so, look at its log and at the machine's load",
    )
