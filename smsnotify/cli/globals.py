"""The options that every command takes, before and after its name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from smsnotify import __version__
from smsnotify.cli.desk import Desk

PANEL: Final = "Everywhere"


def _keep(name: str) -> Any:
    """Make a callback that notes an option on the desk when it was really given."""

    def note(ctx: typer.Context, value: Any) -> Any:
        desk = ctx.find_root().ensure_object(Desk)
        if value:
            desk.note_option(name, value)
        return value

    return note


def _tell_version(value: bool | None) -> None:
    if value:
        typer.echo(f"sms-notify {__version__}")
        raise typer.Exit


def _options(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="The settings file to use.",
            callback=_keep("config"),
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option(
            "--rules",
            metavar="FILE",
            help="Rules to use instead of the settings'; a folder too; may be repeated.",
            callback=_keep("rules"),
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="The database to use instead of the settings'.",
            callback=_keep("database"),
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object a line.",
            callback=_keep("json"),
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Only results and errors; a run that needs no look says nothing.",
            callback=_keep("quiet"),
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            help="Say more; twice says everything.",
            callback=_keep("verbose"),
            expose_value=False,
            show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = 0,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and end.",
            is_eager=True,
            callback=_tell_version,
            expose_value=False,
            rich_help_panel=PANEL,
        ),
    ] = False,
) -> None:
    """Carry the options' declarations; never called."""


@cache
def global_params() -> tuple[Any, ...]:
    """Return the options as typer made them, to be put on any command."""
    holder = typer.Typer(add_completion=False)
    holder.command()(_options)
    return tuple(typer.main.get_command(holder).params)


def add_globals(command: Any) -> None:
    """Put the global options on a command and on everything below it."""
    command.params.extend(global_params())
    if isinstance(command, TyperGroup):
        for child in command.commands.values():
            if child.callback is not None:  # a stand-in of the lazy tree is never parsed
                add_globals(child)
