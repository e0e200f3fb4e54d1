"""What ``gateway.yaml`` says: the company's settings, and all sites together."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from gateway.kit.secret import Secret
from gateway.model.notify import Notifications
from gateway.model.site import Scaling, Site


class RuntimeKind(StrEnum):
    """What media servers run on."""

    PROCESS = "process"
    DOCKER = "docker"
    SWARM = "swarm"


class NetworkDriver(StrEnum):
    """How a container reaches the building's network."""

    IPVLAN = "ipvlan"
    MACVLAN = "macvlan"
    HOST = "host"
    BRIDGE = "bridge"


@dataclass(frozen=True, slots=True)
class Network:
    """The Docker network of the media servers (runtimes ``docker`` and ``swarm``).

    ``guard_image`` is an image with iptables that closes control ports where the media servers'
    own image has none.
    """

    driver: NetworkDriver = NetworkDriver.IPVLAN
    parent: str | None = None
    subnet: str | None = None
    gateway: str | None = None
    ip_range: str | None = None
    dhcp_range: str | None = None
    guard_image: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one media server may use; memory in bytes."""

    cpus: float | None = None
    memory: int | None = None
    cpuset: str | None = None


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """One Docker Engine, and the network of its host; the one without a name is the company's.

    ``ca``, ``cert`` and ``key`` are files for TLS, ``ssh_key`` and ``known_hosts`` files for ssh;
    ``control`` is the ssh address by which the gateway reaches the media servers' control ports
    when ``url`` is none itself. One that is not ``enabled`` is never contacted.
    """

    name: str = ""
    url: str | None = None
    network: Network = field(default_factory=Network)
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    control: str | None = None
    ssh_key: Path | None = None
    known_hosts: Path | None = None
    enabled: bool = True

    @property
    def host(self) -> str | None:
        """The other machine that it is on; ``None`` for the gateway's own."""
        parts = urlsplit(self.control or self.url or "")
        name = parts.hostname
        if not name or parts.scheme == "unix":
            return None
        return None if parts.scheme != "ssh" and is_loopback(name) else name

    def __str__(self) -> str:
        return f"{self.name} ({self.url})" if self.name else self.url or "the local one"


def is_loopback(host: str) -> bool:
    """Tell whether a host's name or address means the machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class MediaServers:
    """The company's defaults for media servers.

    ``engine`` is an address, or the name of one of ``engines``. ``media_ports`` is the first and
    last UDP port that embedded servers may take, one each. ``nodes`` are labels that the node of a
    Swarm must have.
    """

    runtime: RuntimeKind = RuntimeKind.PROCESS
    image: str | None = None
    engine: str | None = None
    engines: tuple[EngineSettings, ...] = ()
    network: Network = field(default_factory=Network)
    limits: Limits = field(default_factory=Limits)
    media_ports: tuple[int, int] = (31001, 32000)
    max_viewers: int = 500
    keep_on_stop: bool = True
    nodes: tuple[tuple[str, str], ...] = ()

    def engine_of(self, name: str | None) -> EngineSettings | None:
        """Return the engine of a site that names ``name``, or none; ``None`` for an unknown one."""
        wanted = name or self.engine or ""
        for engine in self.engines:
            if engine.name == wanted:
                return engine
        if name:
            return None
        return EngineSettings(url=self.engine, network=self.network)


@dataclass(frozen=True, slots=True)
class Machine:
    """How much of the machine may be taken before no site grows any more; shares from 0 to 1."""

    cpu: float = 0.8
    memory: float = 0.8


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server that is handed to players.

    ``secret`` is one that a TURN server shares with the gateway: each play then gets a login of
    its own that ends by itself, instead of ``username`` and ``credential``.
    """

    urls: tuple[str, ...]
    username: str | None = None
    credential: Secret | None = None
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class TicketRules:
    """How tickets are checked, beside the shared ``ticket_secret``.

    ``keys`` are public keys in PEM (P-256 or Ed25519), ``jwks_url`` is where the company
    publishes further ones; ``issuer`` and ``audience`` must be in the ticket if they are set here.
    """

    keys: tuple[str, ...] = ()
    jwks_url: str | None = None
    issuer: str | None = None
    audience: str | None = None


