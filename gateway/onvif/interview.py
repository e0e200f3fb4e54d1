"""One camera's interview, in one thread, question after question.

The order is what cameras bear best: the time without a password, then who it is, then its
services, its profiles and their addresses. Each failure after the password is a note, none is
fatal but the absence of a stream.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from gateway.model.device import DeviceFailureKind, DeviceReport, Profile
from gateway.model.site import Credential
from gateway.onvif import media2
from gateway.onvif.clock import skew_of, token
from gateway.onvif.discovery.scope import Scope
from gateway.onvif.failures import DeviceError, denied, explain, failed
from gateway.onvif.library import DEVICE, MEDIA, Documents, QuietCamera
from gateway.onvif.profiles import choose, from_media1, merge, printable, with_uri
from gateway.onvif.soap import Questions
from gateway.onvif.transport import CameraTransport

MEDIA1_NAMESPACE: Final = "http://www.onvif.org/ver10/media/wsdl"
_MAC: Final = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
_MOST_PROFILES: Final = 256
_WRONG: Final = (DeviceFailureKind.WRONG_PASSWORD, DeviceFailureKind.NEEDS_PASSWORD)
_FINAL: Final = (DeviceFailureKind.TOO_SLOW, DeviceFailureKind.LOCKED)
_SKEW_MATTERS: Final = timedelta(seconds=5)
_FARTHEST_ZONE: Final = timedelta(hours=15)


class Interview:
    """Asks one device; :meth:`run` never raises, its report says how far it came."""

    def __init__(
        self,
        *,
        url: str,
        address: str,
        documents: Documents,
        transport: CameraTransport,
        scope: Scope,
        credentials: Sequence[Credential],
    ) -> None:
        self._url = url
        self._transport = transport
        self._scope = scope
        self._credentials = credentials
        self._documents = documents
        self._camera = QuietCamera(documents, url, transport)
        self._skew: timedelta | None = None
        self._signing_skew = timedelta()
        self._accepted = False
        self._credential: Credential | None = None
        self._report = DeviceReport(address=address, xaddr=url)
        self._notes: list[str] = []

    def run(self) -> DeviceReport:
        """Return what the device has told; blocks for at most the transport's deadline."""
        try:
            self._ask_time()
            if self._tells_anybody():
                self._with_each(self._ask_the_rest)
            else:
                self._with_each(self._ask_who_it_is)
                self._ask_the_rest()
        except Exception as error:  # noqa: BLE001  # cameras make the libraries raise anything
            self._report = replace(self._report, failure=explain(error).failure)
        return replace(self._report, notes=tuple(self._notes))

    def questions(self, namespace: str) -> Questions | None:
        """Return how to ask a service that the device has named, as the user it has accepted."""
        url = self._camera.xaddrs.get(namespace)
        if url is None:
            return None
        return Questions(
            url,
            namespace,
            transport=self._transport,
            credential=self._credential,
            skew=self._signing_skew,
        )

    def _ask_time(self) -> None:
        """Ask the time without a password; also the proof that ONVIF is spoken here."""
        asked = datetime.now(UTC)
        try:
            answer = self._service(DEVICE).GetSystemDateAndTime()
        except Exception as error:
            failure = explain(error)
            if failure.failure.kind in _WRONG:
                return
            raise failure from error
        self._skew = skew_of(answer, asked)
        if self._skew is None:
            self._notes.append("the camera does not tell a possible time")
        else:
            self._report = replace(self._report, skew_s=round(self._skew.total_seconds(), 1))

    def _tells_anybody(self) -> bool:
        """Tell whether the camera says who it is without a password (most do not)."""
        try:
            self._ask_who_it_is()
        except DeviceError as error:
            if error.failure.kind not in _WRONG:
                raise
            return False
        return True

    def _ask_who_it_is(self) -> None:
        try:
            self._know(self._service(DEVICE).GetDeviceInformation())
        except Exception as error:
            raise explain(error) from error

    def _with_each(self, question: Callable[[], None]) -> None:
        """Ask with each credential in turn until one is accepted; each is tried once.

        Never in a loop: cameras lock themselves after a handful of wrong passwords.
        """
        if not self._credentials:
            try:
                return question()
            except DeviceError as error:
                raise _needs_password() if error.failure.kind in _WRONG else error from error
        last = denied()
        for credential in self._credentials:
            try:
                return self._try(credential, question)
            except DeviceError as error:
                last = error
                if error.failure.kind not in _WRONG:
                    raise
        raise last

    def _try(self, credential: Credential, question: Callable[[], None]) -> None:
        """Ask with one credential.

        A camera that tells its local time as UTC is asked a second time by our own clock.
        """
        skew = self._skew or timedelta()
        try:
            self._use(credential, skew, question)
        except DeviceError as error:
            wrong = error.failure.kind in _WRONG
            if not wrong or not _SKEW_MATTERS <= abs(skew) <= _FARTHEST_ZONE:
                raise
        else:
            return
        try:
            self._use(credential, timedelta(), question)
        except DeviceError as error:
            if error.failure.kind in _WRONG:
                raise _clock_or_password(skew) from error
            raise
        self._notes.append("the camera tells its local time as UTC")

    def _use(self, credential: Credential, skew: timedelta, question: Callable[[], None]) -> None:
        self._transport.forget_digest()
        self._transport.credential = self._credential = credential
        self._camera.token = token(credential, skew)
        self._signing_skew = skew
        question()
        self._accepted = True
        self._report = replace(self._report, credential=credential.reference)

    def _ask_the_rest(self) -> None:
        self._ask_services()
        self._ask_pictures()
        self._ask_hardware_address()

    def _know(self, answer: Any) -> None:
        self._report = replace(
            self._report,
            make=printable(getattr(answer, "Manufacturer", "")),
            model=printable(getattr(answer, "Model", "")),
            firmware=printable(getattr(answer, "FirmwareVersion", "")),
            serial=printable(getattr(answer, "SerialNumber", "")),
        )

    def _ask_services(self) -> None:
        device = self._service(DEVICE)
        services = self._optional(lambda: device.GetServices({"IncludeCapability": False}))
        for service in services or ():
            self._learn(getattr(service, "Namespace", None), getattr(service, "XAddr", None))
        if not self._camera.xaddrs:
            capabilities = self._optional(lambda: device.GetCapabilities({"Category": "All"}))
            media = getattr(capabilities, "Media", None)
            self._learn(MEDIA1_NAMESPACE, getattr(media, "XAddr", None))

    def _learn(self, namespace: Any, url: Any) -> None:
        """Remember a service at the address that has answered, whatever host it names."""
        if not isinstance(namespace, str) or not isinstance(url, str):
            return
        here, there = urlsplit(self._url), urlsplit(url.split()[0] if url.split() else "")
        if there.scheme not in {"http", "https"}:
            return
        same = urlunsplit((here.scheme, here.netloc, there.path or "/", there.query, ""))
        self._camera.xaddrs[namespace] = url if self._scope.allows_url(url) else same

    def _ask_hardware_address(self) -> None:
        interfaces = self._optional(self._service(DEVICE).GetNetworkInterfaces)
        for interface in interfaces or ():
            words = str(getattr(getattr(interface, "Info", None), "HwAddress", "") or "")
            mac = words.lower().replace("-", ":")
            if _MAC.fullmatch(mac) and mac != "00:00:00:00:00:00":
                self._report = replace(self._report, mac=mac)
                return

    def _ask_pictures(self) -> None:
        second = self._media2_profiles()
        first = self._media1_profiles() if not second else []
        sources = choose(merge(first, second))
        if not sources:
            raise failed(
                DeviceFailureKind.NO_PROFILE,
                "the camera has no profile with a video stream",
                "make a media profile in the camera's page, or register its RTSP address",
            )
        self._report = replace(self._report, sources=sources)

    def _media2_profiles(self) -> list[Profile]:
        questions = self.questions(media2.NAMESPACE)
        if questions is None:
            return []
        service = media2.Media2(questions)
        try:
            profiles = service.profiles()
        except Exception as error:
            failure = explain(error)
            if failure.failure.kind is not DeviceFailureKind.BAD_ANSWER:
                raise failure from error
            return []
        self._accepted = True
        return [p for p in (self._located(p, service.stream_uri) for p in profiles) if p.rtsp]

    def _media1_profiles(self) -> list[Profile]:
        self._camera.xaddrs.setdefault(MEDIA1_NAMESPACE, self._url)
        media = self._service(MEDIA)
        try:
            found = list(media.GetProfiles() or ())[:_MOST_PROFILES]
        except Exception as error:
            raise explain(error) from error
        self._accepted = True

        def uri(token_: str) -> str:
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
            answer = media.GetStreamUri({"StreamSetup": setup, "ProfileToken": token_})
            return str(getattr(answer, "Uri", "") or "")

        return [self._located(from_media1(profile), uri) for profile in found]

    def _located(self, profile: Profile, uri: Callable[[str], str]) -> Profile:
        where = self._optional(lambda: uri(profile.token))
        return with_uri(profile, where, self._report.address) if where else profile

    def _optional(self, question: Callable[[], Any]) -> Any:
        """Ask something that a camera may refuse.

        A refusal ends the interview only when time is up, or when it is about a password that
        has not been accepted yet: another question would be another wrong try.
        """
        try:
            return question()
        except Exception as error:  # cameras make the libraries raise anything
            failure = explain(error)
            kind = failure.failure.kind
            if kind in _FINAL or (kind in _WRONG and not self._accepted):
                raise failure from error
            return None

    def _service(self, name: str) -> Any:
        return self._camera.create_onvif_service(name)


def _needs_password() -> DeviceError:
    return failed(
        DeviceFailureKind.NEEDS_PASSWORD,
        "the camera asks for a user and password",
        "write them under discovery.credentials of the site, or enter them here",
    )


def _clock_or_password(skew: timedelta) -> DeviceError:
    hours = abs(skew.total_seconds()) / 3600
    return failed(
        DeviceFailureKind.CLOCK_OFF,
        f"the camera refuses the password, and its clock is off by {hours:.1f} h",
        "set the camera's time (NTP), then check user and password",
    )
