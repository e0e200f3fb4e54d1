"""What ``conf/flashphoner.properties`` says, under the names of Web Call Server (WCS).

A file that was written for WCS works here: its other properties are ignored. What WCS has no name
for is called ``embedded.*``; there an unknown name is an error, because it can only be a typing
mistake. Files are named relative to the server's folder.

====================================  ==================================================
``ip``, ``ip_local``                  address announced to browsers, address bound for media
``media_port_from``                   the one port for media, UDP and TCP (0: any free one)
``http.port``, ``ws.port``            REST and signalling (0: any free one)
``disable_rest_auth``                 ``false`` asks for HTTP Basic
``keep_alive.server_interval``        milliseconds between pings
``keep_alive.probes``                 missing pongs after which a socket is closed
``embedded.control_address``          where REST and signalling listen (127.0.0.1); a network
                                      means this machine's own address in it
``embedded.rest_user_file``           file with ``user:password`` for REST
``embedded.token_file``               file with the token that ``connection.custom`` must carry
``embedded.max_viewers``              viewers at most (500)
``embedded.max_captures``             cameras at most (64)
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
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError

PROPERTIES_FILE: Final = Path("conf/flashphoner.properties")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BasicUser:
    """The one user of the REST API (HTTP Basic, RFC 7617)."""

    name: str
    password: Secret


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


class _Properties:
    """``key=value`` lines, read out one by one with errors that name file, line and key."""

    def __init__(self, text: str, file: Path, home: Path) -> None:
        self._file = file
        self._home = home
        self._values: dict[str, tuple[int, str]] = {}
        self._asked: set[str] = set()
        for number, raw in enumerate(text.splitlines(), start=1):
            line = raw.strip()
            if not line or line[0] in "#!":
                continue
            key, separator, value = line.partition("=")
            if not separator:
                raise self._error(number, line.split()[0], "a line must read key=value")
            self._values[key.strip()] = (number, value.strip())

    def read(self, key: str, convert: Callable[[str], T], default: T, wants: str) -> T:
        """Return ``key`` converted; an empty or absent value is ``default``."""
        self._asked.add(key)
        number, value = self._values.get(key, (0, ""))
        if not value:
            return default
        try:
            return convert(value)
        except (ValueError, KeyError) as error:
            raise self._error(number, key, f"write {wants}") from error

    def secret(self, key: str) -> str:
        """Return the content of the file that ``key`` names, or an empty text."""
        name = self.read(key, str, "", "a file name")
        if not name:
            return ""
        try:
            content = (self._home / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(self._values[key][0], key, "the file cannot be read") from error
        if not content:
            raise self._error(self._values[key][0], key, "the file is empty")
        return content

    def refuse_unknown(self) -> None:
        """Raise for an ``embedded.*`` name that nobody has asked for."""
        for key, (number, _) in self._values.items():
            if key.startswith("embedded.") and key not in self._asked:
                known = ", ".join(sorted(k for k in self._asked if k.startswith("embedded.")))
                raise self._error(number, key, f"unknown; the names are {known}")

    def _error(self, line: int, key: str, what: str) -> GatewayError:
        return GatewayError(
            ErrorKind.CONFIG_INVALID, f"{self._file}:{line}: {key}: {what}", "correct this line"
        )


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
    read = _Properties(text, home / PROPERTIES_FILE, home)
    announced = read.read("ip", _address, None, "an IP address")
    bound = read.read("ip_local", _address, None, "an IP address")
    settings = Settings(
        bind_address=_environment_address(environment, "LOCAL_IP") or bound,
        announced_address=_environment_address(environment, "EXTERNAL_IP") or announced,
        media_port=read.read("media_port_from", _port, 31001, _PORT),
        http_port=read.read("http.port", _port, 8081, _PORT),
        ws_port=read.read("ws.port", _port, 8080, _PORT),
        control_address=read.read(
            "embedded.control_address",
            _own_address,
            "127.0.0.1",
            "an IP address, or a network that this machine has an address in",
        ),
        rest_user=_rest_user(read, environment),
        signalling_token=_secret_or_none(read.secret("embedded.token_file")),
        max_viewers=read.read("embedded.max_viewers", _positive, 500, _COUNT),
        max_captures=read.read("embedded.max_captures", _positive, 64, _COUNT),
        tcp=read.read("embedded.tcp", _yes_or_no, default=True, wants="true or false"),
        sound=read.read("embedded.sound", _yes_or_no, default=False, wants="true or false"),
        lease_s=read.read("embedded.lease_s", _seconds, 0.0, "seconds, 0 for no lease"),
        ping_interval_s=read.read("keep_alive.server_interval", _milliseconds, 5.0, _MILLIS),
        missing_pongs=read.read("keep_alive.probes", _positive, 10, _COUNT),
        allowed_cameras=read.read("embedded.allowed_cameras", _hosts, (), "hosts or networks"),
        log_max_bytes=read.read("embedded.log_max_bytes", _positive, 2_000_000, "bytes"),
        fingerprint=read.read("embedded.fingerprint", str, "", "a text"),
    )
    read.refuse_unknown()
    return settings


_PORT: Final = "a port from 0 to 65535"
_COUNT: Final = "a whole number of at least 1"
_MILLIS: Final = "milliseconds of at least 1"
_LAST_PORT: Final = 65535


def _rest_user(read: _Properties, environment: Mapping[str, str]) -> BasicUser | None:
    content = read.secret("embedded.rest_user_file")
    open_to_all = read.read(
        "disable_rest_auth", _yes_or_no, default=not content, wants="true or false"
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


def _secret_or_none(content: str) -> Secret | None:
    return Secret(content) if content else None


def _environment_address(environment: Mapping[str, str], name: str) -> str | None:
    value = environment.get(name, "").strip()
    if not value:
        return None
    try:
        return _address(value)
    except ValueError as error:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID, f"{name} is no IP address", f"set {name} to an address"
        ) from error


def _address(value: str) -> str | None:
    address = ipaddress.ip_address(value)
    return None if address.is_unspecified else str(address)


def _own_address(value: str) -> str:
    if "/" not in value:
        return str(ipaddress.ip_address(value))
    # A container's address in a network is known when it has started, not when it is configured.
    network = ipaddress.ip_network(value)
    family = socket.AF_INET if network.version == 4 else socket.AF_INET6  # noqa: PLR2004  # IPv4
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((str(network.network_address + 1), 9))  # asks for the route, sends nothing
        except OSError as error:
            raise ValueError(value) from error
        own = ipaddress.ip_address(sock.getsockname()[0])
    if own not in network:
        raise ValueError(value)
    return str(own)


def _port(value: str) -> int:
    port = int(value)
    if not 0 <= port <= _LAST_PORT:
        raise ValueError(value)
    return port


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError(value)
    return number


def _milliseconds(value: str) -> float:
    return _positive(value) / 1000


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0 <= seconds < float("inf"):
        raise ValueError(value)
    return seconds


def _yes_or_no(value: str) -> bool:
    return {"true": True, "false": False}[value.lower()]


def _hosts(value: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in value.split(",") if host.strip())
    for host in hosts:
        if "/" in host:
            ipaddress.ip_network(host)
    return hosts
