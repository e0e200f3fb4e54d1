"""Answers as they go on the wire (RFC 2326 section 7)."""

from dataclasses import dataclass
from typing import Final

_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    454: "Session Not Found",
    455: "Method Not Valid In This State",
    461: "Unsupported Transport",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before number and length are added."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


def write(answer: Answer, *, cseq: int) -> bytes:
    """Return the bytes of an answer to the request numbered ``cseq``."""
    body = answer.body.encode()
    lines = [
        f"RTSP/1.0 {answer.status} {_REASONS[answer.status]}",
        f"CSeq: {cseq}",
        "Server: camera-gateway",
        *(f"{name}: {value}" for name, value in answer.headers),
    ]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
