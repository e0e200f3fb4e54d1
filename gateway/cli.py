"""The command line: thin, so that everything it does can be done without it."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.commands import add, backup, doctor, healthy, notify, password, upgrade
from gateway.kit import logs
from gateway.kit.clock import SystemClock
from gateway.model.company import Fleet
from gateway.model.errors import ErrorKind, GatewayError

_CHANGES_PENDING: Final = 2
_DAY_S: Final = 86_400.0
_LAST_PORT: Final = 65_535
_INTERRUPTED: Final = 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="One building, one media server, video in any browser.",
)

Directory = Annotated[
    Path, typer.Argument(help="Folder with gateway.yaml and one file per building.")
]


@app.command()
def serve(
    directory: Directory = Path("sites"),
    *,
    json_logs: Annotated[
        bool, typer.Option("--json", help="Write the log as JSON lines, for machines.")
    ] = False,
) -> None:
    """Run the gateway: media servers, the page and the API."""
    from gateway import service

    logs.set_up(json=json_logs)
    if not directory.is_dir():
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            f"There is no folder {directory}.",
            "name the folder with your sites' files, or begin with: gateway demo",
        )
    options = service.Options(directory=directory)
    asyncio.run(service.run(service.Service(options)))


@app.command()
def check(directory: Directory = Path("sites")) -> None:
    """Name every mistake of the files; exit 1 if there is one."""
    fleet = _load(directory)
    for problem in fleet.problems:
        typer.echo(str(problem))
    if fleet.errors or not fleet.settled:
        raise typer.Exit(1)
    cameras = sum(len(site.cameras) for site in fleet.sites.values())
    verdict = "nothing is wrong but the warnings above" if fleet.problems else "nothing is wrong"
    counted = f"{_count(len(fleet.sites), 'site')} with {_count(cameras, 'camera')}"
    typer.echo(f"{directory}: {counted}, {verdict}")


@app.command()
def plan(
    directory: Directory = Path("sites"),
    *,
    site: Annotated[str, typer.Option(help="Only this building.")] = "",
) -> None:
    """Say what would be done and why; exit 2 if there is anything, 1 if a file is broken."""
    from gateway import previewing

    fleet = _load(directory)
    read = ("gateway.yaml", f"{site}.yaml")
    broken = [one for one in fleet.errors if not site or one.file in read]
    for problem in broken:
        typer.echo(str(problem), err=True)
    if site in fleet.unreadable:
        raise typer.Exit(1)
    if site and site not in fleet.sites:
        raise _no_site(site, fleet)
    plans, untold = asyncio.run(previewing.plans(fleet, site or None))
    for one in plans:
        for step in one.steps:
            typer.echo(f"{one.site}: {step}")
    for site_id, error in untold.items():
        typer.echo(f"{site_id}: cannot be told, {error}", err=True)
    if broken or (untold and not any(plans)):
        raise typer.Exit(1)
    if any(plans):
        raise typer.Exit(_CHANGES_PENDING)
    typer.echo("nothing to do: everything is as the files say")


@app.command()
def status(
    directory: Directory = Path("sites"),
    *,
    url: Annotated[str, typer.Option(help="Address of the running gateway.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask the running gateway how every camera is."""
    from gateway import ask

    fleet = _load(directory)
    settings = fleet.settings
    scheme = "http" if settings.tls is None else "https"
    host, port = settings.staff_listen or (settings.listen_host, settings.listen_port)
    where = url or f"{scheme}://{ask.reachable(host)}:{port}"
    sites = asyncio.run(ask.sites(where, settings.staff_token, None if url else settings.tls))
    if as_json:
        typer.echo(json.dumps({"sites": sites}, ensure_ascii=False, indent=2))
    else:
        typer.echo(ask.as_text(sites))


