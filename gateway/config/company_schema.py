"""The keys of ``gateway.yaml``. Their descriptions are the documentation: one sentence each."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from gateway.config.access_schema import AccountKeys, AuditKeys, SignOnKeys, TicketsKeys
from gateway.config.addresses import Engine, EngineOrName, IceUrl, Listen, Ssh, Url
from gateway.config.fields import (
    DhcpRange,
    Id,
    Interface,
    Ip,
    IpRange,
    PortRange,
    Rhythm,
    SecretField,
    Subnet,
    Text,
)
from gateway.config.machine_schema import LimitsKeys, MachineKeys
from gateway.config.nodes_field import NodeLabels
from gateway.config.notify_schema import NotificationsKeys
from gateway.config.site_schema import Keys, ScalingKeys
from gateway.model.company import MediaServers, NetworkDriver, RuntimeKind, Settings

_SETTINGS = Settings()
_SERVERS = MediaServers()


class TlsKeys(Keys):
    """The gateway's own certificate."""

    certificate: Text = Field(
        description="File with the certificate chain in PEM, relative to this directory.",
        examples=["/etc/letsencrypt/live/cams.example.ru/fullchain.pem"],
    )
    key: SecretField = Field(
        description="Reference to the private key in PEM.",
        examples=["{file: /etc/letsencrypt/live/cams.example.ru/privkey.pem}"],
    )


class HistoryKeys(Keys):
    """The record of the cameras' states."""

    days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=_SETTINGS.history_days,
        description="Days after which the record of a camera's state is deleted.",
        examples=["400"],
    )


class NetworkKeys(Keys):
    """The Docker network of the media servers."""

    driver: NetworkDriver = Field(
        default=_SERVERS.network.driver,
        description="How containers reach the building's network: ipvlan, macvlan, host, bridge.",
        examples=["macvlan"],
    )
    parent: Interface | None = Field(
        default=None,
        description="Network interface of the Docker host (ipvlan, macvlan).",
        examples=["enp0s3"],
    )
    subnet: Subnet | None = Field(
        default=None,
        description="Network that the media servers' addresses belong to.",
        examples=["192.168.23.0/24"],
    )
    gateway: Ip | None = Field(
        default=None, description="Router of that network.", examples=["192.168.23.1"]
    )
    ip_range: IpRange | None = Field(
        default=None,
        description="Part of the subnet that only media servers use, outside the DHCP server's.",
        examples=["192.168.23.96/27"],
    )
    dhcp_range: DhcpRange | None = Field(
        default=None,
        description="Addresses that the DHCP server hands out, so that an overlap is noticed.",
        examples=["192.168.23.50-192.168.23.95"],
    )
    guard_image: Text | None = Field(
        default=None,
        description="Image with iptables that closes control ports if the media server's has none.",
        examples=["camera-gateway-mediaserver:0.1.0"],
    )


class EngineKeys(Keys):
    """One Docker Engine that sites may name."""

    name: Id = Field(
        description="Name that sites write at media_server.engine.", examples=["north"]
    )
    url: Engine = Field(
        description="Its address: ssh://user@host, tcp://host:2376 with TLS, or a local unix://.",
        examples=["ssh://gateway@192.0.2.10"],
    )
    ssh_key: SecretField | None = Field(
        default=None,
        description="Private key for ssh, as {file: path}; without it ssh looks for one itself.",
        examples=["{file: keys/north}"],
    )
    known_hosts: Text | None = Field(
        default=None,
        description="File with the host's ssh key; without it that of the gateway's user.",
        examples=["keys/known_hosts"],
    )
    ca: Text | None = Field(
        default=None,
        description="File with the certificate that vouches for the engine (TLS).",
        examples=["keys/ca.pem"],
    )
    cert: Text | None = Field(
        default=None,
        description="File with the gateway's own certificate (TLS).",
        examples=["keys/cert.pem"],
    )
    key: SecretField | None = Field(
        default=None,
        description="Key of that certificate, as {file: path} (TLS).",
        examples=["{file: keys/key.pem}"],
    )
    control: Ssh | None = Field(
        default=None,
        description="How the gateway reaches the media servers on another machine if url is not "
        "ssh; the account needs no more than port forwarding.",
        examples=["ssh://gateway@192.0.2.10"],
    )
    network: NetworkKeys | None = Field(
        default=None,
        description="Network of this host's media servers; without it media_servers.network.",
    )
    enabled: bool = Field(
        default=True,
        description="Whether the machine is used; false also means that nothing runs there any "
        "more, so its sites may move.",
        examples=["false"],
    )


