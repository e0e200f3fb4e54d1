"""Asks a running gateway over its API, as anybody may."""

import ssl
from collections.abc import Iterator, Sequence
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from gateway.kit.secret import Secret
from gateway.model.company import Tls
from gateway.model.errors import ErrorKind, GatewayError

_WITHIN_S: Final = 10.0
_OK: Final = 200
_NOTHING_SHOWN: Final = (
    "There are no sites, or none that is shown without the staff token: set staff_token in\n"
    "gateway.yaml, and start the gateway and this command with the same one."
)


def reachable(host: str) -> str:
    """Return the host under which a gateway that listens on ``host`` is asked from here."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared
    return f"[{shown}]" if ":" in shown else shown


async def sites(url: str, token: Secret | None, tls: Tls | None = None) -> Sequence[dict[str, Any]]:
    """Return every site with its cameras; raises GatewayError.

    With ``tls`` the gateway shows just that certificate, whatever name it is asked by.
    """
    headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
    base = url.rstrip("/") + "/api/v1/sites"
    try:
        async with ClientSession(
            headers=headers,
            timeout=ClientTimeout(total=_WITHIN_S),
            connector=None if tls is None else TCPConnector(ssl=_pinned(tls)),
        ) as session:
            listed = (await _get(session, base))["sites"]
            return [await _get(session, f"{base}/{site['id']}") for site in listed]
    except (ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise GatewayError(
            ErrorKind.SERVER_NOT_READY,
            f"No gateway answers at {url}.",
            "start one with gateway serve, or name its address with --url",
        ) from error


async def healthy(url: str, tls: Tls | None = None) -> None:
    """Ask ``/healthz``; raises GatewayError if nobody answers, or a loop of the gateway hangs."""
    asked = f"{url}/healthz"
    try:
        async with (
            ClientSession(
                timeout=ClientTimeout(total=_WITHIN_S),
                connector=None if tls is None else TCPConnector(ssl=_pinned(tls)),
            ) as session,
            session.get(asked) as answer,
        ):
            status = answer.status
    except (ClientError, TimeoutError, ValueError) as error:
        raise GatewayError(
            ErrorKind.SERVER_NOT_READY, f"No gateway answers at {url}.", "look at its log"
        ) from error
    if status != _OK:
        raise GatewayError(
            ErrorKind.SERVER_NOT_READY,
            f"{asked} answers {status}: a building is not looked after.",
            "its log says which, and what it waits for",
        )


def _pinned(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=tls.certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def as_text(found: Sequence[dict[str, Any]]) -> str:
    """Return the sites for people: one line each, and one for each camera."""
    lines = []
    for site in found:
        lines.append(f"{site['id']}: {site['state']} since {site['since']}")
        for camera in site["cameras"]:
            size = f" {camera['video_codec']} {camera['width']}x{camera['height']}"
            reason = f": {camera['reason']}" if camera["reason"] else ""
            shown = size if camera["video_codec"] else reason
            viewers = f", {camera['viewers']} watching" if camera["viewers"] else ""
            lines.append(f"  {camera['id']}: {camera['state']}{shown}{viewers}")
        lines += _growth(site)
        for problem in site.get("problems", ()):
            where = f"{problem['file']}:{problem['line']}: {problem['key']}"
            lines.append(f"  {where}: {problem['message']}")
    return "\n".join(lines) or _NOTHING_SHOWN


def _growth(site: dict[str, Any]) -> Iterator[str]:
    """Yield the media servers of a site that has several, and why it has so many."""
    servers = site.get("servers", ())
    for server in servers if len(servers) > 1 else ():
        cpu = "" if server["cpu"] is None else f", processor {server['cpu']:.0%}"
        drains = ", drains" if server["draining"] else ""
        watching = f"{server['viewers']} watching"
        yield f"  {server['role']} {server['id']}: {server['state']}, {watching}{cpu}{drains}"
    if site.get("scaling"):
        yield f"  {site['scaling']}"


async def _get(session: ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url) as answer:
        if answer.status != _OK:
            raise GatewayError(
                ErrorKind.SERVER_BAD_ANSWER,
                f"The gateway answered {url} with {answer.status}.",
                "start this command with the staff token that the gateway was started with",
            )
        content: dict[str, Any] = await answer.json()
        return content