class AccountRole(StrEnum):
    """What somebody of the company may do."""

    ADMINISTRATOR = "administrator"
    TECHNICIAN = "technician"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody of the company.

    ``hash`` is an encoded argon2 hash, ``None`` for who comes through the company's sign-on only;
    ``sites`` are those that a technician works at.
    """

    name: str
    role: AccountRole
    hash: Secret | None = None
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignOn:
    """The company's own sign-on: a proxy that names its user in a header.

    ``addresses`` are the networks of the proxies; nobody else's headers are believed. Without
    ``role_header`` the user's role is that of the account of the same name.
    """

    header: str
    addresses: tuple[str, ...]
    role_header: str | None = None
    sites_header: str | None = None


@dataclass(frozen=True, slots=True)
class Tls:
    """The gateway's own certificate chain in PEM, its key, and when the first one expires."""

    certificate: str
    key: Secret
    expires: datetime


@dataclass(frozen=True, slots=True)
class Settings:
    """The company's ``gateway.yaml``.

    ``probe_every_s``: seconds between two full looks at a camera, ``None`` for none at all.
    """

    public_url: str | None = None
    listen_host: str = "127.0.0.1"
    listen_port: int = 8080
    data_dir: Path = Path("data")
    media_servers: MediaServers = field(default_factory=MediaServers)
    scaling: Scaling = field(default_factory=Scaling)
    machine: Machine = field(default_factory=Machine)
    ice_servers: tuple[IceServer, ...] = ()
    ticket_secret: Secret | None = None
    staff_token: Secret | None = None
    ticket_rules: TicketRules = field(default_factory=TicketRules)
    accounts: tuple[Account, ...] = ()
    sign_on: SignOn | None = None
    trusted_proxies: tuple[str, ...] = ()
    audit_days: int = 90
    probe_every_s: float | None = 86_400.0
    history_days: int = 400
    notifications: Notifications = field(default_factory=Notifications)
    staff_listen: tuple[str, int] | None = None
    metrics_listen: tuple[str, int] | None = None
    tls: Tls | None = None


class Severity(StrEnum):
    """How much a problem weighs: an error keeps a file's new version out of force."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of a configuration file; ``line`` counts from 1, 0 means the whole file.

    ``code`` and ``values`` are the message for programs, where it is a
    :class:`~gateway.model.remark.Remark` on a camera.
    """

    file: str
    line: int
    key: str
    message: str
    severity: Severity = Severity.ERROR
    code: str = ""
    values: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        mark = "warning: " if self.severity is Severity.WARNING else ""
        where = f"{self.file}:{self.line}: {self.key}" if self.line else self.file
        return f"{where}: {mark}{self.message}"


@dataclass(frozen=True, slots=True)
class Fleet:
    """All sites by id, with the problems of the files.

    A site whose file is broken keeps its last good version here, and its problems name the file.
    ``unreadable`` are the ids whose file is there and broken and never was good: nobody knows what
    they want, so what runs for them stays as it is. ``settled`` is false while the settings are
    mere defaults because ``gateway.yaml`` is broken and never was good: nothing may be changed.
    """

    settings: Settings
    sites: Mapping[str, Site]
    problems: tuple[Problem, ...] = ()
    unreadable: frozenset[str] = frozenset()
    settled: bool = True

    def problems_of(self, site_id: str) -> tuple[Problem, ...]:
        """Return the problems of one site's file."""
        return tuple(item for item in self.problems if item.file == f"{site_id}.yaml")

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep a version of a file out of force."""
        return tuple(item for item in self.problems if item.severity is Severity.ERROR)
