"""Configuration files of media servers: pure texts, written by whoever runs the server."""

from collections.abc import Mapping
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import Role, ServerSpec

PROPERTIES: Final = "conf/flashphoner.properties"
JVM_OPTIONS: Final = "conf/wcs-core.properties"
_CDN_PORT: Final = 8084
_MIB: Final = 1 << 20
_LEAST_HEAP: Final = 256


def embedded_files(
    spec: ServerSpec,
    *,
    media_port: int,
    fingerprint: str,
    rest_user_file: str,
    token_file: str,
    cdn_port: int | None = None,
    recorders_file: str = "",
    edges_file: str = "",
    origin_file: str = "",
    lease_s: float = 900.0,
) -> Mapping[str, str]:
    """Return the files (name in the server's folder: content) of an embedded server.

    ``cdn_port`` is where an origin offers its streams to the edges of ``edges_file``; an edge finds
    the place in ``origin_file``. Its control ports are the kernel's choice on the loopback
    address. It ends by itself when the gateway has asked nothing for ``lease_s`` seconds, so that
    no orphan outlives its gateway.
    """
    return {
        PROPERTIES: _properties(
            {
                **_addresses(spec),
                "media_port_from": str(media_port),
                "media_port_to": str(media_port),
                "http.port": "0",
                "ws.port": "0",
                "disable_rest_auth": "false",
                "embedded.control_address": "127.0.0.1",
                "embedded.rest_user_file": rest_user_file,
                "embedded.token_file": token_file,
                "embedded.max_viewers": str(spec.max_viewers),
                "embedded.sound": "true" if spec.sound else "false",
                "embedded.lease_s": str(lease_s),
                "embedded.fingerprint": fingerprint,
                **_edge(spec, origin_file),
                **_origin(spec, cdn_port, edges_file, "127.0.0.1"),
                **_recorders(spec, recorders_file),
            }
        )
    }


def embedded_container_files(
    spec: ServerSpec,
    *,
    media_ports: tuple[int, int],
    offset: int,
    bind: str | None,
    announced: str | None,
    control: str,
    token_file: str,
    cdn: str = "",
    recorders_file: str = "",
    edges_file: str = "",
    origin_file: str = "",
    **_: str,
) -> Mapping[str, str]:
    """Return the files of an embedded server in a container.

    ``control`` is the address, or the network of the address, where REST and signalling listen,
    ``cdn`` the one where an origin's edges ask;
    ``offset`` is added to their ports. The REST user comes from the variable PASSWORD.
    """
    return {
        PROPERTIES: _properties(
            {
                **_known({"ip_local": bind, "ip": announced}),
                "media_port_from": str(media_ports[0]),
                "media_port_to": str(media_ports[0]),
                "http.port": str(8081 + offset),
                "ws.port": str(8080 + offset),
                "embedded.control_address": control,
                "embedded.token_file": token_file,
                "embedded.max_viewers": str(spec.max_viewers),
                "embedded.sound": "true" if spec.sound else "false",
                **_edge(spec, origin_file),
                **_origin(spec, _CDN_PORT + offset, edges_file, cdn),
                **_recorders(spec, recorders_file),
            }
        )
    }


def wcs_files(
    spec: ServerSpec,
    *,
    media_ports: tuple[int, int] = (31001, 32000),
    offset: int = 0,
    bind: str | None = None,
    announced: str | None = None,
    node: str = "",
    origin_node: str = "",
    **_: str,
) -> Mapping[str, str]:
    """Return the files of a real WCS in its container; they are merged into those of its image.

    REST is open inside: the container's control ports are reachable over the private management
    network only. The heap is half of the memory limit: media buffers live outside of it
    (docs.flashphoner.com, "Memory management in Java"). The CDN's port and the RTSP server's are
    set because the process may not take ports below 1024, and servers that share a host would
    take the same ones. ``node`` and ``origin_node`` are the names of this server and of its origin
    in the network of their own.
    """
    first, last = media_ports
    local = bind or spec.address
    files = {
        PROPERTIES: _properties(
            {
                **_known({"ip_local": local, "ip": announced or spec.external_address or local}),
                "hold_ip_settings": "true",
                "media_port_from": str(first),
                "media_port_to": str(last),
                "http.port": str(8081 + offset),
                "https.port": str(8444 + offset),
                "ws.port": str(8080 + offset),
                "wss.port": str(8443 + offset),
                "rtsp.port": str(5555 + offset),
                "cdn_port": str(_CDN_PORT + offset),
                "rtsp_interleaved_mode": "true",
                **_wcs_cdn(spec, node, origin_node),
            }
        )
    }
    if spec.limits.memory is not None:
        heap = max(_LEAST_HEAP, spec.limits.memory // 2 // _MIB)
        files[JVM_OPTIONS] = f"-Xmx{heap}m\n-Xms{heap}m\n"
    return files


def _wcs_cdn(spec: ServerSpec, node: str, origin_node: str) -> dict[str, str]:
    """Return a WCS's part in the CDN of its site (docs.flashphoner.com, "CDN 2.0" and "CDN 2.1").

    A node joins through its origin and is told of the others there. WCS's documents name no secret
    between nodes: what keeps strangers out is the network, which has no way in or out.
    """
    edge = spec.role is Role.EDGE
    if not node or not (edge or spec.feeds_edges):
        return {}
    return {
        "cdn_enabled": "true",
        "cdn_role": "edge" if edge else "origin",
        # Names, because the addresses of containers change when they are made again.
        "cdn_ip": node,
        "cdn_nodes_resolve_ip": "true",
        **({"cdn_point_of_entry": origin_node} if edge else {}),
        # Edges come and go; without it those that are gone are kept for ever.
        "cdn_nodes_timeout": "60",
        # Routes are looked for within a group: buildings do not take each other's streams.
        "cdn_groups": spec.site,
    }


def _edge(spec: ServerSpec, origin_file: str) -> dict[str, str]:
    if spec.role is not Role.EDGE:
        return {}
    return {"cdn_enabled": "true", "cdn_role": "edge", "embedded.origin_file": origin_file}


def _origin(spec: ServerSpec, port: int | None, edges_file: str, control: str) -> dict[str, str]:
    if not spec.feeds_edges or port is None:
        return {}
    return {
        "cdn_enabled": "true",
        "cdn_role": "origin",
        "cdn_port": str(port),
        "embedded.edges_address": control,
        "embedded.edges_file": edges_file,
    }


def _recorders(spec: ServerSpec, users_file: str) -> dict[str, str]:
    if spec.rtsp_output is None:
        return {}
    return {
        "rtsp.port": str(spec.rtsp_output.port),
        **_known({"embedded.rtsp_address": spec.address}),
        "embedded.rtsp_users_file": users_file,
    }


def _addresses(spec: ServerSpec) -> dict[str, str]:
    return _known({"ip_local": spec.address, "ip": spec.external_address or spec.address})


def _known(values: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in values.items() if value}


def _properties(values: Mapping[str, str]) -> str:
    for key, value in values.items():
        if not value.isprintable():
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"the media server's setting {key} holds a control character",
                "write it on one line",
            )
    return "".join(f"{key}={value}\n" for key, value in values.items())
