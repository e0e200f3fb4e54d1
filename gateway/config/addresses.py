"""Addresses that keys hold: URLs of cameras, websites and servers, hosts with ports.

No address may carry a user or a password: what stands here is shown on the board and in logs.
"""

import ipaddress
import re
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import PlainValidator, WithJsonSchema

from gateway.config.fields import text, wrong

_HOST: Final = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f]")
# Some makers take the login in the path: /user=admin&password=12345&channel=1.
_PATH_PASSWORD: Final = re.compile(r"(?i)(pass(word|wd)?|pwd)=[^&/?#_]")
_ICE: Final = re.compile(r"(stuns?|turns?):([^?]+)(\?transport=(udp|tcp))?")
_ENGINE_SCHEMES: Final = ("unix", "tcp", "http", "https", "ssh")
# Neither may begin with a dash: both become arguments of a command.
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CREDENTIAL: Final = "put them under credential: {username: ..., password: {env: NAME}}"
_MAX_URL: Final = 2048
_MAX_PORT: Final = 65535


def host_port(value: str) -> tuple[str, int | None]:
    """Split ``host``, ``host:port``, ``[v6]:port``; raises ValueError."""
    parts = urlsplit("//" + value)
    host, port = parts.hostname or "", parts.port
    if parts.path or parts.query or parts.fragment or "@" in value or not _is_host(host):
        raise ValueError(value)
    if ":" in host and not value.startswith("["):
        raise ValueError(value)
    return host, port


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # All digits and dots, and no address: a slip of the finger, not a name.
        return bool(_HOST.fullmatch(host)) and not re.fullmatch(r"[0-9.]+", host)
    return True


def _url(data: Any, *, schemes: tuple[str, ...], example: str) -> SplitResult:
    value = text(data)
    advice = f"write for example {example}"
    if len(value) > _MAX_URL:
        raise wrong("is too long")
    if _SPACE.search(value):
        raise wrong(f"holds a space; {advice}")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise wrong(f"is no address; {advice}") from None
    if "@" in parts.netloc or ("@" in value and not _is_host(parts.hostname or "")):
        raise wrong(f"holds a user or a password in clear; {_CREDENTIAL}, and change the password")
    if parts.scheme not in schemes:
        raise wrong(f"must begin with {' or '.join(f'{name}://' for name in schemes)}; {advice}")
    if port == 0 or not _is_host(parts.hostname or ""):
        raise wrong(f"names no valid host; {advice}")
    if parts.fragment:
        raise wrong("holds a #; write %23 if it belongs to the address")
    return parts


def _rtsp(data: Any) -> str:
    parts = _url(data, schemes=("rtsp", "rtsps"), example="rtsp://10.12.0.22:554/stream2")
    if _PATH_PASSWORD.search(parts.path + "?" + parts.query):
        raise wrong(
            "holds a password in clear in its path; write the camera's onvif: address instead, "
            "or a path without login, and change the password"
        )
    return str(data)


def _onvif(data: Any) -> str:
    value = text(data)
    if "://" in value:
        _url(value, schemes=("http", "https"), example="http://10.12.0.21/onvif/device_service")
        return value
    if "@" in value:
        raise wrong(f"holds a user or a password in clear; {_CREDENTIAL}, and change the password")
    try:
        host_port(value)
    except ValueError:
        raise wrong("is no address; write a host, host:port or http:// address") from None
    return value


def _public_url(data: Any) -> str:
    example = "https://cams.example.ru"
    parts = _url(data, schemes=("https", "http"), example=example)
    if parts.query:
        raise wrong(f"must end before the ?; write for example {example}")
    return str(data).rstrip("/")


def _origin(data: Any) -> str:
    if data == "*":
        raise wrong("names every website; name each one, like https://uk.example.ru")
    parts = _url(data, schemes=("https", "http"), example="https://uk.example.ru")
    if parts.path or parts.query:
        raise wrong(f"must end after the host; write {parts.scheme}://{parts.netloc.lower()}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _listen(data: Any) -> tuple[str, int]:
    value = text(data)
    advice = "write host:port, for example 0.0.0.0:8080 or [::]:8080"
    try:
        host, port = host_port(value)
    except ValueError:
        raise wrong(f"is no address to listen on; {advice}") from None
    if port is None:
        raise wrong(f"lacks the port; {advice}")
    return host, port


def _ice(data: Any) -> str:
    value = text(data)
    match = _ICE.fullmatch(value)
    try:
        host_port(match[2] if match else "")
    except ValueError:
        raise wrong("is no STUN or TURN address; write for example stun:203.0.113.7:3478") from None
    return value


def _engine(data: Any) -> str:
    value = text(data)
    scheme, mark, rest = value.partition("://")
    if not mark or scheme not in _ENGINE_SCHEMES or not rest:
        raise wrong("is no Docker address; write for example unix:///var/run/docker.sock")
    if scheme == "ssh":
        return _ssh(value)
    if "@" in rest:
        raise wrong("holds a user or a password in clear; reach the engine by TLS or ssh://")
    if scheme != "unix":
        _url(value, schemes=_ENGINE_SCHEMES[1:-1], example="tcp://192.0.2.10:2376")
    return value


def _ssh(data: Any) -> str:
    value, advice = text(data), "write for example ssh://gateway@192.0.2.10"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise wrong(f"is no ssh address; {advice}") from None
    if parts.password is not None:
        raise wrong("holds a password in clear; log in by key")
    if parts.scheme != "ssh" or port == 0 or not _is_host(parts.hostname or ""):
        raise wrong(f"is no ssh address; {advice}")
    if parts.query or parts.fragment or not _USER.fullmatch(parts.username or "gateway"):
        raise wrong(f"is no ssh address; {advice}")
    return value


def _engine_or_name(data: Any) -> str:
    if isinstance(data, str) and "://" not in data and _NAME.fullmatch(data):
        return data
    return _engine(data)


Rtsp = Annotated[str, PlainValidator(_rtsp), WithJsonSchema({"type": "string", "format": "uri"})]
Onvif = Annotated[str, PlainValidator(_onvif), WithJsonSchema({"type": "string"})]
Url = Annotated[
    str, PlainValidator(_public_url), WithJsonSchema({"type": "string", "format": "uri"})
]
Origin = Annotated[
    str, PlainValidator(_origin), WithJsonSchema({"type": "string", "format": "uri"})
]
Listen = Annotated[tuple[str, int], PlainValidator(_listen), WithJsonSchema({"type": "string"})]
IceUrl = Annotated[str, PlainValidator(_ice), WithJsonSchema({"type": "string"})]
Engine = Annotated[str, PlainValidator(_engine), WithJsonSchema({"type": "string"})]
EngineOrName = Annotated[str, PlainValidator(_engine_or_name), WithJsonSchema({"type": "string"})]
Ssh = Annotated[str, PlainValidator(_ssh), WithJsonSchema({"type": "string"})]
