"""``/api/v1/session``: sign in, who am I, sign out (RFC 6265bis cookies)."""

from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiohttp import web

from gateway.api import cors, keys
from gateway.api.access import CSRF_HEADER, require_staff, signed_in_as
from gateway.api.body import read_object
from gateway.api.identity import account_of, of_account
from gateway.api.limits import client_of, unlimited
from gateway.api.passwords import MAX_CHARS
from gateway.api.principal import Principal, Role
from gateway.api.problems import HttpProblem, Problem, too_many
from gateway.api.sessions import COOKIES, LONGEST_S, PLAIN_COOKIE, SECURE_COOKIE, csrf_of
from gateway.api.sites import as_json
from gateway.kit.secret import Secret
from gateway.model.company import Account, Settings
from gateway.model.errors import ErrorKind, GatewayError

_EXAMPLE: Final = '{"name": "...", "password": "..."}'
_MAX_NAME: Final = 64


async def sign_in(request: web.Request) -> web.Response:
    """``POST /api/v1/session`` with name and password: a new session, in a cookie."""
    cors.require_own(request)
    given = _credentials(await read_object(request, _EXAMPLE))
    settings = request.app[keys.FLEET]().settings
    client, limits = client_of(request), request.app[keys.LIMITS]
    address = None if unlimited(client, limits) else client
    guesses = request.app[keys.GUESSES]
    wait_s = guesses.take(given.name, address)
    if wait_s:
        raise too_many("Too many sign-ins have failed.", wait_s)
    account = account_of(settings, given.name)
    if not await _right(request, settings, account, given.password) or account is None:
        structlog.get_logger("api").warning(
            "a sign-in has failed",
            account=None if account is None else account.name,  # the name may be a password
            address=request.app[keys.VIEWINGS].hashed(client),
        )
        raise _wrong()
    guesses.succeeded(given.name, address)
    await _end_known(request)
    token = await request.app[keys.SESSIONS].open(account)
    structlog.get_logger("api").info("somebody has signed in", account=account.name)
    response = as_json(who(of_account(account, csrf=csrf_of(token)), settings))
    _set_cookie(request, response, token)
    return response


async def who_am_i(request: web.Request) -> web.Response:
    """``GET /api/v1/session``: who asks, and the CSRF token for what follows."""
    settings = request.app[keys.FLEET]().settings
    return as_json(who(signed_in_as(request), settings))


async def sign_out(request: web.Request) -> web.Response:
    """``DELETE /api/v1/session``: end the session."""
    if signed_in_as(request).role is not Role.ANONYMOUS:
        require_staff(request)
        await _end_known(request)
    response = web.Response(status=204)
    for name in COOKIES:
        if name in request.cookies:
            response.del_cookie(name, path="/", secure=name == SECURE_COOKIE, httponly=True)
    return response


def who(principal: Principal, settings: Settings) -> dict[str, Any]:
    """Return what a page has to know of who uses it."""
    return {
        "name": principal.name or None,
        "role": str(principal.role),
        "sites": sorted(principal.sites),
        "csrf_token": principal.csrf,
        "csrf_header": CSRF_HEADER,
        "sign_in": any(account.hash is not None for account in settings.accounts),
    }


@dataclass(frozen=True, slots=True)
class _Given:
    name: str
    password: Secret


def _credentials(body: dict[str, Any]) -> _Given:
    name, password = body.get("name"), body.get("password")
    if not isinstance(name, str) or not isinstance(password, str) or not name or not password:
        raise GatewayError(
            ErrorKind.BAD_REQUEST, "The name or the password is missing.", f"Send {_EXAMPLE}."
        )
    if len(name) > _MAX_NAME or len(password) > MAX_CHARS:
        raise _wrong()
    return _Given(name.strip(), Secret(password))


async def _right(
    request: web.Request, settings: Settings, account: Account | None, password: Secret
) -> bool:
    """Tell whether the password is the account's; takes as long when there is no such account."""
    encoded = None if account is None else account.hash
    somebodys = next((item.hash for item in settings.accounts if item.hash is not None), None)
    if somebodys is None:
        return False
    right = await request.app[keys.PASSWORDS].check(encoded or somebodys, password.reveal())
    return right and encoded is not None


async def _end_known(request: web.Request) -> None:
    """End the sessions that the browser has sent: one that was planted in it dies here."""
    sessions = request.app[keys.SESSIONS]
    for name in COOKIES:
        record = sessions.find(request.cookies.get(name, ""))
        if record is not None:
            await sessions.end(record.id)


def _set_cookie(request: web.Request, response: web.Response, token: str) -> None:
    public = request.app[keys.FLEET]().settings.public_url or ""
    secure = request.secure or public.lower().startswith("https://")
    response.set_cookie(
        SECURE_COOKIE if secure else PLAIN_COOKIE,
        token,
        path="/",
        max_age=int(LONGEST_S),
        secure=secure,
        httponly=True,
        samesite="Strict",
    )


def _wrong() -> HttpProblem:
    # No Basic challenge: browsers would ask for a password in a box of their own.
    return HttpProblem(
        Problem(
            status=401,
            kind=ErrorKind.UNAUTHORIZED,
            detail="The name or the password is wrong.",
            hint="Try again; an administrator can give you a new password.",
            reason="sign_in",
            headers={"WWW-Authenticate": 'Session realm="camera-gateway"'},
        )
    )
