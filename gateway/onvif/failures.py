"""What a camera's refusal means, in a technician's words.

Fault codes: ONVIF Core Specification, section on fault handling (``ter:NotAuthorized``,
``ter:ActionNotSupported``); cameras send them with HTTP 200, 400, 401 or 500 alike.
"""

import re
from typing import Final

import aiohttp
from lxml import etree
from zeep.exceptions import Fault, TransportError

from gateway.model.device import DeviceFailure, DeviceFailureKind
from gateway.onvif.library import ONVIFError

_DENIED: Final = re.compile(
    r"not\s*authori[sz]ed|unauthori[sz]ed|authenticat|failedauth|invalid.*password|wrong.*password",
    re.IGNORECASE,
)
_LOCKED: Final = re.compile(r"\block(ed)?\b|too many|blocked|attempt", re.IGNORECASE)
_HTTP_DENIED: Final = (401, 403)
_HTTP_NOT_HERE: Final = (404, 405, 301, 302, 303, 307, 308, 501)


class DeviceError(Exception):
    """A question failed; ``failure`` says it in words."""

    def __init__(self, failure: DeviceFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def failed(kind: DeviceFailureKind, message: str, hint: str) -> DeviceError:
    """Make the error of one failure."""
    return DeviceError(DeviceFailure(kind, message, hint))


def explain(error: BaseException) -> DeviceError:
    """Turn whatever the libraries raised into one of the known failures."""
    if isinstance(error, DeviceError):
        return error
    if isinstance(error, ONVIFError) and error.__context__ is not None:
        # onvif-zeep keeps only the text of what happened; Python keeps the thing itself.
        return explain(error.__context__)
    if isinstance(error, TransportError):
        return _of_status(error.status_code, str(error.message or ""))
    if isinstance(error, Fault):
        return _of_fault(error)
    return _of_connection(error)


def _of_connection(error: BaseException) -> DeviceError:
    if isinstance(error, TimeoutError | aiohttp.ServerTimeoutError):
        return too_slow()
    if isinstance(error, aiohttp.ClientConnectionError | ConnectionError):
        return unreachable()
    return bad_answer()


def _of_status(status: int, text: str) -> DeviceError:
    if _LOCKED.search(text):
        return locked()
    if status in _HTTP_DENIED:
        return denied()
    if status in _HTTP_NOT_HERE:
        return no_onvif()
    return bad_answer()


def _of_fault(fault: Fault) -> DeviceError:
    words = " ".join(
        str(part) for part in (fault.message, fault.code, *(fault.subcodes or ())) if part
    )
    if fault.detail is not None and isinstance(fault.detail, etree._Element):  # noqa: SLF001  # lxml names its element type so
        words += " " + "".join(str(text) for text in fault.detail.itertext())
    if _LOCKED.search(words):
        return locked()
    if _DENIED.search(words):
        return denied()
    return failed(
        DeviceFailureKind.BAD_ANSWER,
        "the camera refuses a question that every ONVIF camera should answer",
        "look for a newer firmware, or register its RTSP address by hand",
    )


def denied() -> DeviceError:
    """Say that the camera did not accept user and password."""
    return failed(
        DeviceFailureKind.WRONG_PASSWORD,
        "the camera does not accept this user and password",
        "check them in the camera's own page; some makers keep separate ONVIF users",
    )


def locked() -> DeviceError:
    """Say that the camera refuses everybody after wrong passwords."""
    return failed(
        DeviceFailureKind.LOCKED,
        "the camera has locked itself after wrong passwords",
        "wait for half an hour or restart the camera, then try the right password once",
    )


def no_onvif() -> DeviceError:
    """Say that something answers there that is no ONVIF service."""
    return failed(
        DeviceFailureKind.NO_ONVIF,
        "there is no ONVIF service at this address",
        "switch ONVIF on in the camera's page (often under Network, Integration), "
        "or register its RTSP address",
    )


def unreachable() -> DeviceError:
    """Say that nothing answers."""
    return failed(
        DeviceFailureKind.UNREACHABLE,
        "nothing answers at this address",
        "check the camera's cable and power, and that its address is in the site's subnets",
    )


def too_slow() -> DeviceError:
    """Say that the deadline has passed."""
    return failed(
        DeviceFailureKind.TOO_SLOW,
        "the camera answers too slowly",
        "restart the camera; if it stays slow, register its RTSP address by hand",
    )


def bad_answer() -> DeviceError:
    """Say that the answer makes no sense."""
    return failed(
        DeviceFailureKind.BAD_ANSWER,
        "the camera's answer cannot be understood",
        "restart the camera or look for a newer firmware; its RTSP address may still work",
    )
