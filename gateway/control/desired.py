"""What one site wants of the world: its media servers, and the cameras that they pull.

Pure: the site and the company's settings go in, values come out.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from gateway.kit.secret import Secret
from gateway.model.company import MediaServers, Settings
from gateway.model.server import Role, ServerSpec
from gateway.model.site import Camera, Credential, Pull, Site, stream_name


@dataclass(frozen=True, slots=True)
class WantedCapture:
    """A stream that a site's origin has to pull; ``uri`` holds the credentials."""

    camera: str
    stream: str
    uri: Secret


@dataclass(frozen=True, slots=True)
class Desired:
    """What one site wants.

    ``parked``: the site is switched off, so its servers stop but keep what belongs to them.
    ``shadowed``: streams that cannot be pulled because another one has the same address (a media
    server knows a pull by its address alone), with the stream that has it.
    """

    site: str
    servers: tuple[ServerSpec, ...] = ()
    captures: tuple[WantedCapture, ...] = ()
    parked: bool = False
    shadowed: tuple[tuple[str, str], ...] = ()


def desired(
    site: Site,
    settings: Settings,
    wanted: Collection[str],
    edges: tuple[ServerSpec, ...] = (),
) -> Desired:
    """Return what ``site`` wants.

    ``wanted`` are the on-demand streams that somebody watches, ``edges`` its further servers.
    """
    if not site.enabled:
        return Desired(site=site.id, parked=True)
    captures: dict[Secret, WantedCapture] = {}
    shadowed: list[tuple[str, str]] = []
    for capture in _captures(site, wanted):
        first = captures.setdefault(capture.uri, capture)
        if first is not capture:
            shadowed.append((capture.stream, first.stream))
    return Desired(
        site=site.id,
        servers=(origin_spec(site, settings.media_servers), *edges),
        captures=tuple(captures.values()),
        shadowed=tuple(shadowed),
    )


def origin_spec(site: Site, defaults: MediaServers) -> ServerSpec:
    """Return the site's first media server, its own settings before the company's."""
    own = site.media_server
    return ServerSpec(
        id=site.id,
        site=site.id,
        role=Role.ORIGIN,
        runtime=defaults.runtime,
        image=defaults.image,
        address=own.address,
        external_address=own.external_address,
        license=own.license,
        limits=defaults.limits,
        max_viewers=defaults.max_viewers if own.max_viewers is None else own.max_viewers,
        sound=site.viewing.sound,
        feeds_edges=site.scaling.max_servers > 1,
        rtsp_output=own.rtsp_output,
        nodes=defaults.nodes if own.nodes is None else own.nodes,
    )


def streams_of(site_id: str, camera: Camera) -> tuple[str, ...]:
    """Return the names of a camera's streams, the main one first."""
    main = stream_name(site_id, camera.id)
    return (main,) if camera.rtsp_sub is None else (main, stream_name(site_id, camera.id, sub=True))


def on_demand_streams(site: Site) -> Iterator[str]:
    """Yield the names of the streams that are pulled only while somebody wants them."""
    for camera in site.cameras:
        if camera.pull is Pull.ON_DEMAND:
            yield from streams_of(site.id, camera)


def with_credential(address: str, credential: Credential | None) -> Secret:
    """Put user and password into an RTSP address (RFC 3986 section 3.2.1, percent-encoded)."""
    if credential is None:
        return Secret(address)
    user = quote(credential.username, safe="")
    password = quote(credential.password.reveal(), safe="")
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return Secret(urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}")))


def _captures(site: Site, wanted: Collection[str]) -> Iterator[WantedCapture]:
    for camera in site.cameras:
        if not camera.enabled:
            continue
        addresses = ((camera.rtsp, False), (camera.rtsp_sub, True))
        for address, sub in addresses:
            stream = stream_name(site.id, camera.id, sub=sub)
            if address is None or (camera.pull is Pull.ON_DEMAND and stream not in wanted):
                continue
            yield WantedCapture(camera.id, stream, with_credential(address, camera.credential))
