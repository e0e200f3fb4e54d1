"""Users of cameras as a person names them: by reference, or typed at a prompt, never in arguments.

What stands on a command line is seen by everybody on the machine and stays in the shell's history.
"""

import os
from pathlib import Path
from typing import Final

import typer

from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind, GatewayError
from gateway.model.site import Credential

HELP: Final = "User of the camera: env:NAME:user or file:PATH:user; or user: to be asked."
_LARGEST: Final = 4096


def read(text: str) -> Credential:
    """Return the user that ``env:NAME:user``, ``file:PATH:user`` or ``user:`` means.

    Raises BAD_REQUEST; a password that was written by mistake is not repeated.
    """
    kind, _, rest = text.partition(":")
    if text.endswith(":") and text.count(":") == 1:
        asked = typer.prompt(f"Password of {kind}", hide_input=True, default="", show_default=False)
        return Credential(kind, Secret(asked), "prompt")
    place, _, username = rest.rpartition(":")
    if kind not in {"env", "file"} or not place or not username:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            "A credential is a reference, never a password.",
            "write --credential env:CAMERAS:viewer, --credential file:/run/secrets/cameras:viewer, "
            "or --credential viewer: to be asked",
        )
    return Credential(username, Secret(_value(kind, place)), f"{kind}:{place}")


def _value(kind: str, place: str) -> str:
    if kind == "env":
        value = os.environ.get(place)
        if value is None:
            raise GatewayError(
                ErrorKind.BAD_REQUEST,
                "The environment variable of the credential is not set.",
                "export it first, or write the reference as env:NAME:user",
            )
        return value
    try:
        with Path(place).open(encoding="utf-8") as file:
            return file.read(_LARGEST).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            "The file of the credential cannot be read.",
            "see that it is there and that you may read it",
        ) from error