@app.command()
def ticket(
    site: Annotated[str, typer.Argument(help="The building that may be watched.")],
    directory: Annotated[
        Path, typer.Option(help="Folder with gateway.yaml and one file per building.")
    ] = Path("sites"),
    *,
    camera: Annotated[list[str] | None, typer.Option(help="Only these cameras.")] = None,
    valid: Annotated[float, typer.Option(help="Seconds for which it opens a camera.")] = _DAY_S,
) -> None:
    """Print a ticket that lets somebody watch a building."""
    from gateway.api import tickets

    fleet = _load(directory)
    if site not in fleet.sites:
        raise _no_site(site, fleet)
    secret = fleet.settings.ticket_secret
    if secret is None:
        raise GatewayError(
            ErrorKind.CONFIG_INVALID,
            "gateway.yaml names no ticket secret.",
            "write tickets: {secret: {env: TICKET_SECRET}}",
        )
    now = SystemClock().now()
    made = tickets.mint(
        secret,
        sites=[site],
        cameras=camera,
        valid_s=valid,
        now=now,
        rules=fleet.settings.ticket_rules,
    )
    typer.echo(made)


@app.command()
def schema(
    kind: Annotated[str, typer.Argument(help="site or gateway.")],
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    from gateway.config.schema import json_schema_text

    if kind == "site":
        typer.echo(json_schema_text("site"), nl=False)
    elif kind == "gateway":
        typer.echo(json_schema_text("gateway"), nl=False)
    else:
        raise GatewayError(
            ErrorKind.BAD_REQUEST, f"There is no kind of file {kind}.", "write site or gateway"
        )


@app.command()
def demo() -> None:
    """Show a pretend building: four cameras and the page.

    LISTEN=host:port in the environment sets another address than 127.0.0.1:8080.
    """
    from gateway import demonstration

    logs.set_up()
    asyncio.run(demonstration.run(_listen_of(os.environ), typer.echo))


@app.command("demo-cameras")
def demo_cameras(
    cameras: Annotated[int, typer.Option(min=1, max=64, help="How many.")] = 4,
    host: Annotated[str, typer.Option(help="Address that they listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="RTSP port of the first one; 0: any.")] = 0,
    *,
    username: Annotated[str, typer.Option(help="User that they ask for.")] = "",
    password_env: Annotated[
        str, typer.Option(help="Environment variable that holds the user's password.")
    ] = "CAMERA_PASSWORD",  # noqa: S107  # a variable's name, not a password
) -> None:
    """Run pretend cameras only, over ONVIF and RTSP."""
    # Not the whole gateway: cameras alone then begin several times sooner.
    from gateway.demo import run

    logs.set_up()
    credential = run.credential_of(username, password_env) if username else None
    asyncio.run(
        run.cameras_only(cameras, host=host, port=port, credential=credential, out=typer.echo)
    )


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(metadata.version("camera-gateway"))


add.to(app)
app.command()(backup.backup)
app.command()(doctor.doctor)
app.command()(healthy.healthy)
app.command()(notify.notify)
app.command()(password.password)
app.command()(upgrade.upgrade_config)


def main() -> None:
    """Run a command; a failure is two lines for a person, never a traceback."""
    try:
        app()
    except GatewayError as error:
        typer.echo(f"gateway: {error.message}", err=True)
        if error.hint:
            typer.echo(f"  hint: {error.hint}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _load(directory: Path) -> Fleet:
    from gateway.config.load import load

    return load(directory)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _no_site(site: str, fleet: Fleet) -> GatewayError:
    known = ", ".join(fleet.sites) or "none"
    return GatewayError(ErrorKind.NOT_FOUND, f"There is no site {site}.", f"there are: {known}")


def _listen_of(environment: Mapping[str, str]) -> tuple[str, int]:
    text = environment.get("LISTEN", "127.0.0.1:8080")
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LAST_PORT:
        raise GatewayError(
            ErrorKind.BAD_REQUEST, f"LISTEN={text} is no address.", "write LISTEN=127.0.0.1:8080"
        )
    return host.strip("[]"), int(port)
