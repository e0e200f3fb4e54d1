"""Registers the technician's commands with the command line."""

import typer

from gateway.commands import register, survey


def to(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    for command in (survey.discover, survey.probe, survey.survey, register.register):
        app.command()(command)
