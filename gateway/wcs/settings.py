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
    recorders_file: str = "",
    edges_file: str = "",
    origin_file: str = "",
) -> Mapping[str, str]:
    """Return the files of an embedded server in a container.

    ``control`` is the address, or the network of the address, where REST and signalling listen;
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
                **_origin(spec, _CDN_PORT + offset, edges_file, control),
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
    **_: str,
) -> Mapping[str, str]:
    """Return the files of a real WCS in its container; they are merged into those of its image.

    REST is open inside: the container's control ports are reachable over the private management
    network only. The heap is half of the memory limit: media buffers live outside of it
    (docs.flashphoner.com, "Memory management in Java"). The CDN's port and the RTSP server's are
    set because the process may not take ports below 1024, and servers that share a host would
    take the same ones.
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
            }
        )
    }
    if spec.limits.memory is not None:
        heap = max(_LEAST_HEAP, spec.limits.memory // 2 // _MIB)
        files[JVM_OPTIONS] = f"-Xmx{heap}m\n-Xms{heap}m\n"
    return files


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
