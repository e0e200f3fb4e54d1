"""The interviews of many cameras side by side: an own pool of threads, dead hosts kept out."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp

from gateway.model.device import DeviceFailureKind, DeviceReport
from gateway.model.site import Credential
from gateway.onvif.discovery.scope import Scope
from gateway.onvif.failures import DeviceError, explain, failed, no_onvif, unreachable
from gateway.onvif.interview import Interview
from gateway.onvif.library import Documents
from gateway.onvif.transport import CameraTransport

THREADS: Final = 24
CAMERA_S: Final = 25.0
_CONNECT_S: Final = 2.0
_NEXT_PLACE: Final = (DeviceFailureKind.NO_ONVIF, DeviceFailureKind.UNREACHABLE)


class Interrogator:
    """Questions cameras of a scope; use it as an async context manager."""

    def __init__(self, *, threads: int = THREADS, camera_s: float = CAMERA_S) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="onvif")
        self._camera_s = camera_s
        self._documents = Documents()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=128, limit_per_host=2, ssl=False)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the pool; interviews that run come to their deadline first."""
        if self._session is not None:
            await self._session.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def ask(
        self, xaddrs: Sequence[str], address: str, scope: Scope, credentials: Sequence[Credential]
    ) -> DeviceReport:
        """Return what the device at ``address`` says, asked at its URLs in order.

        The next URL is tried only where the last one is no ONVIF service. Never raises for what a
        camera does; its report holds the failure.
        """
        report = DeviceReport(address=address, failure=no_onvif().failure)
        deadline = time.monotonic() + self._camera_s
        for url in xaddrs:
            if not scope.allows_url(url):
                report = replace(report, failure=_outside().failure)
                continue
            if not await _answers(url):
                report = replace(report, xaddr=url, failure=unreachable().failure)
                continue
            report = await self._interview(url, address, scope, credentials, deadline)
            if report.failure is None or report.failure.kind not in _NEXT_PLACE:
                break
        return report

    async def _interview(
        self,
        url: str,
        address: str,
        scope: Scope,
        credentials: Sequence[Credential],
        deadline: float,
    ) -> DeviceReport:
        if self._session is None:
            raise RuntimeError("use the Interrogator as a context manager")
        loop = asyncio.get_running_loop()
        transport = CameraTransport(
            session=self._session, loop=loop, scope=scope, deadline=deadline
        )
        interview = Interview(
            url=url,
            address=address,
            documents=self._documents,
            transport=transport,
            scope=scope,
            credentials=credentials,
        )
        try:
            return await loop.run_in_executor(self._pool, interview.run)
        except Exception as error:  # noqa: BLE001  # one camera never ends the survey
            return DeviceReport(address=address, xaddr=url, failure=explain(error).failure)


async def _answers(url: str) -> bool:
    """Tell whether somebody listens there, so that dead hosts never take a thread."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


def _outside() -> DeviceError:
    return failed(
        DeviceFailureKind.OUTSIDE,
        "the address is outside the site's networks",
        "widen discovery.subnets of the site if the camera really is there",
    )
