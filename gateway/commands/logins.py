"""Users of cameras as a person names them: by reference, or typed at a prompt, never in arguments.

What stands on a command line is seen by everybody on the machine and stays in the shell's history.
"""

import os
from pathlib import Path
from typing import Final

import typer

from gateway.commands.words import Words
from gateway.kit.secret import Secret
from gateway.model.errors import ErrorKind
from gateway.model.site import Credential

HELP: Final = "User of the camera: env:NAME:user or file:PATH:user; or user: to be asked."
_LARGEST: Final = 4096


def read(text: str, words: Words) -> Credential:
    """Return the user that ``env:NAME:user``, ``file:PATH:user`` or ``user:`` means.

    Raises BAD_REQUEST; a password that was written by mistake is not repeated.
    """
    kind, _, rest = text.partition(":")
    if text.endswith(":") and text.count(":") == 1:
        question = words.say("password_of", user=kind)
        asked = typer.prompt(question, hide_input=True, default="", show_default=False)
        return Credential(kind, Secret(asked), "prompt")
    place, _, username = rest.rpartition(":")
    if kind not in {"env", "file"} or not place or not username:
        raise words.error(ErrorKind.BAD_REQUEST, "bad_reference")
    return Credential(username, Secret(_value(kind, place, words)), f"{kind}:{place}")


def _value(kind: str, place: str, words: Words) -> str:
    if kind == "env":
        value = os.environ.get(place)
        if value is None:
            raise words.error(ErrorKind.BAD_REQUEST, "no_variable")
        return value
    try:
        with Path(place).open(encoding="utf-8") as file:
            return file.read(_LARGEST).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise words.error(ErrorKind.BAD_REQUEST, "no_secret") from error
