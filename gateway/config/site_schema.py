"""The keys of ``<site>.yaml``. Their descriptions are the documentation: one sentence each."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from gateway.config.access_fields import ClockTime, Moment, Timezone
from gateway.config.addresses import Onvif, Origin, Rtsp
from gateway.config.fields import (
    Duration,
    Id,
    Interface,
    Ip,
    Name,
    SecretField,
    Subnet,
    Text,
    wrong,
)
from gateway.config.nodes_field import NodeLabels
from gateway.model.site import Access, Discovery, Follow, Pull, Scaling, Viewing

_DISCOVERY = Discovery()
_VIEWING = Viewing()
_SCALING = Scaling()


class Keys(BaseModel):
    """A mapping of a file: unknown keys are refused, a key without a value counts as absent."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data


class CredentialKeys(Keys):
    """A user of cameras."""

    username: Text = Field(description="User name that the cameras know.", examples=["viewer"])
    password: SecretField = Field(
        description="Reference to the password: {env: NAME} or {file: path}.",
        examples=["{env: CAMERAS}"],
    )


def _camera_credential(data: Any) -> CredentialKeys | str:
    if isinstance(data, str):
        if not data.strip() or not data.isprintable():
            raise wrong("must be a user of discovery.credentials")
        return data
    if not isinstance(data, dict):
        raise wrong("must be a user of discovery.credentials or {username: ..., password: ...}")
    return CredentialKeys.model_validate(data)


CameraCredential = Annotated[
    CredentialKeys | str,
    PlainValidator(_camera_credential),
    WithJsonSchema({"oneOf": [{"type": "string"}, CredentialKeys.model_json_schema()]}),
]


class PrivacyKeys(Keys):
    """A part of every day."""

    start: ClockTime = Field(
        alias="from", description="When it begins, in the site's timezone.", examples=['"22:00"']
    )
    end: ClockTime = Field(
        alias="to",
        description="When it ends; earlier than its begin means the next morning.",
        examples=['"07:00"'],
    )


class CameraKeys(Keys):
    """One camera."""

    id: Id = Field(
        description="Short name in addresses and stream names, unique in the site; never reuse it.",
        examples=["entrance-1"],
    )
    name: Name = Field(
        description="Name that residents read: a text, or one per language.",
        examples=['{ru: "Подъезд 1", en: "Entrance 1"}'],
    )
    rtsp: Rtsp | None = Field(
        default=None,
        description="Address of the main stream, without user and password.",
        examples=["rtsp://10.12.0.22:554/stream1"],
    )
    rtsp_sub: Rtsp | None = Field(
        default=None,
        description="Address of the low-resolution stream, without user and password.",
        examples=["rtsp://10.12.0.22:554/stream2"],
    )
    onvif: Onvif | None = Field(
        default=None,
        description="Host, host:port or http:// address of the camera's ONVIF service; "
        "the gateway then asks the camera for its stream addresses.",
        examples=["10.12.0.21"],
    )
    credential: CameraCredential | None = Field(
        default=None,
        description="User of this camera: a username of discovery.credentials, or a mapping of "
        "its own; without it the site's only credential is used.",
        examples=["viewer"],
    )
    pull: Pull = Field(
        default=Pull.ALWAYS,
        description="When video is pulled: always (plays at once) or on_demand (saves traffic).",
        examples=["on_demand"],
    )
    enabled: bool = Field(
        default=True,
        description="Whether the camera is shown and pulled; false keeps its entry.",
        examples=["false"],
    )
    privacy_hours: tuple[PrivacyKeys, ...] = Field(
        default=(), max_length=16, description="Hours of every day in which nobody watches."
    )


class RecorderKeys(Keys):
    """A user of the RTSP output."""

    username: Text = Field(description="User name of the recorder.", examples=["recorder"])
    password: SecretField = Field(
        description="Reference to its password of 12 characters or more: {env: NAME} or "
        "{file: path}.",
        examples=["{env: RECORDER}"],
    )


class RtspOutputKeys(Keys):
    """The streams as recorders take them."""

    port: Annotated[int, Field(ge=1024, le=65535)] = Field(
        description="TCP port where recorders take rtsp://<media server>:<port>/<site>-<camera>.",
        examples=["8554"],
    )
    users: tuple[RecorderKeys, ...] = Field(
        min_length=1, max_length=32, description="Who may take them."
    )


class MediaServerKeys(Keys):
    """The site's own media server."""

    address: Ip | None = Field(
        default=None,
        description="Fixed address of the media server in the building's network (LOCAL_IP).",
        examples=["192.168.23.101"],
    )
    external_address: Ip | None = Field(
        default=None,
        description="Address that browsers reach when the media server is behind NAT "
        "(EXTERNAL_IP).",
        examples=["203.0.113.7"],
    )
    license: SecretField | None = Field(
        default=None,
        description="Reference to this building's own WCS licence key; one key per building.",
        examples=["{env: WCS_LICENSE_LENINA_12}"],
    )
    max_viewers: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="Viewers that one media server of this site accepts; without it the "
        "company's media_servers.max_viewers.",
        examples=["300"],
    )
    engine: Id | None = Field(
        default=None,
        description="Machine that runs it: a name of media_servers.engines in gateway.yaml; "
        "without it media_servers.engine.",
        examples=["north"],
    )
    nodes: NodeLabels | None = Field(
        default=None,
        description="Labels that its node must have (swarm); without it media_servers.nodes.",
        examples=["{lan: north}"],
    )
    rtsp_output: RtspOutputKeys | None = Field(
        default=None,
        description="Offers the streams to recorders over RTSP; only the embedded media server.",
    )


