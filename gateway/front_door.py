"""Opens the doors: the one that residents and websites come through, and the staff's own."""

import errno
import os
import ssl
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from gateway.api import keys
from gateway.api.runner import create_runner
from gateway.kit.oserrors import plainly
from gateway.kit.secret import Secret
from gateway.model.company import Tls
from gateway.model.errors import ErrorKind, GatewayError


@dataclass(slots=True)
class Doors:
    """The open doors. ``port`` is the public one's; :meth:`renew` changes the certificate."""

    port: int = 0
    staff_port: int | None = None
    metrics_port: int | None = None
    _context: ssl.SSLContext | None = None
    _tls: Tls | None = None
    _runner: web.AppRunner | None = field(default=None, repr=False)

    @property
    def scheme(self) -> str:
        """``https`` when the gateway speaks TLS itself."""
        return "http" if self._context is None else "https"

    async def open(
        self,
        stack: AsyncExitStack,
        app: web.Application,
        *,
        listen: tuple[str, int],
        staff_listen: tuple[str, int] | None,
        tls: Tls | None,
        metrics_listen: tuple[str, int] | None = None,
    ) -> None:
        """Serve ``app``; ``stack`` closes the doors. Raises GatewayError.

        The listener for metrics speaks plain http: it is for a machine beside this one.
        """
        if tls is not None:
            self._context = _context()
            _use(self._context, tls)
            self._tls = tls
        self._runner = create_runner(app)
        await self._runner.setup()
        stack.push_async_callback(self._runner.cleanup)
        self.port = await self._listen(*listen)
        if staff_listen is not None:
            self.staff_port = await self._listen(*staff_listen)
            app[keys.SIDES].staff_port = self.staff_port
        if metrics_listen is not None:
            self.metrics_port = await self._listen(*metrics_listen, plain=True)
            app[keys.SIDES].metrics_port = self.metrics_port

    def renew(self, tls: Tls | None) -> None:
        """Show another certificate to whoever connects from now on."""
        if self._context is None or tls is None or tls == self._tls:
            return
        log = structlog.get_logger("service")
        try:
            _use(self._context, tls)
        except GatewayError as error:
            log.warning("the new certificate is not used", reason=str(error))
            return
        self._tls = tls
        log.info("the certificate is renewed", until=f"{tls.expires:%Y-%m-%d}")

    async def _listen(self, host: str, port: int, *, plain: bool = False) -> int:
        runner = self._runner
        if runner is None:
            raise GatewayError(ErrorKind.INTERNAL, "the doors are opened before they are made")
        there = len(runner.addresses)
        site = web.TCPSite(runner, host, port, ssl_context=None if plain else self._context)
        try:
            await site.start()
        except OSError as error:
            raise _door_error(host, port, error) from error
        address: tuple[str, int] = runner.addresses[there]
        return address[1]


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _use(context: ssl.SSLContext, tls: Tls) -> None:
    """Give a context its certificate; OpenSSL reads files, so they are files in memory only."""
    with ExitStack() as stack:
        names = [_in_memory(stack, content) for content in (Secret(tls.certificate), tls.key)]
        try:
            context.load_cert_chain(*names)
        except (ssl.SSLError, OSError) as error:
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                "the certificate and the key of tls cannot be used",
                "check both with openssl x509 and openssl pkey",
            ) from error


def _in_memory(stack: ExitStack, content: Secret) -> str:
    descriptor = os.memfd_create("tls")
    file = stack.enter_context(os.fdopen(descriptor, "wb"))
    file.write(content.reveal().encode())
    file.flush()
    return f"/proc/self/fd/{descriptor}"


def _door_error(host: str, port: int, error: OSError) -> GatewayError:
    if error.errno == errno.EADDRINUSE:
        return GatewayError(
            ErrorKind.CONFLICT,
            f"port {port} of {host} is in use by another program",
            "end that program, or set another listen address",
        )
    return GatewayError(
        ErrorKind.CONFIG_INVALID,
        f"the gateway cannot listen on {host}:{port}: {plainly(error)}",
        "set listen to an address of this machine and a port above 1023",
    )
