"""What our services, secrets, configs and networks of a Swarm are called; labels make them ours."""

import hashlib
import re
from typing import Final

from gateway.runtime.docker.names import PREFIX

# Other names than those of the runtime on one engine: an engine has one network of a name.
MEDIA_NETWORK: Final = f"{PREFIX}-swarm-media"
CONTROL_NETWORK: Final = f"{PREFIX}-swarm-control"
CDN_NETWORK: Final = f"{PREFIX}-swarm-cdn"

CONFIG_NETWORK: Final = f"{PREFIX}-media-node"
"""The network that each node has for itself, with its own part of the addresses."""

RANGE_LABEL: Final = f"{PREFIX}.ip-range"
"""The label of a node that says which part of the addresses is its own."""

_LONGEST: Final = 63
_DIGITS: Final = 10
_OTHERS: Final = re.compile(r"[^A-Za-z0-9-]")


def service(server_id: str) -> str:
    """Return the name of a server's service: a label of DNS (RFC 1123), at most 63 characters."""
    return _fitting(f"{PREFIX}-{server_id}", _LONGEST)


def versioned(server_id: str, what: str, salt: str, content: str) -> str:
    """Return the name of a secret or config; another content has another name.

    A Swarm changes neither in place. ``salt`` keeps whoever reads the name from trying contents.
    """
    mark = hashlib.sha256(f"{salt}\n{content}".encode()).hexdigest()[:_DIGITS]
    end = f"-{what}-{mark}"
    return _fitting(f"{PREFIX}-{server_id}", _LONGEST - len(end)) + end


def _fitting(name: str, longest: int) -> str:
    plain = _OTHERS.sub("-", name)
    if plain == name and len(name) <= longest:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    return f"{plain[: longest - _DIGITS - 1]}-{mark}"