class DiscoveryKeys(Keys):
    """Where cameras are looked for."""

    interface: Interface | None = Field(
        default=None,
        description="Network interface of the gateway's machine that reaches the cameras.",
        examples=["eth1.12"],
    )
    subnets: tuple[Subnet, ...] = Field(
        default=(),
        max_length=64,
        description="Networks of the cameras; the gateway contacts no address outside them when "
        "it looks for cameras.",
        examples=["[10.12.0.0/24]"],
    )
    credentials: tuple[CredentialKeys, ...] = Field(
        default=(),
        max_length=32,
        description="Users that are tried on cameras, in this order, one try each per survey.",
        examples=["[{username: viewer, password: {env: CAMERAS}}]"],
    )
    follow: Follow = Field(
        default=_DISCOVERY.follow,
        description="What becomes of a camera that answers at another address of these networks: "
        "tell (say so), play (also play it from there) or write (also correct this file).",
        examples=["write"],
    )


class ViewingKeys(Keys):
    """Who may watch."""

    access: Access = Field(
        default=_VIEWING.access,
        description="Who may watch: ticket (residents with a ticket), public (everybody) or "
        "staff (the console only).",
        examples=["public"],
    )
    allowed_origins: tuple[Origin, ...] = Field(
        default=(),
        max_length=100,
        description="Websites that may embed the players of this site.",
        examples=["[https://uk.example.ru]"],
    )
    max_watch: Duration | None = Field(
        default=None,
        description="Time after which a viewer is stopped (s, m, h, d); without it never.",
        examples=["10m"],
    )
    sound: bool = Field(
        default=_VIEWING.sound,
        description="Whether viewers hear the cameras; mind the law before you switch it on.",
        examples=["true"],
    )
    tickets_since: Moment | None = Field(
        default=None,
        description="Tickets issued before this time open nothing here any more.",
        examples=["2026-05-05T12:00:00+03:00"],
    )


class ScalingKeys(Keys):
    """How far a site grows."""

    min_servers: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None,
        description="Media servers that a site has even when nobody watches, the first one "
        "included.",
        examples=["2"],
        json_schema_extra={"default": _SCALING.min_servers},
    )
    max_servers: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None,
        description="Most media servers of one site, the first one included.",
        examples=["4"],
        json_schema_extra={"default": _SCALING.max_servers},
    )
    viewers_per_server: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="Viewers that one media server is meant for; at three quarters of it one more "
        "is started.",
        examples=["200"],
        json_schema_extra={"default": _SCALING.viewers_per_server},
    )
    shrink_after: Duration | None = Field(
        default=None,
        description="Time for which fewer media servers must have been enough before one goes "
        "(s, m, h, d).",
        examples=["10m"],
        json_schema_extra={"default": f"{_SCALING.shrink_after_s / 60:.0f}m"},
    )
    licenses: Annotated[tuple[SecretField, ...], Field(max_length=100)] | None = Field(
        default=None,
        description="References to the WCS licence keys of further media servers, one each; "
        "gateway.yaml's are shared by all sites that have none of their own.",
        examples=["[{env: WCS_LICENSE_EDGE_1}]"],
    )


class SiteKeys(Keys):
    """One building: the file ``<site>.yaml``."""

    id: Id | None = Field(
        default=None,
        description="The site's id; the file's name without .yaml says it already.",
        examples=["lenina-12"],
    )
    name: Name = Field(
        description="Name that people read: a text, or one per language.",
        examples=['{ru: "Ленина, 12", en: "Lenina 12"}'],
    )
    enabled: bool = Field(
        default=True,
        description="Whether the building runs; false stops its media servers and keeps the file.",
        examples=["false"],
    )
    media_server: MediaServerKeys = Field(
        default=MediaServerKeys(), description="The site's own media server."
    )
    discovery: DiscoveryKeys = Field(
        default=DiscoveryKeys(), description="Where and with which users cameras are looked for."
    )
    cameras: tuple[CameraKeys, ...] = Field(
        default=(), max_length=1000, description="The cameras, in the order shown."
    )
    viewing: ViewingKeys = Field(
        default=ViewingKeys(), description="Who may watch, from where, how long."
    )
    scaling: ScalingKeys = Field(
        default=ScalingKeys(), description="Growth of this site; keys left out are the company's."
    )
    timezone: Timezone | None = Field(
        default=None,
        description="Time zone of the building, for privacy_hours.",
        examples=["Europe/Moscow"],
    )
