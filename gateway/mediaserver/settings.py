"""What ``conf/flashphoner.properties`` says, under the names of Web Call Server (WCS).

A file that was written for WCS works here: its other properties are ignored. What WCS has no name
for is called ``embedded.*``; there an unknown name is an error, because it can only be a typing
mistake. Files are named relative to the server's folder.

====================================  ==================================================
``ip``, ``ip_local``                  address announced to browsers, address bound for media
``media_port_from``                   the one port for media, UDP and TCP (0: any free one)
``http.port``, ``ws.port``            REST and signalling (0: any free one)
``rtsp.port``                         where streams are offered over RTSP to recorders (0: any free
                                      one), if ``embedded.rtsp_users_file`` says to whom
``cdn_enabled``, ``cdn_role``         ``true`` and ``edge``: take streams from an origin;
                                      ``true`` and ``origin``: give them to edges
``cdn_port``                          where an origin's edges ask, in RTSP (8084; 0: any free one)
``disable_rest_auth``                 ``false`` asks for HTTP Basic
``keep_alive.server_interval``        milliseconds between pings
``keep_alive.probes``                 missing pongs after which a socket is closed
``embedded.control_address``          where REST and signalling listen (127.0.0.1); a network
                                      means this machine's own address in it
``embedded.rest_user_file``           file with ``user:password`` for REST
``embedded.token_file``               file with the token that ``connection.custom`` must carry
``embedded.max_viewers``              viewers at most (500)
``embedded.max_captures``             cameras at most (64)
``embedded.rtsp_address``             where recorders ask (0.0.0.0: every address; or a network)
``embedded.rtsp_users_file``          file with a line ``user:password`` for each recorder
``embedded.edges_address``            where edges ask (127.0.0.1; or a network)
``embedded.edges_file``               file with the ``user:password`` of an origin's edges
``embedded.origin_file``              file with ``rtsp://user:password@host:port`` of an edge's
                                      origin, read at each connection
``embedded.linger_s``                 how long an edge keeps a stream without viewers (30)
``embedded.tcp``                      ``false`` closes the media port for TCP, by which viewers
                                      play whose network blocks UDP (true)
``embedded.sound``                    ``true`` takes the cameras' sound too
``embedded.lease_s``                  end after so long without a REST call (0: never)
``embedded.allowed_cameras``          host names and networks of cameras (empty: any)
``embedded.log_max_bytes``            length of the log file (2000000)
``embedded.fingerprint``              passed through to ``run/server.json``
====================================  ==================================================
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.kit.secret import Secret
from gateway.mediaserver import values
from gateway.mediaserver.outlet.login import User
from gateway.mediaserver.properties import Properties
from gateway.model.errors import ErrorKind, GatewayError

PROPERTIES_FILE: Final = Path("conf/flashphoner.properties")


@dataclass(frozen=True, slots=True)
class BasicUser:
    """The one user of the REST API (HTTP Basic, RFC 7617)."""

    name: str
    password: Secret


@dataclass(frozen=True, slots=True)
class RtspOutput:
    """Where the streams are offered over RTSP, and to whom; ``address`` ``None``: everywhere.

    Recorders and edges have one each, so that a recorder's network never sees the edges' user.
    """

    address: str | None
    port: int
    users: tuple[User, ...]


@dataclass(frozen=True, slots=True)
class EdgeOf:
    """What an edge is told of its origin: the file that says where it is."""

    origin_file: Path
    linger_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The media server's settings; seconds and bytes where the names say so.

    ``bind_address`` and ``announced_address`` are WCS's ``ip_local`` and ``ip`` (``None``: all
    addresses of the machine). Ports: 0 lets the kernel choose. ``allowed_cameras`` are host names
    and networks; empty means any.
    """

    bind_address: str | None = None
    announced_address: str | None = None
    media_port: int = 31001
    http_port: int = 8081
    ws_port: int = 8080
    control_address: str = "127.0.0.1"
    rest_user: BasicUser | None = None
    signalling_token: Secret | None = None
    max_viewers: int = 500
    max_captures: int = 64
    tcp: bool = True
    sound: bool = False
    lease_s: float = 0.0
    ping_interval_s: float = 5.0
    missing_pongs: int = 10
    allowed_cameras: tuple[str, ...] = ()
    log_max_bytes: int = 2_000_000
    fingerprint: str = ""
    recorders: RtspOutput | None = None
    edges: RtspOutput | None = None
    edge: EdgeOf | None = None


def load(home: Path, environment: Mapping[str, str]) -> Settings:
    """Read the properties of ``home``, overlaid by WCS's container variables.

    ``LOCAL_IP`` stands for ``ip_local``, ``EXTERNAL_IP`` for ``ip``, ``PASSWORD`` makes the REST
    user ``admin``; ``LICENSE`` needs no answer here. A missing file means all defaults. Raises
    ``GatewayError`` of kind CONFIG_INVALID.
    """
    file = home / PROPERTIES_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID, f"{file} cannot be read", "check that it is a UTF-8 text file"
        ) from error
    return parse(text, home=home, environment=environment)


