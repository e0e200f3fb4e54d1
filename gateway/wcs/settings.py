"""Configuration files of media servers: pure texts, written by whoever runs the server."""

from collections.abc import Mapping
from typing import Final

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerSpec

PROPERTIES: Final = "conf/flashphoner.properties"


def embedded_files(
    spec: ServerSpec,
    *,
    media_port: int,
    fingerprint: str,
    rest_user_file: str,
    token_file: str,
    lease_s: float = 900.0,
) -> Mapping[str, str]:
    """Return the files (name in the server's folder: content) of an embedded server.

    Its control ports are the kernel's choice on the loopback address. It ends by itself when the
    gateway has asked nothing for ``lease_s`` seconds, so that no orphan outlives its gateway.
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
            }
        )
    }


def wcs_files(
    spec: ServerSpec, *, media_ports: tuple[int, int] = (31001, 32000)
) -> Mapping[str, str]:
    """Return the files of a real WCS in its container.

    REST is open inside: the container's control ports are reachable over the private management
    network only.
    """
    first, last = media_ports
    return {
        PROPERTIES: _properties(
            {
                **_addresses(spec),
                "hold_ip_settings": "true",
                "media_port_from": str(first),
                "media_port_to": str(last),
                "http.port": "8081",
                "ws.port": "8080",
                "wss.port": "8443",
                "rtsp_interleaved_mode": "true",
            }
        )
    }


def _addresses(spec: ServerSpec) -> dict[str, str]:
    addresses = {"ip_local": spec.address or "", "ip": spec.external_address or spec.address or ""}
    return {key: value for key, value in addresses.items() if value}


def _properties(values: Mapping[str, str]) -> str:
    for key, value in values.items():
        if not value.isprintable():
            raise GatewayError(
                ErrorKind.CONFIG_INVALID,
                f"the media server's setting {key} holds a control character",
                "write it on one line",
            )
    return "".join(f"{key}={value}\n" for key, value in values.items())
