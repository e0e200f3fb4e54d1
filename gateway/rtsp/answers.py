"""What a camera's status codes mean for people (RFC 2326 section 11)."""

from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.rtsp.message import Message

_UNAUTHORIZED: Final = frozenset({401, 403, 407})
_NOT_FOUND: Final = frozenset({404, 410, 454})
_BUSY: Final = frozenset({453, 503})
_REDIRECTS: Final = frozenset({300, 301, 302, 303, 305, 307, 308})


def fine(reply: Message) -> bool:
    """Tell whether a request was done."""
    return 200 <= reply.status < 300  # noqa: PLR2004  # the class of success


def unauthorized(reply: Message) -> bool:
    """Tell whether the camera wants another user or password."""
    return reply.status in _UNAUTHORIZED


def redirects(reply: Message) -> bool:
    """Tell whether the camera names another place."""
    return reply.status in _REDIRECTS and bool(reply.header("location"))


def check(reply: Message, method: str, host: str) -> None:
    """Raise the failure of an answer that is not fine."""
    if not fine(reply):
        raise failure(reply, method, host)


def failure(reply: Message, method: str, host: str) -> GatewayError:
    """Return what the answer means, as an error of a CAMERA_* kind."""
    if reply.status in _UNAUTHORIZED:
        return GatewayError(
            ErrorKind.CAMERA_UNAUTHORIZED,
            f"the camera at {host} refuses this user and password",
            "correct the camera's user and password; many cameras lock out after a few wrong tries",
        )
    if reply.status in _NOT_FOUND:
        return GatewayError(
            ErrorKind.CAMERA_NOT_FOUND,
            f"the camera at {host} has no stream at this path",
            "ask the camera for its stream addresses over ONVIF, or look the path up at its maker",
        )
    if reply.status in _BUSY:
        return GatewayError(
            ErrorKind.CAMERA_BUSY,
            f"the camera at {host} has no free place for one more viewer",
            "end other recorders' connections, or use the camera's second stream",
        )
    return GatewayError(
        ErrorKind.CAMERA_BAD_ANSWER,
        f"the camera at {host} answered {method} with {reply.status} {reply.reason}".rstrip(),
        "try another stream of the camera, or update its firmware",
    )
