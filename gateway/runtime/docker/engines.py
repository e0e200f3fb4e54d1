"""Several engines as one runtime: each site's servers on the engine that its file names.

What happens to one engine stays with it: each has a runtime of its own, with its threads, its
event stream and its way. Nothing is concluded from what could not be seen: a server of an engine
that is away counts as still there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import structlog

from gateway.kit.backoff import Backoff
from gateway.kit.tasks import Tasks
from gateway.model.company import EngineSettings
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerObserved, ServerSpec
from gateway.runtime.docker.broadcast import Broadcast
from gateway.runtime.docker.post import Post
from gateway.runtime.docker.runtime import DockerRuntime

_CLOSE_S: Final = 10.0

Make = Callable[[EngineSettings], DockerRuntime]


class Engines:
    """Satisfies ``control.ports.Runtime`` by shape; :meth:`take` says which engines there are."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._posts: dict[str, Post] = {}
        self._leaving: dict[str, Post] = {}
        self._homes: Mapping[str, str] = {}
        self._dropping: set[str] = set()
        self._broadcast = Broadcast()
        self._tasks = Tasks("engines")
        self._following: dict[Post, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("runtime")

    def take(self, engines: Sequence[EngineSettings], homes: Mapping[str, str]) -> None:
        """Take over which engines there are, and on which of them each site is.

        An engine that is named no more is kept until nothing of ours is left there, or until the
        gateway ends; one that is switched off is let go of at once.
        """
        before, self._homes = self._homes, dict(homes)
        known = set(self._posts.values())
        wanted = {engine.name: engine for engine in engines}
        for post in self._all():
            settings = wanted.get(post.name)
            if settings is None:
                self._leaving[post.name] = self._posts.pop(post.name, post)
            elif settings != post.settings or not settings.enabled:
                self._end(post)
            else:
                self._posts[post.name] = self._leaving.pop(post.name, post)
        for name, settings in wanted.items():
            if name not in self._posts and settings.enabled:
                self._posts[name] = Post(settings, self._make(settings))
        for site, home in homes.items():
            if before.get(site) != home or self._posts.get(home) not in known:
                self._broadcast.tell(site)

    def fingerprint(self, spec: ServerSpec) -> str:
        """Return a text that changes whenever a server must be replaced to satisfy ``spec``."""
        post = self._posts.get(self._homes.get(spec.site, ""))
        return "" if post is None else post.runtime.fingerprint(spec)

    async def observe(self, site: str | None = None) -> Sequence[ServerObserved]:
        """Return the servers of all engines, or of one site, each once.

        One that is not where its site's file says is shown as one to be replaced. Raises
        ENGINE_UNAVAILABLE when nothing was ever seen of the site's engine, or of any.
        """
        asked = [post for post in self._all() if site is None or self._may_have(post, site)]
        answers = await asyncio.gather(
            *(self._servers(post, site) for post in asked), return_exceptions=True
        )
        there: list[tuple[Post, Sequence[ServerObserved]]] = []
        failures = []
        for post, answer in zip(asked, answers, strict=True):
            if isinstance(answer, GatewayError):
                if site is not None and self._homes.get(site) == post.name:
                    raise answer
                failures.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
            elif self._twin(post) is None:
                there.append((post, answer))
        self._follow()
        if failures and not there:
            raise failures[0]
        return self._once(there)

    def processor(self, server_id: str) -> float | None:
        """Return a server's share of its processors; ``None`` while its engine is away."""
        there = (one for one in self._all() if any(s.id == server_id for s in one.known or ()))
        post = next(there, None)
        return None if post is None or post.away else post.runtime.processor(server_id)

    async def create(self, spec: ServerSpec) -> None:
        """Make a server on its site's engine; one that is on another engine is moved.

        It is taken away there before it begins here, because both would have the same address and
        the same licence. Raises CONFLICT while the other engine cannot be asked.
        """
        home = self._home(spec.site)
        for other in self._all():
            if other is not home and other.holds(spec.id):
                await home.do(lambda runtime: runtime.prepare(spec))
                await self._leave(other, spec.id, home)
        await home.do(lambda runtime: runtime.create(spec))

    async def start(self, server_id: str) -> None:
        """Start a stopped server again."""
        await self._of(server_id).do(lambda runtime: runtime.start(server_id))

    async def stop(self, server_id: str) -> None:
        """Stop a server and keep what belongs to it."""
        for post in self._all():
            if post.holds(server_id):
                await post.do(lambda runtime: runtime.stop(server_id))

    async def remove(self, server_id: str) -> None:
        """Stop and remove a server, wherever it is."""
        for post in self._all():
            if post.holds(server_id):
                await post.do(lambda runtime: runtime.remove(server_id))

    def events(self) -> AsyncIterator[str]:
        """Yield the site whose servers have changed, on whichever engine."""
        return self._broadcast.listen()

    async def close(self) -> None:
        """Let go of all engines; their containers go on."""
        posts = self._all()
        if self._ending:
            await asyncio.wait(self._ending, timeout=_CLOSE_S)
        await self._tasks.close()
        await asyncio.gather(*(post.runtime.close() for post in posts))
        self._broadcast.end()

    def _all(self) -> list[Post]:
        return [*self._posts.values(), *self._leaving.values()]

    def _home(self, site: str) -> Post:
        name = self._homes.get(site, "")
        post = self._posts.get(name)
        if post is None:
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"{site} is to run on the engine {name or 'of the company'}, which is switched off "
                "or not in gateway.yaml",
                "correct media_server.engine in its file, or media_servers.engines",
            )
        self._check(post)
        return post

    def _of(self, server_id: str) -> Post:
        """Return the engine that a server is on, its site's own if it is on two."""
        posts = [post for post in self._all() if post.holds(server_id)]
        if not posts:
            raise GatewayError(
                ErrorKind.NOT_FOUND, f"there is no media server {server_id}", "create it"
            )
        sites = {one.site for post in posts for one in post.known or () if one.id == server_id}
        homes = {self._homes.get(site) for site in sites}
        return next((one for one in posts if one.name in homes), posts[0])

    def _may_have(self, post: Post, site: str) -> bool:
        """Tell whether an engine must be asked about a site: its own, and where some of it is.

        One that is away is not asked about the sites of others; what is known is told anyway.
        """
        home = self._homes.get(site, post.name)
        return home == post.name or any(one.site == site for one in post.known or ())

    async def _servers(self, post: Post, site: str | None) -> Sequence[ServerObserved]:
        found = await post.servers(site)
        self._check(post)
        return found

    def _check(self, post: Post) -> None:
        """Raise CONFLICT for an engine that has another name too."""
        twin = self._twin(post)
        if twin is not None:
            first, second = (one.name or "of the company" for one in (twin, post))
            raise GatewayError(
                ErrorKind.CONFLICT,
                f"the engines {first} and {second} are one and the same machine",
                "name it once in media_servers.engines",
            )

    def _twin(self, post: Post) -> Post | None:
        """Return the engine that is the same by its own id, but was named before."""
        for other in self._all():
            if other is post:
                return None
            if post.identity and other.identity == post.identity:
                return other
        return None

    def _once(
        self, there: Sequence[tuple[Post, Sequence[ServerObserved]]]
    ) -> Sequence[ServerObserved]:
        found: dict[str, ServerObserved] = {}
        strays: list[tuple[Post, ServerObserved]] = []
        for post, servers in there:
            for server in servers:
                if self._homes.get(server.site, post.name) == post.name:
                    found[server.id] = server
                else:
                    strays.append((post, server))
        for post, server in strays:
            if server.id in found:
                self._drop(post, server)
            else:
                mark = f"{server.fingerprint} on another engine"
                found[server.id] = replace(server, fingerprint=mark)
        return list(found.values())

    async def _leave(self, other: Post, server_id: str, home: Post) -> None:
        """Take a server away from the engine that it moves from."""
        self._log.info(
            "a media server moves",
            server=server_id,
            of=str(other.settings),
            to=str(home.settings),
        )
        try:
            await other.do(lambda runtime: runtime.remove(server_id))
        except GatewayError as error:
            if error.kind is not ErrorKind.ENGINE_UNAVAILABLE:
                raise
            raise GatewayError(
                ErrorKind.CONFLICT,
                f"{server_id} may still run where it was: {error.message}",
                "start that machine; if it is off for good, write enabled: false at its engine",
            ) from error

    def _drop(self, post: Post, server: ServerObserved) -> None:
        """Remove what a move that was interrupted has left, in the background."""
        home = self._posts.get(self._homes[server.site])
        apart = home is not None and home.identity and post.identity not in ("", home.identity)
        if server.id in self._dropping or post.away is not None or not apart:
            return
        self._dropping.add(server.id)
        self._tasks.spawn(self._dropped(post, server), f"remove {server.id}")

    async def _dropped(self, post: Post, server: ServerObserved) -> None:
        try:
            await post.do(lambda runtime: runtime.remove(server.id))
        except GatewayError as error:
            self._log.warning("a server that has moved is left over", reason=str(error))
        finally:
            self._dropping.discard(server.id)
            self._broadcast.tell(server.site)

    def _follow(self) -> None:
        """Listen to each engine that has answered, and let go of those that are empty."""
        for post in [one for one in self._leaving.values() if one.known == () and not one.away]:
            self._end(post)
        for post in self._all():
            if post not in self._following and post.known is not None:
                self._following[post] = self._tasks.spawn(self._listen(post), "events")

    async def _listen(self, post: Post) -> None:
        backoff = Backoff(first=0.5, most=30)
        while True:
            async for site in post.runtime.events():
                backoff.reset()
                self._broadcast.tell(site)
            await asyncio.sleep(backoff.next())

    def _end(self, post: Post) -> None:
        for posts in (self._posts, self._leaving):
            if posts.get(post.name) is post:
                del posts[post.name]
        listening = self._following.pop(post, None)
        if listening is not None:
            listening.cancel()
        ending = self._tasks.spawn(post.runtime.close(), "close")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
