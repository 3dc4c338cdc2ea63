"""`config`: show, change and check the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from smsnotify.base.errors import ConfigError
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, group
from smsnotify.model.problem import Problem

WRONG = 2

app = group("Show, change and check the settings.", "sms-notify config check")


@app.command(epilog=example("sms-notify config show", "sms-notify config show --json"))
def show(ctx: typer.Context) -> None:
    """Show the settings that count here, without secrets."""
    from smsnotify.cli import show as screen
    from smsnotify.wiring.shown import shown

    desk = desk_of(ctx)
    settings = desk.settings
    told = shown(settings)
    if desk.json:
        screen.emit_json(
            {"type": "config", "file": str(settings.file) if settings.file else None, **told}
        )
        return
    from smsnotify.wiring.write import settings_text

    source = settings.file or "no settings file: these are the built-in ones"
    screen.say(f"# {source}", "dim")
    screen.say(settings_text(told).rstrip("\n"))


@app.command(
    "set",
    epilog=example(
        "sms-notify config set mode test",
        'sms-notify config set accounts.main.api_key "{ file = \\"8x8.key\\" }"',
    ),
)
def set_(
    ctx: typer.Context,
    key: Annotated[
        str,
        typer.Argument(metavar="KEY", help="The setting, with dots: accounts.main.sender"),
    ],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Text, or a value as in TOML.")],
) -> None:
    """Change one setting and keep comments and order.

    Nothing is written unless the whole file is right afterwards.
    """
    from smsnotify.cli import show as screen
    from smsnotify.wiring.write import set_value

    desk = desk_of(ctx)
    file = _file(desk)
    doubts = [problem for problem in set_value(file, key, value) if problem.code != "no_country"]
    if desk.json:
        screen.emit_json({"type": "config_set", "file": str(file), "key": key})
    else:
        screen.say(f"{key} is set in {file}")
    for doubt in doubts:
        desk.note(f"warning: {doubt}")


@app.command(epilog=example("sms-notify config check", "sms-notify config check --json"))
def check(ctx: typer.Context) -> None:
    """Check the settings and try to read every secret.

    Ends with 2 when something is wrong; warnings alone end with 0.
    """
    from smsnotify.cli import show as screen

    desk = desk_of(ctx)
    file, found = check_everything(desk)
    if desk.json:
        for problem in found:
            screen.emit_json(screen.problem_json(problem))
    else:
        screen.problems(found)
    wrong = sum(problem.severity == "error" for problem in found)
    desk.note(_verdict(file, wrong, len(found) - wrong))
    if wrong:
        raise typer.Exit(WRONG)


def check_everything(desk: Desk) -> tuple[Path | None, list[Problem]]:
    """Return the settings file and all its problems, unreadable secrets among them."""
    from smsnotify.wiring.crosscheck import check_secrets
    from smsnotify.wiring.find import find_settings
    from smsnotify.wiring.positions import positions
    from smsnotify.wiring.problems import Findings
    from smsnotify.wiring.settings import check_settings

    file = find_settings(desk.config)
    settings, found = check_settings(desk.config)
    if file is None or settings is None:
        return file, found
    findings = Findings(file, positions(file.read_text(encoding="utf-8-sig")))
    check_secrets(settings, findings)
    return file, [*found, *findings.problems]


def _verdict(file: Any, wrong: int, doubtful: int) -> str:
    where = file or "no settings file, the built-in settings"
    if wrong:
        return f"{where}: {_count(wrong, 'error')}, {_count(doubtful, 'warning')}"
    return f"{where}: in order" + (f", {_count(doubtful, 'warning')}" if doubtful else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _file(desk: Desk) -> Path:
    from smsnotify.wiring.find import find_settings

    file = find_settings(desk.config)
    if file is None:
        raise ConfigError("there is no settings file to change", hint="sms-notify init writes one")
    return file
