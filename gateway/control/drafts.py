"""From a sighting to the entry that a camera gets in its site's file (pure)."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.model.site import Credential, Site
from gateway.model.survey import Sighting

_USUAL_PATH: Final = "/onvif/device_service"
_HTTP_PORT: Final = 80


def addresses_of(sighting: Sighting) -> dict[str, Any]:
    """Return the address keys of a sighting: what was probed is what will be pulled.

    Residents get the streams that the verdict has chosen: where only the sub stream plays, it
    becomes the camera's one stream.
    """
    keys: dict[str, Any] = {}
    onvif = _onvif(sighting)
    if onvif:
        keys["onvif"] = onvif
    main = sighting.main.rtsp if sighting.main else None
    sub = sighting.sub.rtsp if sighting.sub and sighting.sub.failure is None else None
    if sighting.main is not None and sighting.main.failure is not None and sub:
        main, sub = sub, None
    if sighting.verdict is not None and sighting.verdict.full == "sub" and sub:
        main, sub = sub, None
    if main:
        keys["rtsp"] = main
    if sub:
        keys["rtsp_sub"] = sub
    return keys


def credential_key(
    site: Site, reference: str, extra: Sequence[Credential] = ()
) -> str | dict[str, Any] | None:
    """Return the ``credential`` key for the user that was accepted; ``None`` when it goes without.

    A site's only user is its cameras' user anyway; one of several is named; a foreign one is
    written as a reference to its password.
    """
    known = site.discovery.credentials
    used = next((one for one in (*known, *extra) if one.reference == reference), None)
    if not reference or used is None or (used in known and len(known) == 1):
        return None
    if used in known and sum(one.username == used.username for one in known) == 1:
        return used.username
    kind, _, name = used.reference.partition(":")
    if kind not in {"env", "file"} or not name:
        return None
    return {"username": used.username, "password": {kind: name}}


def _onvif(sighting: Sighting) -> str:
    report = sighting.report
    if report is None or report.failure is not None or not report.xaddr:
        return ""
    parts = urlsplit(report.xaddr)
    if parts.scheme == "http" and parts.path == _USUAL_PATH and not parts.query:
        port = parts.port or _HTTP_PORT
        return sighting.address if port == _HTTP_PORT else f"{sighting.address}:{port}"
    return report.xaddr
