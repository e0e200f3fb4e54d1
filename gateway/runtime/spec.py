"""What makes a server need a replacement: the fingerprint of everything it was made from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gateway.model.server import Role, ServerSpec


def fingerprint(spec: ServerSpec, **more: Any) -> str:
    """Return 16 hex digits that differ when ``spec`` or one of ``more`` (JSON values) differs.

    The licence goes in as a hash of its own, so that the fingerprint may be shown.
    """
    values = {**plain(spec), "limits": asdict(spec.limits), "image": spec.image, "more": more}
    if spec.license:
        values["license"] = hashlib.sha256(spec.license.reveal().encode()).hexdigest()
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plain(spec: ServerSpec) -> dict[str, Any]:
    """Return what an embedded server is made from as JSON values; no secret is among them."""
    return {
        "id": spec.id,
        "site": spec.site,
        "role": str(spec.role),
        "address": spec.address,
        "external_address": spec.external_address,
        "max_viewers": spec.max_viewers,
        "sound": spec.sound,
    }


def from_plain(values: Mapping[str, Any]) -> ServerSpec:
    """Return the spec that :func:`plain` wrote; raises KeyError, TypeError or ValueError."""
    return ServerSpec(
        id=str(values["id"]),
        site=str(values["site"]),
        role=Role(values["role"]),
        address=values["address"],
        external_address=values["external_address"],
        max_viewers=int(values["max_viewers"]),
        sound=bool(values["sound"]),
    )
