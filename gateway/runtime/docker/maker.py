"""Making and ending one server's container, so that a crash at any step is repaired by the next.

A container is made complete under a draft's name while the old one still serves; then the old one
goes, because both want the same fixed address, the draft gets its name and starts. Whoever finds a
draft begins anew; whoever finds a complete container that does not run starts it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.server import ServerSpec
from gateway.runtime.docker import archive, licence, names
from gateway.runtime.docker.archive import Entry
from gateway.runtime.docker.container import CONF, Wanted, arguments, grace_s
from gateway.runtime.docker.engine import Engine
from gateway.runtime.docker.images import Kind
from gateway.runtime.docker.listing import Listing, Seen

TOKEN_FILE: Final = "conf/signalling-token"  # noqa: S105  # a file's name
_FOLDER: Final = "conf/"
_CREATE_S: Final = 60.0
_MARGIN_S: Final = 20.0


class Configure(Protocol):
    """Writes a server's settings: file name in its home -> content."""

    def __call__(
        self,
        spec: ServerSpec,
        *,
        media_ports: tuple[int, int],
        offset: int,
        bind: str | None,
        announced: str | None,
        control: str,
        token_file: str,
        cdn: str,
        recorders_file: str,
        edges_file: str,
        origin_file: str,
        node: str,
        origin_node: str,
    ) -> Mapping[str, str]:
        """Return the files; those with secrets are written by the runtime itself."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a new container, ours alone or to be merged with its image's own.

    ``secrets`` are those that only the embedded server knows.
    """

    files: Mapping[str, str]
    secrets: Mapping[str, str]


def licence_mark(spec: ServerSpec) -> str:
    """Return what tells one licence from another without showing it."""
    if not spec.license:
        return ""
    return hashlib.sha256(spec.license.reveal().encode()).hexdigest()[:16]


