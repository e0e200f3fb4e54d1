"""The ONVIF side of a pretend camera: a small web server that can be unplugged."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import structlog
from aiohttp import web

from gateway.demo import soap
from gateway.demo.auth import Digest, token_accepted
from gateway.demo.rtsp_server import reserve
from gateway.demo.scenes import MINUTE_S
from gateway.model.site import Credential

# ONVIF core specification, access class PRE_AUTH.
_OPEN: Final = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities"})
_MAX_REQUEST: Final = 65_536

Snapshot = Callable[[float], Awaitable[bytes]]
"""Makes the JPEG of a second of the minute."""


class OnvifDevice:
    """Answers SOAP on ``/onvif/*`` and serves ``/snapshot.jpg``."""

    def __init__(
        self,
        facts: soap.Facts,
        *,
        host: str,
        rtsp_port: int,
        snapshot: Snapshot,
        credential: Credential | None = None,
    ) -> None:
        self.facts = facts
        self._host, self._rtsp_port, self._snapshot = host, rtsp_port, snapshot
        self._credential = credential
        self._digest = Digest(credential) if credential else None
        self._reserved = reserve(host, 0)
        self.port: int = self._reserved.getsockname()[1]
        self._runner: web.AppRunner | None = None
        self._speaks = asyncio.Event()
        self._log = structlog.get_logger("demo")

    async def plug(self) -> None:
        """Listen (again)."""
        self._speaks.set()
        if self._runner is not None:
            return
        app = web.Application(client_max_size=_MAX_REQUEST)
        app.router.add_post("/onvif/{service}", self._serve)
        app.router.add_get("/snapshot.jpg", self._serve_snapshot)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port, reuse_port=True).start()

    async def unplug(self, *, silent: bool = False) -> None:
        """Refuse connections; ``silent``: take them and never answer."""
        self._speaks.clear()
        if not silent and self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def close(self) -> None:
        """Unplug and give the port back."""
        await self.unplug()
        self._reserved.close()

    async def _serve(self, request: web.Request) -> web.Response:
        await self._speaks.wait()
        try:
            call = soap.parse(await request.read())
        except ValueError as error:
            return _xml(soap.fault("ter:WellFormed", str(error)), status=400)
        if call.name not in _OPEN:
            refused = self._refusal(request, call)
            if refused is not None:
                return refused
        host = _own_address(request, self._host)
        text = soap.answer(
            call,
            self.facts,
            base=f"http://{host}:{self.port}",
            rtsp=f"rtsp://{host}:{self._rtsp_port}",
            now=datetime.now(UTC),
        )
        if text is None:
            unknown = f"{call.name} is not implemented"
            return _xml(soap.fault("ter:ActionNotSupported", unknown, sender=False), status=500)
        return _xml(text)

    async def _serve_snapshot(self, request: web.Request) -> web.Response:
        await self._speaks.wait()
        if self._digest is not None and not self._proven(request):
            return web.Response(status=401, headers={"WWW-Authenticate": self._digest.challenge})
        picture = await self._snapshot(time.time() % MINUTE_S)
        return web.Response(body=picture, content_type="image/jpeg")

    def _refusal(self, request: web.Request, call: soap.Call) -> web.Response | None:
        if self._credential is None or self._digest is None or self._proven(request):
            return None
        if call.token:
            token = call.token
            if token_accepted(
                self._credential,
                username=token.get("Username", ""),
                digest=token.get("Password", ""),
                nonce=token.get("Nonce", ""),
                created=token.get("Created", ""),
            ):
                return None
            return _xml(soap.fault("ter:NotAuthorized", "Wrong user or password"), status=400)
        refused = _xml(soap.fault("ter:NotAuthorized", "Sign in first"), status=401)
        refused.headers["WWW-Authenticate"] = self._digest.challenge
        return refused

    def _proven(self, request: web.Request) -> bool:
        header = request.headers.get("Authorization", "")
        return self._digest is not None and self._digest.accepts(request.method, header)


def _own_address(request: web.Request, fallback: str) -> str:
    """Return the address that the client reached us by, good for cameras on all addresses."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return str(name[0]) if name else fallback


def _xml(text: str, *, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/soap+xml")
