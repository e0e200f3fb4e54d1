"""What is written into a container before it starts: its settings, and its secrets."""

from collections.abc import Iterable, Mapping

from gateway.kit.secret import Secret
from gateway.model.server import ServerSpec
from gateway.runtime.docker import family
from gateway.runtime.docker.container import Wanted
from gateway.runtime.docker.family import Family
from gateway.runtime.docker.maker import TOKEN_FILE, Configure, Contents


def contents(configure: Configure, wanted: Wanted, kin: Family | None, token: Secret) -> Contents:
    """Return the files of one container; ``token`` is what its signalling asks for."""
    files = configure(
        wanted.spec,
        media_ports=wanted.ports.media,
        offset=wanted.ports.offset,
        bind=wanted.bind,
        announced=wanted.announced,
        control=wanted.control,
        token_file=TOKEN_FILE,
        **family.settings(wanted.spec, kin),
    )
    secret = family.secret_files(wanted.spec, kin)
    return Contents(files, {TOKEN_FILE: f"{token.reveal()}\n", **secret})


def settings_of(
    spec: ServerSpec, configures: Iterable[Configure], media_ports: tuple[int, int]
) -> list[Mapping[str, str]]:
    """Return the settings that a spec leads to, wherever its server is placed."""
    return [
        dict(
            configure(
                spec,
                media_ports=media_ports,
                offset=0,
                bind=spec.address,
                announced=spec.external_address,
                control="",
                token_file=TOKEN_FILE,
                **family.settings(spec, None),
            )
        )
        for configure in configures
    ]
