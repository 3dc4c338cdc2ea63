"""What every command module is made with."""

from __future__ import annotations

import typer

from smsnotify.cli.desk import Desk


def single() -> typer.Typer:
    """Return the frame for a module with one command."""
    return typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
    )


def group(help_line: str, *examples: str) -> typer.Typer:
    """Return the frame for a module with several commands under one name."""
    frame = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        no_args_is_help=True,
        help=help_line,
        epilog=example(*examples),
    )
    frame.callback()(_nothing)
    return frame


def _nothing() -> None:
    """Make typer see a group even when it holds one command."""


def example(*commands: str) -> str:
    r"""Return an epilog that shows commands, one a line.

    Brackets are escaped: rich would read `[TEXT]` as a style.
    """
    title = "Example:" if len(commands) == 1 else "Examples:"
    lines = (f"  {command}".replace("[", "\\[") for command in commands)
    return "\n\n".join([f"[bold]{title}[/bold]", *lines])


def desk_of(ctx: typer.Context, *, brief: bool = False) -> Desk:
    """Return the desk that this run works at.

    `brief` is for commands that read some files, answer and end: they get no log and no garbage
    collection, which together cost more than their work.
    """
    root = ctx.find_root()
    desk = root.ensure_object(Desk)
    if not brief and desk.begin():
        root.call_on_close(desk.close)
    return desk
