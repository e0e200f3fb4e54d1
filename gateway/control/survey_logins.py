"""Which user is tried on which device: each at most once per survey, the likeliest first.

Cameras lock themselves after a handful of wrong passwords, so what a device has refused in its
interview is not offered to its streams again.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.model.device import DeviceFailureKind, DeviceReport
from gateway.model.site import Camera, Credential, Site
from gateway.model.survey import Remembered

_REFUSES: Final = frozenset(
    {DeviceFailureKind.WRONG_PASSWORD, DeviceFailureKind.CLOCK_OFF, DeviceFailureKind.LOCKED}
)
_UNAUTHORIZED: Final = "unauthorized"


class Logins:
    """The users that a survey may try, and what has become of each on each device."""

    def __init__(self, site: Site, extra: Sequence[Credential]) -> None:
        self._extra = tuple(extra)
        self._site = site.discovery.credentials
        self._refused: dict[str, set[tuple[str, str]]] = {}
        self._locked: set[str] = set()

    def offer(
        self, device: str, camera: Camera | None, memory: Remembered | None
    ) -> tuple[Credential, ...]:
        """Return who may still be tried on a device, in order."""
        if device in self._locked:
            return ()
        remembered = [one for one in self._site if memory and one.reference == memory.credential]
        own = [camera.credential] if camera is not None and camera.credential is not None else []
        refused = self._refused.get(device, set())
        wanted = (*self._extra, *own, *remembered, *self._site)
        return tuple(one for one in _distinct(wanted) if _key(one) not in refused)

    def interviewed(self, device: str, offered: Sequence[Credential], report: DeviceReport) -> None:
        """Note what an interview has shown."""
        failure = report.failure
        if failure is not None and failure.kind is DeviceFailureKind.LOCKED:
            self._locked.add(device)
        if failure is not None and failure.kind in _REFUSES:
            self._refuse(device, offered)
        elif report.credential:
            before = []
            for one in offered:
                if one.reference == report.credential:
                    break
                before.append(one)
            self._refuse(device, before)

    def offer_streams(
        self, device: str, camera: Camera | None, memory: Remembered | None, accepted: str
    ) -> tuple[Credential | None, ...]:
        """Return who may be tried on a device's streams; ``None`` means without a login.

        ``accepted`` is the reference of the user that the interview went with.
        """
        left = self.offer(device, camera, memory)
        if accepted:
            first = [one for one in left if one.reference == accepted]
            return (*first, *(one for one in left if one.reference != accepted)) or (None,)
        if camera is not None and camera.credential is not None and left:
            return left
        return (None, *left)

    def looked(
        self,
        device: str,
        offered: Sequence[Credential | None],
        used: Credential | None,
        failure: str,
    ) -> None:
        """Note that the streams have gone with ``used`` after those before it were refused."""
        tried = list(offered)
        if failure != _UNAUTHORIZED and used in tried:
            tried = tried[: tried.index(used)]
        self._refuse(device, [one for one in tried if one is not None])

    def _refuse(self, device: str, credentials: Iterable[Credential]) -> None:
        self._refused.setdefault(device, set()).update(_key(one) for one in credentials)


def _distinct(credentials: Iterable[Credential]) -> list[Credential]:
    """Return each user and password once: two references may hold the same."""
    return list({_key(one): one for one in reversed(list(credentials))}.values())[::-1]


def _key(credential: Credential) -> tuple[str, str]:
    return credential.username, credential.password.reveal()
