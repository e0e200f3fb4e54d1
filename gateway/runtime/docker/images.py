"""Images: a fixed version only, pulled when missing, known by what is in them."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog

from gateway.model.errors import ErrorKind, GatewayError
from gateway.runtime.docker import names
from gateway.runtime.docker.engine import Engine

_PULL_S: Final = 1800.0
_TELL_S: Final = 10.0


class Kind(StrEnum):
    """What runs in a container."""

    EMBEDDED = "embedded"
    WCS = "wcs"


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is there. ``user`` is the numeric ``uid:gid`` that it runs as, if it says."""

    reference: str
    id: str
    kind: Kind
    user: tuple[int, int]


def pinned(reference: str | None) -> str:
    """Return ``reference`` when it names a fixed version; raises CONFIG_INVALID."""
    if not reference:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            "no image is named for the media servers",
            "write media_servers.image with a version in gateway.yaml",
        )
    name = reference.rpartition("/")[2]
    if "@" not in name and (":" not in name or name.endswith(":latest")):
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"the image {reference} names no fixed version, so a restart may bring another one",
            "write its tag, for example flashphoner/webcallserver:5.2.2124",
        )
    return reference


class Images:
    """The images of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, reference: str) -> Image | None:
        """Return the image that ``reference`` names now, if the engine has it."""
        found = await self._engine.attempt(
            f"inspect the image {reference}", lambda client: client.inspect_image(reference)
        )
        return None if found is None else _image(reference, found)

    async def ensure(self, reference: str | None) -> Image:
        """Return the image, pulled when it is missing; many sites wait for one pull.

        Raises CONFIG_INVALID for one without a fixed version, CONTAINER_FAILED when it cannot be
        pulled, ENGINE_UNAVAILABLE.
        """
        wanted = pinned(reference)
        async with self._locks[wanted]:
            image = await self.find(wanted)
            if image is None:
                await self._engine.call(
                    f"pull {wanted}", lambda client: _pull(client, wanted), within_s=_PULL_S
                )
                image = await self.find(wanted)
        if image is None:
            raise GatewayError(
                ErrorKind.CONTAINER_FAILED,
                f"the image {wanted} is not there after it was pulled",
                "check that it is made for this machine's processor",
            )
        return image


def _pull(client: Any, reference: str) -> None:
    log = structlog.get_logger("runtime").bind(image=reference)
    log.info("an image is pulled")
    layers: dict[str, tuple[int, int]] = {}
    told = time.monotonic()
    for line in client.pull(reference, stream=True, decode=True):
        if "error" in line:
            raise GatewayError(
                ErrorKind.CONTAINER_FAILED,
                f"the image {reference} cannot be pulled: {str(line['error'])[:200]}",
                "check its name and this machine's way to the registry",
            )
        progress = line.get("progressDetail") or {}
        if progress.get("total"):
            layers[str(line.get("id"))] = (int(progress["current"]), int(progress["total"]))
        if time.monotonic() - told >= _TELL_S:
            told = time.monotonic()
            done, total = (sum(layer[part] for layer in layers.values()) for part in (0, 1))
            log.info("an image is pulled", megabytes=done // 10**6, of=total // 10**6)
    log.info("an image is there")


def _image(reference: str, found: Any) -> Image:
    config = found.get("Config") or {}
    labels = config.get("Labels") or {}
    embedded = labels.get(names.EMBEDDED_LABEL) == Kind.EMBEDDED
    uid, _, gid = str(config.get("User") or "").partition(":")
    user = (int(uid), int(gid)) if uid.isdecimal() and gid.isdecimal() else (0, 0)
    return Image(reference, str(found["Id"]), Kind.EMBEDDED if embedded else Kind.WCS, user)
