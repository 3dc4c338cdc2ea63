"""The tree of commands: lazy, documented, with global options everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup

from smsnotify import __version__
from smsnotify.cli.app import COMMANDS, load_command
from smsnotify.cli.globals import global_params

SLOW = ("httpx", "aiohttp", "sqlalchemy", "alembic", "jinja2", "pydantic", "phonenumbers", "babel")


def _leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from _leaves(child, (*path, name))


EVERY = [found for name in COMMANDS for found in _leaves(load_command(name), (name,))]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_itself_says(name: str) -> None:
    assert load_command(name).help.strip().splitlines()[0] == COMMANDS[name].help


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_every_command_has_help_an_example_and_the_global_options(
    path: tuple[str, ...], command: Any
) -> None:
    assert command.help
    assert f"sms-notify {path[0]}" in command.epilog
    options = [option for param in command.params for option in param.opts]
    assert len(options) == len(set(options)), "an option is defined twice"
    assert {option for param in global_params() for option in param.opts} <= set(options)


@pytest.mark.parametrize("args", [["--help"], ["process", "--help"]])
def test_help_imports_nothing_that_is_slow(args: list[str]) -> None:
    program = (
        "import sys, json, io\n"
        "from smsnotify.cli.main import run\n"
        "out, sys.stdout = sys.stdout, io.StringIO()\n"
        f"code = run({args!r})\n"
        "out.write(json.dumps([code, sys.stdout.getvalue(), sorted(sys.modules)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=60
    )
    code, printed, modules = json.loads(done.stdout)
    assert code == 0
    assert printed
    # A command's own help is found only after typer has read the root's options with pydantic.
    allowed = {"pydantic"} if args[0] == "process" else set()
    assert set(SLOW) & set(modules) <= allowed
    commands = {f"smsnotify.cli.{row.module}" for row in COMMANDS.values()}
    asked_for = {"smsnotify.cli.process"} if args[0] == "process" else set()
    assert commands & set(modules) == asked_for


def test_the_root_lists_every_command(cli: Any) -> None:
    done = cli("--help")
    assert done.code == 0
    for name, row in COMMANDS.items():
        assert name in done.out
        assert row.help.split(",")[0].rstrip(".")[:40] in done.out


@pytest.mark.parametrize("args", [["--version"], ["segments", "--version"]])
def test_the_version_is_told_before_and_after_a_command(cli: Any, args: list[str]) -> None:
    assert cli(*args).out == f"sms-notify {__version__}\n"


@pytest.mark.parametrize(
    "args",
    [
        ["--config", "other.toml", "--json", "config", "show"],
        ["config", "--config", "other.toml", "--json", "show"],
        ["config", "show", "--config", "other.toml", "--json"],
        ["--config", "nothing.toml", "config", "show", "--config", "other.toml", "--json"],
    ],
)
def test_global_options_work_before_and_after_the_command(
    cli: Any, folder: Any, args: list[str]
) -> None:
    (folder / "other.toml").write_text('country = "MY"', encoding="utf-8")
    (shown,) = cli(*args).json
    assert shown["country"] == "MY"


def test_a_mistyped_command_gets_a_suggestion(cli: Any) -> None:
    done = cli("segmnts")
    assert done.code == 2
    assert "segments" in done.err


def test_shell_completion_knows_commands_without_importing_them(process: Any) -> None:
    done = process(
        env={
            "_SMS_NOTIFY_COMPLETE": "complete_bash",
            "COMP_WORDS": "sms-notify con",
            "COMP_CWORD": "1",
        }
    )
    assert done.out.split() == ["contacts", "config"]


def test_shell_completion_reaches_into_a_command(process: Any) -> None:
    done = process(
        env={
            "_SMS_NOTIFY_COMPLETE": "complete_bash",
            "COMP_WORDS": "sms-notify config s",
            "COMP_CWORD": "2",
        }
    )
    assert done.out.split() == ["show", "set"]