class MediaServersKeys(Keys):
    """The company's defaults for media servers."""

    runtime: RuntimeKind = Field(
        default=_SERVERS.runtime,
        description="What media servers run on: process (embedded), docker or swarm (WCS).",
        examples=["docker"],
    )
    image: Text | None = Field(
        default=None,
        description="Image of the media server, with its version (docker, swarm).",
        examples=["flashphoner/webcallserver:5.2.2124"],
    )
    engine: EngineOrName | None = Field(
        default=None,
        description="Address of the Docker Engine, or a name of engines; without it DOCKER_HOST "
        "or the local socket.",
        examples=["unix:///var/run/docker.sock"],
    )
    engines: tuple[EngineKeys, ...] = Field(
        default=(), max_length=200, description="Further Docker Engines, one per machine (docker)."
    )
    network: NetworkKeys = Field(
        default=NetworkKeys(), description="Network of the media servers (docker, swarm)."
    )
    limits: LimitsKeys = Field(default=LimitsKeys(), description="What one media server may use.")
    nodes: NodeLabels = Field(
        default=_SERVERS.nodes,
        description="Labels that a node must have to run media servers (swarm).",
        examples=["{lan: north}"],
        json_schema_extra={"default": {}},
    )
    media_ports: PortRange = Field(
        default=_SERVERS.media_ports,
        description="First and last UDP port of the media; an embedded server takes one of them.",
        examples=["31001-32000"],
        json_schema_extra={"default": "{}-{}".format(*_SERVERS.media_ports)},
    )
    max_viewers: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=_SERVERS.max_viewers,
        description="Viewers that one media server accepts.",
        examples=["300"],
    )
    keep_on_stop: bool = Field(
        default=_SERVERS.keep_on_stop,
        description="Whether media servers go on running while the gateway is stopped.",
        examples=["false"],
    )


def _listed(data: Any) -> Any:
    return [data] if isinstance(data, str) else data


class IceServerKeys(Keys):
    """A STUN or TURN server."""

    urls: Annotated[tuple[IceUrl, ...], BeforeValidator(_listed)] = Field(
        description="Its addresses.",
        examples=["[turn:203.0.113.7:3478]"],
        json_schema_extra={
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
        },
    )
    username: Text | None = Field(
        default=None, description="User name of a TURN server.", examples=["gateway"]
    )
    credential: SecretField | None = Field(
        default=None,
        description="Reference to the TURN user's password.",
        examples=["{env: TURN_PASSWORD}"],
    )
    secret: SecretField | None = Field(
        default=None,
        description="Reference to the secret that the TURN server shares with the gateway "
        "(coturn: static-auth-secret), instead of username and credential; every play then gets "
        "a login of its own.",
        examples=["{env: TURN_SECRET}"],
    )


class ProbingKeys(Keys):
    """Full looks at the cameras, beside their videos."""

    every: Rhythm = Field(
        default=_SETTINGS.probe_every_s,
        description="Time between two full looks at a camera (picture, codec, key frames), an "
        "hour at least; or never.",
        examples=["12h"],
        json_schema_extra={"default": "24h"},
    )


class GatewayKeys(Keys):
    """The company: the file ``gateway.yaml``."""

    version: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description="Version of the keys in this directory; gateway upgrade-config raises it.",
        examples=["1"],
    )
    public_url: Url | None = Field(
        default=None,
        description="Address of the gateway as browsers see it.",
        examples=["https://cams.example.ru"],
    )
    listen: Listen = Field(
        default=(_SETTINGS.listen_host, _SETTINGS.listen_port),
        description="Host and port that the gateway listens on.",
        examples=["0.0.0.0:8080"],
        json_schema_extra={"default": f"{_SETTINGS.listen_host}:{_SETTINGS.listen_port}"},
    )
    staff_listen: Listen | None = Field(
        default=None,
        description="Host and port of the staff's own listener; the public one then has no "
        "console and nothing else of theirs.",
        examples=["10.0.0.5:8081"],
    )
    metrics_listen: Listen | None = Field(
        default=None,
        description="Host and port where Prometheus reads /metrics without a token; keep it off "
        "the public side.",
        examples=["127.0.0.1:9464"],
    )
    tls: TlsKeys | None = Field(
        default=None,
        description="Certificate of the gateway, if it speaks https itself; it is taken over "
        "when its files change.",
    )
    data_dir: Text = Field(
        default=str(_SETTINGS.data_dir),
        description="Directory for the history and the records, relative to the working directory.",
        examples=["/var/lib/gateway"],
    )
    media_servers: MediaServersKeys = Field(
        default=MediaServersKeys(), description="The company's defaults for media servers."
    )
    tickets: TicketsKeys = Field(default=TicketsKeys(), description="Tickets of viewers.")
    scaling: ScalingKeys = Field(default=ScalingKeys(), description="Growth of every site.")
    machine: MachineKeys = Field(
        default=MachineKeys(), description="How much of the machine media servers may take."
    )
    ice_servers: tuple[IceServerKeys, ...] = Field(
        default=(), description="STUN and TURN servers that players use."
    )
    staff_token: SecretField | None = Field(
        default=None,
        description="Reference to the token that opens the console and the API, 16 bytes at least.",
        examples=["{env: GATEWAY_STAFF_TOKEN}"],
    )
    accounts: tuple[AccountKeys, ...] = Field(
        default=(), max_length=1000, description="People who sign in to the console."
    )
    sign_on: SignOnKeys | None = Field(
        default=None, description="The company's own sign-on, by a proxy in front of the gateway."
    )
    trusted_proxies: tuple[Subnet, ...] = Field(
        default=(),
        max_length=64,
        description="Networks of the reverse proxies whose X-Forwarded-For and "
        "X-Forwarded-Proto are believed.",
        examples=["[127.0.0.1/32]"],
    )
    probing: ProbingKeys = Field(
        default=ProbingKeys(), description="Full looks at the cameras, spread over the day."
    )
    audit: AuditKeys = Field(default=AuditKeys(), description="The record of who watched.")
    history: HistoryKeys = Field(
        default=HistoryKeys(), description="The record of the cameras' states."
    )
    notifications: NotificationsKeys = Field(
        default=NotificationsKeys(), description="Who is told of outages."
    )
