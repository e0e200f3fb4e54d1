"""What our containers, volumes and networks are called, and the labels that make them ours."""

import re
from collections.abc import Mapping
from typing import Final

PREFIX: Final = "camera-gateway"
SERVER: Final = f"{PREFIX}.server"
SITE: Final = f"{PREFIX}.site"
ROLE: Final = f"{PREFIX}.role"
FINGERPRINT: Final = f"{PREFIX}.fingerprint"
IMAGE: Final = f"{PREFIX}.image"
KIND: Final = f"{PREFIX}.kind"
ADDRESS: Final = f"{PREFIX}.address"
SLOT: Final = f"{PREFIX}.slot"
LICENCE: Final = f"{PREFIX}.licence"
HELPER: Final = f"{PREFIX}.helper"
NETWORK: Final = f"{PREFIX}.network"
CDN: Final = f"{PREFIX}.cdn-port"
RTSP: Final = f"{PREFIX}.rtsp-port"
EMBEDDED_LABEL: Final = f"{PREFIX}.media-server"
"""The label of an image that holds the embedded media server (see the Dockerfile)."""

DRAFT: Final = ".new"
"""Ends the name of a container that is not complete yet; whoever finds one begins anew."""

CONTROL_NETWORK: Final = f"{PREFIX}-control"
MEDIA_NETWORK: Final = f"{PREFIX}-media"
CDN_NETWORK: Final = f"{PREFIX}-cdn"


_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def fits(server_id: str) -> bool:
    """Tell whether a server's id can be part of the engine's names."""
    return _ID.fullmatch(server_id) is not None


def container(server_id: str) -> str:
    """Return the name of a server's container."""
    return f"{PREFIX}-{server_id}"


def node(server_id: str) -> str:
    """Return a server's name in the network of its site's servers.

    Its container's own name is known in every network, and may mean its address in the building's.
    """
    return f"{PREFIX}-{server_id}-cdn"


def volume(server_id: str) -> str:
    """Return the name of the volume with a server's configuration and licence."""
    return f"{PREFIX}-{server_id}-conf"


def helper(server_id: str, what: str) -> str:
    """Return the name of a short-lived container that works on a server."""
    return f"{PREFIX}-{server_id}-{what}"


def is_draft(name: str) -> bool:
    """Tell whether a container of this name is incomplete."""
    return name.endswith(DRAFT)


def server_of(labels: Mapping[str, str] | None) -> str | None:
    """Return the server that something belongs to, or ``None`` when it is not ours."""
    return (labels or {}).get(SERVER)
