"""``gateway password``: the hash of a password, for ``accounts:`` in ``gateway.yaml``."""

import getpass
import sys
from typing import Final

import typer

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError

_MOST_BYTES: Final = 4096


def password() -> None:
    """Ask for a password and print its hash, for accounts: in gateway.yaml.

    Reads the terminal without showing what is typed, or the first line of the standard input;
    never an argument, which everybody on the machine could see.
    """
    from gateway.api.passwords import make_hash

    typer.echo(make_hash(_typed() if sys.stdin.isatty() else _piped()))


def _typed() -> Secret:
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise GatewayError(
            ErrorKind.BAD_REQUEST, "The two passwords differ.", "try once more: gateway password"
        )
    return Secret(first)


def _piped() -> Secret:
    line = sys.stdin.buffer.readline(_MOST_BYTES)
    try:
        return Secret(line.decode().rstrip("\r\n"))
    except UnicodeDecodeError as error:
        raise GatewayError(
            ErrorKind.BAD_REQUEST, "The password is not UTF-8 text.", "write it in UTF-8"
        ) from error
