"""RTSP addresses: user and password apart from the rest, so that the rest can be shown.

What a technician pastes is taken as it is meant: default port, host in any case, IPv6, user and
password with or without percent-encoding. The path and the query are the camera's own business
and stay letter for letter.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError

DEFAULT_PORT: Final = 554
_MAX_LENGTH: Final = 2048
_SCHEME: Final = re.compile(r"(?i)^rtsp[tu]?://")
_AUTHORITY: Final = re.compile(r"[^/?#]*")
_HOST_NAME: Final = re.compile(r"(?i)^(?=.{1,253}$)[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$")
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f]")
# Some makers want the login inside the path: /user=admin&password=12345&channel=1
_PATH_SECRET: Final = re.compile(r"(?i)((?:pass(?:word|wd)?|pwd)=)[^&/?#_]*")
_HINT: Final = "write it as rtsp://host:554/path, with % codes for @ ? # : / in the password"


@dataclass(frozen=True, slots=True)
class RtspAddress:
    """Where a camera's stream is.

    ``host`` is lower-case, an IPv6 address without brackets; ``path`` holds path and query as
    they go on the wire. ``str()`` of it is safe to show.
    """

    host: str
    port: int = DEFAULT_PORT
    path: str = "/"
    username: str | None = None
    password: Secret | None = None

    @property
    def url(self) -> str:
        """The address as requests name it: without user and password."""
        return f"rtsp://{self._netloc()}{self.path}"

    @property
    def display(self) -> str:
        """The address for people: user, password and passwords inside the path are ``***``."""
        login = "***@" if self.username is not None else ""
        path = _PATH_SECRET.sub(r"\1***", self.path)
        return f"rtsp://{login}{self._netloc()}{path}"

    @property
    def secret_url(self) -> Secret:
        """The whole address in its one canonical spelling, user and password included."""
        if self.username is None:
            return Secret(self.url)
        login = quote(self.username, safe="")
        if self.password is not None:
            login += ":" + quote(self.password.reveal(), safe="")
        return Secret(f"rtsp://{login}@{self._netloc()}{self.path}")

    def with_login(self, username: str, password: Secret) -> "RtspAddress":
        """Return the same address with this user and password."""
        return replace(self, username=username, password=password)

    def _netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORT else f"{host}:{self.port}"

    def __str__(self) -> str:
        return self.display


def parse(text: str | Secret) -> RtspAddress:
    """Split an RTSP URL (RFC 3986, RFC 2326 section 3.2).

    An ``@`` inside the password may stand as it is. Raises BAD_REQUEST; the message names the
    mistake and never repeats what might be a password.
    """
    raw = (text.reveal() if isinstance(text, Secret) else text).strip()
    if len(raw) > _MAX_LENGTH:
        raise _bad("the RTSP address is too long")
    if _FORBIDDEN.search(raw):
        raise _bad("the RTSP address holds a space or a control character")
    scheme = _SCHEME.match(raw)
    if scheme is None:
        raise _bad("the address does not begin with rtsp://")
    rest = raw[scheme.end() :]
    authority = _AUTHORITY.match(rest)
    netloc = authority.group() if authority else ""
    path = rest[len(netloc) :].partition("#")[0]
    login, at, location = netloc.rpartition("@")
    host, port = _host_and_port(location, hidden_login="@" in path and not at)
    username, password = _login(login) if at else (None, None)
    if not path.startswith("/"):
        path = "/" + path
    return RtspAddress(host, port, quote(path, safe="%/:?#[]@!$&'()*+,;=-._~"), username, password)


def join(base: str, reference: str) -> str:
    """Return the URL that a camera's header names; ``base`` when it makes no sense."""
    try:
        joined = urljoin(base, _FORBIDDEN.sub("", reference))
        urlsplit(joined)
    except ValueError:
        return base
    return joined if joined.lower().startswith("rtsp://") else base


def _login(login: str) -> tuple[str | None, Secret | None]:
    username, colon, password = login.partition(":")
    if not username and not password:
        return None, None
    return unquote(username), Secret(unquote(password)) if colon else None


def _host_and_port(location: str, *, hidden_login: bool) -> tuple[str, int]:
    try:
        parts = urlsplit("//" + location)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        if hidden_login:
            raise _bad("the user or password holds a / ? or # as it is") from error
        raise _bad("the RTSP address names no valid host and port") from error
    if port == 0:
        raise _bad("port 0 is no port")
    if not _valid_host(host, bracketed=location.startswith("[")):
        raise _bad("the RTSP address names no valid host")
    return host, DEFAULT_PORT if port is None else port


def _valid_host(host: str, *, bracketed: bool) -> bool:
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return not bracketed and _HOST_NAME.match(host) is not None
    return (version == 6) == bracketed  # noqa: PLR2004  # IPv6 has brackets, IPv4 has none


def _bad(message: str) -> GatewayError:
    return GatewayError(ErrorKind.BAD_REQUEST, message, _HINT)