def parse(text: str, *, home: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings that ``text`` says; ``home`` is where secret files are looked for."""
    read = Properties(text, home / PROPERTIES_FILE, home)
    announced = read.read("ip", values.address, None, "an IP address")
    bound = read.read("ip_local", values.address, None, "an IP address")
    settings = Settings(
        bind_address=_environment_address(environment, "LOCAL_IP") or bound,
        announced_address=_environment_address(environment, "EXTERNAL_IP") or announced,
        media_port=read.read("media_port_from", values.port, 31001, _PORT),
        http_port=read.read("http.port", values.port, 8081, _PORT),
        ws_port=read.read("ws.port", values.port, 8080, _PORT),
        control_address=read.read(
            "embedded.control_address",
            values.own_address,
            "127.0.0.1",
            _WHERE,
        ),
        rest_user=_rest_user(read, environment),
        signalling_token=_secret_or_none(read.secret("embedded.token_file")),
        max_viewers=read.read("embedded.max_viewers", values.positive, 500, _COUNT),
        max_captures=read.read("embedded.max_captures", values.positive, 64, _COUNT),
        tcp=read.read("embedded.tcp", values.yes_or_no, default=True, wants="true or false"),
        sound=read.read("embedded.sound", values.yes_or_no, default=False, wants="true or false"),
        lease_s=read.read("embedded.lease_s", values.seconds, 0.0, "seconds, 0 for no lease"),
        ping_interval_s=read.read("keep_alive.server_interval", values.milliseconds, 5.0, _MILLIS),
        missing_pongs=read.read("keep_alive.probes", values.positive, 10, _COUNT),
        allowed_cameras=read.read(
            "embedded.allowed_cameras", values.hosts, (), "hosts or networks"
        ),
        log_max_bytes=read.read("embedded.log_max_bytes", values.positive, 2_000_000, "bytes"),
        fingerprint=read.read("embedded.fingerprint", str, "", "a text"),
        recorders=_recorders(read),
        edges=_edges(read),
        edge=_edge(read),
    )
    read.refuse_unknown()
    return settings


_WHERE: Final = "an IP address, or a network that this machine has an address in"
_PORT: Final = "a port from 0 to 65535"
_COUNT: Final = "a whole number of at least 1"
_MILLIS: Final = "milliseconds of at least 1"


def _rest_user(read: Properties, environment: Mapping[str, str]) -> BasicUser | None:
    content = read.secret("embedded.rest_user_file")
    open_to_all = read.read(
        "disable_rest_auth", values.yes_or_no, default=not content, wants="true or false"
    )
    if environment.get("PASSWORD"):
        return BasicUser("admin", Secret(environment["PASSWORD"]))
    if content:
        name, separator, password = content.partition(":")
        if not (name and separator and password):
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                "the file of embedded.rest_user_file holds no user and password",
                "write one line user:password",
            )
        return None if open_to_all else BasicUser(name, Secret(password))
    if not open_to_all:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            "disable_rest_auth=false needs a user",
            "name a file with user:password in embedded.rest_user_file, or set PASSWORD",
        )
    return None


def _recorders(read: Properties) -> RtspOutput | None:
    address = read.read("embedded.rtsp_address", values.own_address, "0.0.0.0", _WHERE)  # noqa: S104  # recorders stand anywhere
    port = read.read("rtsp.port", values.port, 0, _PORT)
    users = _users(read.secret("embedded.rtsp_users_file"))
    everywhere = ipaddress.ip_address(address).is_unspecified
    return RtspOutput(None if everywhere else address, port, users) if users else None


def _edges(read: Properties) -> RtspOutput | None:
    address = read.read("embedded.edges_address", values.own_address, "127.0.0.1", _WHERE)
    port = read.read("cdn_port", values.port, 8084, _PORT)
    users = _users(read.secret("embedded.edges_file"))
    return RtspOutput(address, port, users) if users and _role(read) == "origin" else None


def _users(text: str) -> tuple[User, ...]:
    users = []
    for line in text.splitlines():
        name, separator, password = line.strip().partition(":")
        if not (name and separator and password):
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                "a file of users holds a line without user and password",
                "write lines user:password",
            )
        users.append(User(name, Secret(password)))
    return tuple(users)


def _edge(read: Properties) -> EdgeOf | None:
    file = read.file("embedded.origin_file")
    linger_s = read.read("embedded.linger_s", values.seconds, 30.0, "seconds")
    if _role(read) != "edge":
        return None
    if file is None:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            "cdn_role=edge needs an origin",
            "name a file with rtsp://user:password@host:port in embedded.origin_file",
        )
    return EdgeOf(file, linger_s)


def _role(read: Properties) -> str | None:
    """Return the server's role in a CDN, ``None`` when there is no CDN."""
    if not read.read("cdn_enabled", values.yes_or_no, default=False, wants="true or false"):
        return None
    return read.read("cdn_role", values.role, "edge", "origin or edge")


def _secret_or_none(content: str) -> Secret | None:
    return Secret(content) if content else None


def _environment_address(environment: Mapping[str, str], name: str) -> str | None:
    value = environment.get(name, "").strip()
    if not value:
        return None
    try:
        return values.address(value)
    except ValueError as error:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID, f"{name} is no IP address", f"set {name} to an address"
        ) from error
