"""The interviews of many cameras side by side: an own pool of threads, dead hosts kept out."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Self, TypeVar

import aiohttp

from gateway.model.device import DeviceFailureKind, DeviceReport
from gateway.model.site import Credential
from gateway.onvif.discovery.scope import Scope
from gateway.onvif.discovery.sweep import GREETING
from gateway.onvif.failures import (
    DeviceError,
    explain,
    failed,
    no_onvif,
    too_slow,
    unreachable,
)
from gateway.onvif.interview import Interview
from gateway.onvif.library import Documents
from gateway.onvif.transport import CALL_S, CameraTransport, bounded

THREADS: Final = 24
CAMERA_S: Final = 25.0
_CONNECT_S: Final = 2.0
_T = TypeVar("_T")
_NEXT_PLACE: Final = (DeviceFailureKind.NO_ONVIF, DeviceFailureKind.UNREACHABLE)


class Interrogator:
    """Questions cameras of a scope; use it as an async context manager.

    A camera has ``camera_s`` seconds in all, and ``hello_s`` to say anything at all.
    """

    def __init__(
        self, *, threads: int = THREADS, camera_s: float = CAMERA_S, hello_s: float = CALL_S
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="onvif")
        self._camera_s = max(camera_s, hello_s)
        self._hello_s = hello_s
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
            silent = await self._silence(url, deadline)
            if silent is not None:
                report = replace(report, xaddr=url, failure=silent.failure)
                if silent.failure.kind is DeviceFailureKind.TOO_SLOW:
                    break
                continue
            report = await self._interview(url, address, scope, credentials, deadline)
            if report.failure is None or report.failure.kind not in _NEXT_PLACE:
                break
        return report

    async def converse(
        self,
        url: str,
        address: str,
        scope: Scope,
        credential: Credential | None,
        work: Callable[[Interview], _T],
    ) -> _T:
        """Interview a device and then do ``work`` in the same thread; raises DeviceError."""
        interview = self._made(
            url,
            address,
            scope,
            [] if credential is None else [credential],
            time.monotonic() + self._camera_s,
        )

        def whole() -> _T:
            report = interview.run()
            if report.failure is not None:
                raise DeviceError(report.failure)
            return work(interview)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, whole)
        except Exception as error:
            raise explain(error) from error

    async def _silence(self, url: str, deadline: float) -> DeviceError | None:
        """Return why nobody speaks there; ``None`` when somebody does, whatever it says.

        The question that needs no password, asked without a thread: a camera that hangs must not
        take one from those that answer.
        """
        left = min(self._hello_s, deadline - time.monotonic())
        timeout = aiohttp.ClientTimeout(total=max(0.1, left), sock_connect=_CONNECT_S)
        try:
            async with self._open().post(
                url,
                data=GREETING,
                headers={"Content-Type": "application/soap+xml; charset=utf-8"},
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                await bounded(answer)
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError):
            return unreachable()
        except TimeoutError:
            return too_slow()
        except (aiohttp.ClientError, DeviceError, ValueError, OSError):
            return None
        return None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the Interrogator as a context manager")
        return self._session

    async def _interview(
        self,
        url: str,
        address: str,
        scope: Scope,
        credentials: Sequence[Credential],
        deadline: float,
    ) -> DeviceReport:
        interview = self._made(url, address, scope, credentials, deadline)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, interview.run)
        except Exception as error:  # noqa: BLE001  # one camera never ends the survey
            return DeviceReport(address=address, xaddr=url, failure=explain(error).failure)

    def _made(
        self,
        url: str,
        address: str,
        scope: Scope,
        credentials: Sequence[Credential],
        deadline: float,
    ) -> Interview:
        transport = CameraTransport(
            session=self._open(),
            loop=asyncio.get_running_loop(),
            scope=scope,
            deadline=deadline,
        )
        return Interview(
            url=url,
            address=address,
            documents=self._documents,
            transport=transport,
            scope=scope,
            credentials=credentials,
        )


def _outside() -> DeviceError:
    return failed(
        DeviceFailureKind.OUTSIDE,
        "the address is outside the site's networks",
        "widen discovery.subnets of the site if the camera really is there",
    )
