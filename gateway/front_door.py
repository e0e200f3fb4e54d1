"""Opens the door that residents, technicians and websites come through."""

import errno
from contextlib import AsyncExitStack

from aiohttp import web

from gateway.api.runner import create_runner
from gateway.kit.oserrors import plainly
from gateway.model.errors import ErrorKind, GatewayError


async def open_door(stack: AsyncExitStack, app: web.Application, host: str, port: int) -> int:
    """Serve ``app``; returns the port in use. ``stack`` closes the door; raises GatewayError."""
    runner = create_runner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise _door_error(host, port, error) from error
    address: tuple[str, int] = runner.addresses[0]
    return address[1]


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
