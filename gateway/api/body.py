"""Read a request's body: typed, bounded, and within a deadline."""

import asyncio
import json
from typing import Any, Final

from aiohttp import web

from gateway.api import keys
from gateway.api.problems import HttpProblem, Problem
from gateway.model.errors import ErrorKind, GatewayError

_SMALL: Final = 4096


async def read_object(request: web.Request, example: str) -> dict[str, Any]:
    """Return a small JSON object; raises as :func:`read_body`, and BAD_REQUEST."""
    body = await read_body(
        request,
        content_type="application/json",
        max_bytes=_SMALL,
        within_s=request.app[keys.LIMITS].body_s,
    )
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise GatewayError(ErrorKind.BAD_REQUEST, "The body is no JSON object.", f"Send {example}.")
    return value


async def read_body(
    request: web.Request, *, content_type: str, max_bytes: int, within_s: float
) -> bytes:
    """Return the body; raises HttpProblem 415 (type, encoding), 413 (size), 408 (too slow)."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if request.content_type.lower() != content_type or encoding != "identity":
        raise HttpProblem(
            Problem(
                status=415,
                kind="unsupported_media_type",
                detail="The body has another type than this address takes.",
                hint=f"Send {content_type} without a Content-Encoding.",
                headers={"Accept-Post": content_type},
            )
        )
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > max_bytes:
                    raise _too_large(max_bytes)
    except TimeoutError as error:
        raise HttpProblem(
            Problem(
                status=408,
                kind="too_slow",
                detail=f"The body did not arrive within {within_s:g} seconds.",
                hint="Try again over a better connection.",
                headers={"Connection": "close"},
            )
        ) from error
    return bytes(body)


def _too_large(max_bytes: int) -> HttpProblem:
    return HttpProblem(
        Problem(
            status=413,
            kind="too_large",
            detail=f"The body is larger than {max_bytes} bytes.",
            headers={"Connection": "close"},
        )
    )