class Maker:
    """The steps. Every method raises GatewayError and may be called again after a failure."""

    def __init__(self, engine: Engine, listing: Listing) -> None:
        self._engine = engine
        self._listing = listing
        self._log = structlog.get_logger("runtime")

    async def check_name(self, server_id: str) -> None:
        """Raise CONFLICT when the container's or volume's name belongs to somebody else."""
        name, volume = names.container(server_id), names.volume(server_id)
        container = await self._engine.attempt(
            f"inspect {name}", lambda client: client.inspect_container(name)
        )
        if container is not None:
            _refuse_foreign("container", name, server_id, container["Config"]["Labels"])
        there = await self._engine.attempt(
            f"inspect the volume {volume}", lambda client: client.inspect_volume(volume)
        )
        if there is not None:
            _refuse_foreign("volume", volume, server_id, there["Labels"])

    async def make(self, wanted: Wanted, contents: Contents) -> str:
        """Make a complete container under its draft's name; returns its id."""
        spec, volume = wanted.spec, names.volume(wanted.spec.id)
        await self._engine.call(
            f"make the volume {volume}",
            lambda client: client.create_volume(
                volume, labels={names.SERVER: spec.id, names.SITE: spec.site}
            ),
        )
        made = await self._engine.call(
            f"make the container of {spec.id}",
            lambda client: client.create_container(**arguments(client, wanted, licence_mark(spec))),
            within_s=_CREATE_S,
        )
        container = str(made["Id"])
        control = wanted.legs.control
        if control is not None:
            await self._engine.call(
                f"join {spec.id} to the management network",
                lambda client: client.connect_container_to_network(container, control.name),
            )
        cdn = wanted.cdn
        if cdn is not None:
            # An edge asks for its origin by this name: addresses change when containers do.
            await self._engine.call(
                f"join {spec.id} to the servers of its site",
                lambda client: client.connect_container_to_network(
                    container, cdn, aliases=[names.node(spec.id)]
                ),
            )
        await self._configure(container, wanted, contents)
        return container

    async def take_over(self, draft: str, spec: ServerSpec, old: Sequence[Seen]) -> None:
        """End the old containers and give the draft its name."""
        for seen in old:
            await self.retire(seen, keeps=licence_mark(spec))
        await self._engine.call(
            f"name the container of {spec.id}",
            lambda client: client.rename(draft, names.container(spec.id)),
        )

    async def discard(self, drafts: Sequence[Seen]) -> None:
        """Remove what a crash has left incomplete."""
        for seen in drafts:
            await self._remove(seen)

    async def retire(self, seen: Seen, *, keeps: str | None) -> bool:
        """Stop and remove a container; its volume stays.

        A licence is given back first unless the next container ``keeps`` it; tells whether it is.
        """
        held = seen.labels.get(names.KIND) == Kind.WCS and not seen.draft
        mine = seen.labels.get(names.LICENCE, "")
        free = True
        if held and (keeps is None or keeps != mine):
            free = await licence.release(self._engine, seen)
        await self.stop(seen)
        await self._remove(seen)
        return free

    async def stop(self, seen: Seen) -> None:
        """Stop a container; one that does not run counts as stopped."""
        if seen.state not in ("running", "paused", "restarting"):
            return
        grace = grace_s(seen.labels.get(names.KIND, ""))
        self._log.info("a media server is ended", site=seen.site, server=seen.server)
        await self._engine.attempt(
            f"stop the container of {seen.server}",
            lambda client: client.stop(seen.id, timeout=grace),
            within_s=grace + _MARGIN_S,
        )

    async def start(self, seen: Seen) -> None:
        """Start a container that does not run."""
        if seen.state == "paused":
            await self._engine.call(
                f"let the container of {seen.server} go on",
                lambda client: client.unpause(seen.id),
            )
        elif not seen.running:
            await self._engine.call(
                f"start the container of {seen.server}",
                lambda client: client.start(seen.id),
                within_s=_CREATE_S,
            )
            self._log.info("a media server is started", site=seen.site, server=seen.server)

    async def remove_volume(self, server_id: str) -> None:
        """Remove a server's volume if it is ours; one that is not there counts as removed."""
        volume = names.volume(server_id)
        there = await self._engine.attempt(
            f"inspect the volume {volume}", lambda client: client.inspect_volume(volume)
        )
        if there is not None and names.server_of(there["Labels"]) == server_id:
            await self._engine.attempt(
                f"remove the volume {volume}", lambda client: client.remove_volume(volume)
            )

    async def _remove(self, seen: Seen) -> None:
        await self._engine.attempt(
            f"remove the container of {seen.server}",
            lambda client: client.remove_container(seen.id, force=True, v=True),
            within_s=_CREATE_S,
        )
        self._listing.forget(seen.id)

    async def _configure(self, container: str, wanted: Wanted, contents: Contents) -> None:
        embedded = wanted.image.kind is Kind.EMBEDDED
        uid, gid = wanted.image.user
        entries: dict[str, Entry] = {}
        for name, text in contents.files.items():
            short = name.removeprefix(_FOLDER)
            entry = Entry(text, uid, gid)
            entries[short] = entry if embedded else await self._merged(container, short, text)
        for name, text in contents.secrets.items() if embedded else ():
            entries[name.removeprefix(_FOLDER)] = Entry(text, uid, gid)
        data = archive.pack(entries)
        await self._engine.call(
            f"write the settings of {wanted.spec.id}",
            lambda client: client.put_archive(container, CONF, data),
        )

    async def _merged(self, container: str, name: str, text: str) -> Entry:
        def read(client: Any) -> Entry | None:
            chunks, _ = client.get_archive(container, f"{CONF}/{name}")
            return archive.unpack(chunks)

        theirs = await self._engine.attempt(f"read {name} of the image", read)
        if theirs is None:
            return Entry(text, mode=0o644)
        merge = (
            archive.merge_properties if name == "flashphoner.properties" else archive.merge_options
        )
        return Entry(merge(theirs.text, text), theirs.uid, theirs.gid, theirs.mode)


def _refuse_foreign(what: str, name: str, server_id: str, labels: Mapping[str, str] | None) -> None:
    if names.server_of(labels) != server_id:
        raise GatewayError(
            ErrorKind.CONFLICT,
            f"a {what} called {name} is there that the gateway has not made",
            f"look what it is, then: docker {'' if what == 'container' else 'volume '}rm {name}",
        )
