"""The files of a media server on a Swarm: settings as configs, passwords as secrets. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.model.server import ServerSpec
from gateway.runtime.docker import family
from gateway.runtime.docker.container import HOME
from gateway.runtime.docker.family import Family
from gateway.runtime.docker.images import Image, Kind
from gateway.runtime.docker.maker import TOKEN_FILE, Configure
from gateway.runtime.docker.secrets import Passwords
from gateway.runtime.swarm import start
from gateway.runtime.swarm.networks import Legs
from gateway.runtime.swarm.objects import Wish

_FOLDER: Final = "conf/"


def wishes(
    configure: Configure,
    spec: ServerSpec,
    image: Image,
    legs: Legs,
    *,
    media: tuple[int, int],
    passwords: Passwords,
) -> Sequence[Wish]:
    """Return the files of a server of ``image``; ``media`` are its first and last media port."""
    kin = _family(spec, legs, passwords)
    settings = configure(
        spec,
        media_ports=media,
        offset=0,
        bind=None,
        announced=spec.external_address,
        control=legs.control.subnet,
        token_file=TOKEN_FILE,
        **family.settings(spec, kin),
    )
    common = [
        Wish("start", start.SCRIPT, start.TEXT, mode=0o555),
        _secret("PASSWORD", passwords.make(spec.id, "rest").reveal()),
    ]
    if image.kind is Kind.WCS:
        if spec.license:
            common.append(_secret("LICENSE", spec.license.reveal()))
        # WCS may write its own settings, so ours are merged into them at each start.
        place = {name: f"{start.PLACE}/{_short(name)}" for name in settings}
        return [*common, *_mounted(settings, place, secret=False, owner=(0, 0))]
    token = passwords.make(spec.id, "signalling").reveal()
    secrets = {TOKEN_FILE: f"{token}\n", **family.secret_files(spec, kin)}
    place = {name: f"{HOME}/{name}" for name in (*settings, *secrets)}
    return [
        *common,
        *_mounted(settings, place, secret=False, owner=image.user),
        *_mounted(secrets, place, secret=True, owner=image.user),
    ]


def _secret(name: str, value: str) -> Wish:
    return Wish(name.lower(), f"{start.SECRETS}/{name}", value, secret=True)


def _family(spec: ServerSpec, legs: Legs, passwords: Passwords) -> Family | None:
    if legs.cdn is None:
        return None
    return Family(subnet=legs.cdn.subnet, login=passwords.make(spec.origin or spec.id, "cdn"))


def _mounted(
    files: Mapping[str, str], place: Mapping[str, str], *, secret: bool, owner: tuple[int, int]
) -> list[Wish]:
    return [
        Wish(_short(name).replace(".", "-"), place[name], text, secret=secret, owner=owner)
        for name, text in files.items()
    ]


def _short(name: str) -> str:
    return name.removeprefix(_FOLDER)
