"""What makes a server need a replacement: the fingerprint of everything it was made from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gateway.model.server import Role, ServerSpec
from gateway.model.site import RtspOutput


def fingerprint(spec: ServerSpec, *, version: str = "", **more: Any) -> str:
    """Return 16 hex digits that differ when ``spec`` or one of ``more`` (JSON values) differs.

    ``@`` and the version follow, where there is one: an upgrade is no change of settings.

    The licence and the users of the RTSP output go in as hashes of their own, so that the
    fingerprint may be shown.
    """
    values = {**plain(spec), "limits": asdict(spec.limits), "image": spec.image, "more": more}
    if spec.license:
        values["license"] = hashlib.sha256(spec.license.reveal().encode()).hexdigest()
    if spec.rtsp_output:
        users = [(user.username, user.password.reveal()) for user in spec.rtsp_output.users]
        values["rtsp_users"] = hashlib.sha256(json.dumps(users).encode()).hexdigest()
    text = json.dumps(values, sort_keys=True)
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{mark}@{version}" if version else mark


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
        # Only where they say something: the fingerprints of other servers stay as they were.
        **({"origin": spec.origin} if spec.origin else {}),
        **({"feeds_edges": True} if spec.feeds_edges else {}),
        **({"rtsp_port": spec.rtsp_output.port} if spec.rtsp_output else {}),
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
        origin=values.get("origin"),
        feeds_edges=bool(values.get("feeds_edges")),
        rtsp_output=RtspOutput(int(values["rtsp_port"]), ()) if "rtsp_port" in values else None,
    )
