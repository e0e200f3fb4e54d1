"""The one family of errors that crosses rooms: what happened, and what to do next."""

from enum import StrEnum


class ErrorKind(StrEnum):
    """What went wrong, for programs; the API turns it into a status code."""

    CONFIG_INVALID = "config_invalid"
    CAMERA_UNREACHABLE = "camera_unreachable"
    CAMERA_UNAUTHORIZED = "camera_unauthorized"
    CAMERA_BAD_ANSWER = "camera_bad_answer"
    CAMERA_NOT_FOUND = "camera_not_found"
    CAMERA_BUSY = "camera_busy"
    CAMERA_TIMEOUT = "camera_timeout"
    CAMERA_NO_VIDEO = "camera_no_video"
    CAMERA_OFFLINE = "camera_offline"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    CONTAINER_FAILED = "container_failed"
    SERVER_NOT_READY = "server_not_ready"
    SERVER_BAD_ANSWER = "server_bad_answer"
    SERVER_FULL = "server_full"
    OFFER_MALFORMED = "offer_malformed"
    OFFER_UNUSABLE = "offer_unusable"
    CODEC_UNSUPPORTED = "codec_unsupported"
    PRIVACY = "privacy"
    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    BAD_REQUEST = "bad_request"
    INTERNAL = "internal"


class GatewayError(Exception):
    """An expected failure.

    ``message`` says what happened and where, ``hint`` what to do next; both are shown to people
    and never hold a credential. ``reason`` is one stable word for what exactly it was, where the
    kind has several causes: pages have a sentence of their own for it.
    """

    def __init__(self, kind: ErrorKind, message: str, hint: str = "", *, reason: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message
