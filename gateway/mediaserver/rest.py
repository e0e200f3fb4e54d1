"""The REST API: Web Call Server's ``/rest-api`` as far as it drives cameras, and its statistics.

Answers follow WCS: what returns nothing is an empty 200, nothing found is 404, a repeated capture
409. Bodies of errors are for people; no program needs them.
"""

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aiohttp import web

from gateway.mediaserver import snapshot, stat, views
from gateway.mediaserver.edge import Edge
from gateway.mediaserver.lease import Lease
from gateway.mediaserver.news import News
from gateway.mediaserver.outlet.server import Outlet
from gateway.mediaserver.ports import Engine
from gateway.mediaserver.registry import CaptureRefused, Registry
from gateway.mediaserver.settings import BasicUser
from gateway.mediaserver.signalling import Signalling
from gateway.mediaserver.texts import Info
from gateway.model.errors import GatewayError
from gateway.rtsp.picture import PictureWorker

MAX_BODY: Final = 64 * 1024
SNAPSHOT_S: Final = 5.0

Body = Mapping[str, Any]
Method = Callable[[Body], Awaitable[web.Response]]


@dataclass(slots=True)
class Rest:
    """The API's handlers; :meth:`application` is what a web server needs."""

    engine: Engine
    registry: Registry
    signalling: Signalling
    pictures: PictureWorker
    lease: Lease
    usage: stat.Usage
    user: BasicUser | None
    edge: Edge | None = None
    outlet: Outlet | None = None
    news: News = field(init=False)

    def __post_init__(self) -> None:
        self.news = News(self._captures_now)

    def application(self) -> web.Application:
        """Return the aiohttp application of the control port."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._guard])
        app.router.add_get("/", self._stat)
        app.router.add_get("/rest-api/changes", self.news.tell, allow_head=False)
        methods: Mapping[str, Method] = {
            "rtsp/startup": self._rtsp_startup,
            "rtsp/find_all": self._rtsp_find,
            "rtsp/find": self._rtsp_find,
            "rtsp/terminate": self._rtsp_terminate,
            "stream/find_all": self._stream_find,
            "stream/find": self._stream_find,
            "stream/terminate": self._stream_terminate,
            "stream/snapshot": self._stream_snapshot,
            "connection/find_all": self._connection_find,
            "connection/find": self._connection_find,
            "connection/terminate": self._connection_terminate,
        }
        for name, method in methods.items():
            handler = _with_body(method)
            app.router.add_post(f"/rest-api/{name}", handler)
            app.router.add_get(f"/rest-api/{name}", handler, allow_head=False)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self.user is not None and not _knows(self.user, request):
            return web.Response(
                status=401, headers={"WWW-Authenticate": 'Basic realm="media server"'}
            )
        self.lease.renew()
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except CaptureRefused as refused:
            return web.Response(status=refused.status, text=refused.info or refused.reason)
        except Exception:  # noqa: BLE001  # one bad call must not end the server
            # The request's body holds a camera's password: the path alone is logged.
            structlog.get_logger("mediaserver").exception("a REST call failed", path=request.path)
            return web.Response(status=500, text=Info.FAILED)

    async def _stat(self, request: web.Request) -> web.Response:
        if request.query.get("action") != "stat":
            raise web.HTTPNotFound
        groups = stat.groups(
            engine=self.engine,
            connections=len(self.signalling.connections()),
            usage=self.usage,
        )
        if self.outlet is not None:
            groups["streams_stats"] |= self.outlet.counters()
        if request.query.get("format") != "json":
            return web.Response(text=stat.as_text(groups))
        wanted = request.query.get("groups")
        if wanted:
            groups = {name: values for name, values in groups.items() if name in wanted.split(",")}
        return _json(groups)

    def _captures_now(self) -> Hashable:
        agents = self.registry.agents() if self.edge is None else self.edge.agents()
        states = ((agent.uri, agent.state) for agent in agents)
        live = tuple((stream.name, stream.live) for stream in self.engine.streams())
        return live, tuple((uri, one.status, one.info, one.reason) for uri, one in states)

    async def _rtsp_startup(self, body: Body) -> web.Response:
        if self.edge is not None:
            # One camera, one session: that of the origin.
            raise web.HTTPForbidden(text="an edge takes streams from its origin only")
        to_stream = _optional_text(body, "toStream")
        self.registry.startup(_text(body, "uri"), to_stream)
        return web.Response()

    async def _rtsp_find(self, body: Body) -> web.Response:
        found = [views.agent(agent) for agent in self.registry.agents()]
        return _found(_matching(found, body, ("uri", "status", "toStream")))

    async def _rtsp_terminate(self, body: Body) -> web.Response:
        if not await self.registry.terminate(_text(body, "uri")):
            raise web.HTTPNotFound(text=Info.STREAM_NOT_FOUND)
        return web.Response()

    async def _stream_find(self, body: Body) -> web.Response:
        metrics = "metrics" in body.get("display", ())
        found = self._streams(metrics=metrics)
        return _found(_matching(found, body, ("name", "published", "mediaSessionId", "status")))

    def _streams(self, *, metrics: bool) -> list[dict[str, Any]]:
        if self.edge is not None:
            pulled = self.edge.agents()
            return views.streams(self.engine, pulled, provider="CDN", metrics=metrics)
        pulled = self.registry.agents()
        return views.streams(self.engine, pulled, provider="RTSP", metrics=metrics)

    async def _stream_terminate(self, body: Body) -> web.Response:
        ids = body.get("mediaSessionIds")
        if ids is not None and not isinstance(ids, list):
            raise web.HTTPBadRequest(text="mediaSessionIds must be a list")
        if not any(body.get(key) for key in ("mediaSessionId", "mediaSessionIds", "name")):
            # WCS stops every stream here; a slip of a script must not turn a building dark.
            raise web.HTTPBadRequest(text="say mediaSessionId, mediaSessionIds or name")
        found = _matching(
            self._streams(metrics=False),
            body,
            ("name", "published", "mediaSessionId", "status"),
        )
        if ids:
            found = [item for item in found if item["mediaSessionId"] in ids]
        if not found:
            raise web.HTTPNotFound(text=Info.STREAM_NOT_FOUND)
        for item in found:
            await self._end(item)
        return web.Response()

    async def _end(self, item: Mapping[str, Any]) -> None:
        if not item["published"]:
            self.engine.stop(item["mediaSessionId"], Info.STOPPED_BY_REST)
            return
        agent = self.registry.publishing(item["name"])
        if agent is not None:
            await self.registry.terminate(agent.uri.reveal())

    async def _stream_snapshot(self, body: Body) -> web.Response:
        name = _text(body, "streamName")
        if not any(stream.name == name for stream in self.engine.streams()):
            raise web.HTTPNotFound(text=Info.STREAM_NOT_FOUND)
        key_frame = self.engine.key_frame(name)
        if key_frame is None:
            return web.Response(status=500, text=Info.NOT_READY)
        video, frame = key_frame
        try:
            stream = snapshot.annexb(video.codec, frame)
            picture = await self.pictures.png(stream, str(video.codec), SNAPSHOT_S)
        except (ValueError, GatewayError) as error:
            structlog.get_logger("mediaserver").warning(
                "a picture could not be made", camera=name, reason=str(error)
            )
            return web.Response(status=500, text=Info.NOT_READY)
        return _json({"data": base64.b64encode(picture).decode("ascii")})

    async def _connection_find(self, body: Body) -> web.Response:
        found = [dict(connection.view()) for connection in self.signalling.connections()]
        return _found(_matching(found, body, ("sessionId", "appKey", "clientVersion")))

    async def _connection_terminate(self, body: Body) -> web.Response:
        session_id = _text(body, "sessionId")
        for connection in self.signalling.connections():
            if connection.session_id == session_id:
                connection.abort("terminated over REST")
                return web.Response()
        raise web.HTTPNotFound


def _with_body(method: Method) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        return await method(await _body(request))

    return handler


async def _body(request: web.Request) -> Body:
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text="the body is no JSON") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    display = body.get("display", [])
    if not isinstance(display, list):
        raise web.HTTPBadRequest(text="display must be a list")
    return body


def _text(body: Body, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise web.HTTPBadRequest(text=f"{key} must be a text")
    return value


def _optional_text(body: Body, key: str) -> str | None:
    return None if body.get(key) is None else _text(body, key)


def _matching(
    items: Sequence[dict[str, Any]], body: Body, keys: Sequence[str]
) -> list[dict[str, Any]]:
    wanted = {key: body[key] for key in keys if body.get(key) is not None}
    return [item for item in items if all(item.get(key) == wanted[key] for key in wanted)]


def _found(items: Sequence[Mapping[str, Any]]) -> web.Response:
    if not items:
        raise web.HTTPNotFound
    return _json(items)


def _json(value: Any) -> web.Response:
    return web.json_response(value, headers={"Cache-Control": "no-store"})


def _knows(user: BasicUser, request: web.Request) -> bool:
    """Check HTTP Basic credentials (RFC 7617, UTF-8)."""
    scheme, _, said = request.headers.get("Authorization", "").partition(" ")
    try:
        name, colon, password = base64.b64decode(said, validate=True).partition(b":")
    except ValueError:
        return False
    # Both are compared whatever the first says, so that time tells nothing.
    right_name = hmac.compare_digest(name, user.name.encode())
    right_password = hmac.compare_digest(password, user.password.reveal().encode())
    return scheme.lower() == "basic" and bool(colon) and right_name and right_password
