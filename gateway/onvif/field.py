"""A site's network as ``control`` asks of it: search it, find a named device, question one."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

from gateway.model.device import DeviceReport, Profile
from gateway.model.encoder import EncoderChange
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.found import FoundDevice
from gateway.model.site import Credential, Discovery
from gateway.onvif import media2, settings
from gateway.onvif.discovery.finder import Finder
from gateway.onvif.discovery.multicast import PORT
from gateway.onvif.discovery.scope import Scope
from gateway.onvif.discovery.sweep import HTTP_PORTS
from gateway.onvif.failures import DeviceError, bad_answer
from gateway.onvif.interrogate import Interrogator
from gateway.onvif.interview import Interview
from gateway.onvif.soap import Questions
from gateway.onvif.transport import CALL_S

_PATH: Final = "/onvif/device_service"
_RESOLVE_S: Final = 5.0
_T = TypeVar("_T")


class OnvifField:
    """Finder and interviewer in one; an async context manager.

    ``port`` is where devices answer probes, ``hello_s`` how long one that is questioned may be
    silent. The interviewer is built at the first question and costs some 40 MB from then on.
    """

    def __init__(self, *, port: int = PORT, with_tcp: bool = True, hello_s: float = CALL_S) -> None:
        self._port = port
        self._hello_s = hello_s
        self._with_tcp = with_tcp
        self._interrogator: Interrogator | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of threads and connections."""
        interrogator, self._interrogator = self._interrogator, None
        if interrogator is not None:
            await interrogator.close()

    def search(self, discovery: Discovery) -> AsyncIterator[FoundDevice]:
        """Yield each device of the site's networks once; raises CONFIG_INVALID for a bad scope."""
        scope = Scope.of(discovery.subnets, discovery.interface)
        return Finder(scope, with_tcp=self._with_tcp, port=self._port).search()

    def allows(self, discovery: Discovery, host: str) -> bool:
        """Tell whether ``host`` is an address inside the site's networks."""
        try:
            return Scope.of(discovery.subnets, discovery.interface).allows(host)
        except GatewayError:
            return False

    async def locate(self, target: str) -> FoundDevice:
        """Return where to ask the device that ``onvif: target`` names.

        A bare host is tried on the usual ports. Raises CAMERA_UNREACHABLE for a name that nobody
        knows, BAD_REQUEST for what is no address.
        """
        try:
            parts = urlsplit(target if "://" in target else f"//{target}")
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise _no_address() from error
        if not host:
            raise _no_address()
        address = await _resolve(host)
        scheme, path = parts.scheme or "http", parts.path if parts.path not in {"", "/"} else _PATH
        ports = (port,) if port else ((443,) if scheme == "https" else HTTP_PORTS)
        urls = [urlunsplit((scheme, f"{address}:{one}", path, parts.query, "")) for one in ports]
        return FoundDevice(address, tuple(urls))

    async def ask(
        self,
        found: FoundDevice,
        credentials: Sequence[Credential],
        discovery: Discovery | None = None,
    ) -> DeviceReport:
        """Return what a device says; its report holds the failure.

        Without ``discovery`` nothing but the device's own address is contacted.
        """
        scope = (
            Scope.of((f"{found.address}/32",), None)
            if discovery is None
            else Scope.of(discovery.subnets, discovery.interface)
        )
        interrogator = await self._open()
        return await interrogator.ask(found.xaddrs, found.address, scope, credentials)

    async def propose(
        self, report: DeviceReport, profile: Profile, credential: Credential | None
    ) -> EncoderChange:
        """Return how a profile's encoder is set and how it should be; raises CAMERA_BAD_ANSWER."""
        return await self._converse(
            report, credential, profile, lambda questions: settings.propose(questions, profile)
        )

    async def apply(
        self,
        report: DeviceReport,
        profile: Profile,
        credential: Credential | None,
        words: bytes,
    ) -> None:
        """Set a profile's encoder to ``old`` or ``new`` of a change; raises CAMERA_BAD_ANSWER."""
        await self._converse(
            report, credential, profile, lambda questions: settings.apply(questions, words)
        )

    async def _converse(
        self,
        report: DeviceReport,
        credential: Credential | None,
        profile: Profile,
        work: Callable[[Questions], _T],
    ) -> _T:
        namespace = media2.NAMESPACE if profile.media2 else settings.MEDIA1

        def asked(interview: Interview) -> _T:
            questions = interview.questions(namespace)
            if questions is None:
                raise bad_answer()
            return work(questions)

        scope = Scope.of((f"{report.address}/32",), None)
        interrogator = await self._open()
        try:
            return await interrogator.converse(
                report.xaddr, report.address, scope, credential, asked
            )
        except DeviceError as error:
            failure = error.failure
            raise GatewayError(
                ErrorKind.CAMERA_BAD_ANSWER,
                failure.message,
                failure.hint,
                reason=str(failure.kind),
            ) from error

    async def _open(self) -> Interrogator:
        if self._interrogator is None:
            self._interrogator = await Interrogator(hello_s=self._hello_s).__aenter__()
        return self._interrogator


async def _resolve(host: str) -> str:
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_S):
            infos = await loop.getaddrinfo(host, None, family=socket.AF_INET)
    except (OSError, TimeoutError, UnicodeError) as error:
        raise GatewayError(
            ErrorKind.CAMERA_UNREACHABLE,
            "the camera's host name is not known here",
            "write the camera's IPv4 address, or mend the name server",
            reason="unknown_host",
        ) from error
    return str(infos[0][4][0])


def _no_address() -> GatewayError:
    return GatewayError(
        ErrorKind.BAD_REQUEST,
        "that is no address",
        "write 10.12.0.21 or http://10.12.0.21:8000/",
        reason="no_address",
    )
