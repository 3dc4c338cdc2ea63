"""The tree of commands: lazy, documented, with global options everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
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


def _run_alone(args: list[str]) -> tuple[int, str, set[str]]:
    """Run a command in a process of its own; return its code, output and what it imported."""
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
    return code, printed, set(modules)


@pytest.mark.parametrize("args", [["--help"], ["process", "--help"]])
def test_help_imports_nothing_that_is_slow(args: list[str]) -> None:
    code, printed, modules = _run_alone(args)
    assert code == 0
    assert printed
    # A command's own help is found only after typer has read the root's options with pydantic.
    allowed = {"pydantic"} if args[0] == "process" else set()
    assert set(SLOW) & modules <= allowed
    commands = {f"smsnotify.cli.{row.module}" for row in COMMANDS.values()}
    asked_for = {"smsnotify.cli.process"} if args[0] == "process" else set()
    assert commands & modules == asked_for


def test_a_dry_run_where_nothing_is_stored_loads_no_database(tmp_path: Path) -> None:
    settings, rules, events = (tmp_path / name for name in ("desk.toml", "rules.yaml", "e.jsonl"))
    settings.write_text('database = "sqlite:///none.db"\nrules = ["rules.yaml"]\ncountry = "SG"\n')
    settings.chmod(0o600)
    rules.write_text(
        "version: 1\nrules:\n  - name: done\n    events: [completed]\n"
        '    to: {fields: [phone_number]}\n    body: "{{ do_number }}"\n'
    )
    events.write_text('{"event":"completed","job":{"do_number":"D-1","phone_number":"91230000"}}\n')
    code, printed, modules = _run_alone(
        ["--config", str(settings), "--json", "process", "--dry-run", str(events)]
    )
    assert (code, json.loads(printed.splitlines()[-1])["queued"]) == (0, 1)
    assert {"sqlalchemy", "alembic", "jinja2", "httpx", "aiohttp", "babel"} & modules == set()


@pytest.mark.parametrize("with_settings", [False, True])
def test_checking_plain_rules_loads_only_what_plain_rules_need(
    tmp_path: Path, *, with_settings: bool
) -> None:
    settings, rules = tmp_path / "desk.toml", tmp_path / "rules.yaml"
    settings.write_text('rules = ["rules.yaml"]\ncountry = "SG"\n')
    settings.chmod(0o600)
    rules.write_text(
        "version: 1\nrules:\n  - name: done\n    events: [completed]\n"
        "    where: {items_count: {gte: 2}}\n"
        '    to: {fields: [phone_number]}\n    body: "{{ do_number }}"\n'
    )
    named = ["--config", str(settings), "rules", "validate"]
    code, printed, modules = _run_alone(
        named if with_settings else ["rules", "validate", str(rules)]
    )
    assert (code, printed) == (0, "")
    for_others = {
        *("sqlalchemy", "jinja2", "httpx", "aiohttp", "babel", "phonenumbers", "markdown_it"),
        "smsnotify.plans.schema",
        "smsnotify.plans.words",
        "smsnotify.rules.explain",
        "smsnotify.rules.patterns",
        "smsnotify.text.markdown",
        "smsnotify.text.phone",
        "smsnotify.text.template_jinja",
    }
    assert for_others & modules == set()
    assert ("smsnotify.wiring.models" in modules) is with_settings


def test_the_end_of_a_command_looks_for_no_garbage() -> None:
    program = (
        "import gc, sys\n"
        "sys.argv = ['sms-notify', '--version']\n"
        "from smsnotify.cli.main import main\n"
        "assert main() == 0\n"
        "assert gc.get_freeze_count() and not gc.get_objects()[10_000:]\n"
    )
    subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)


def test_of_a_group_only_the_command_that_is_called_is_made() -> None:
    assert list(load_command("rules", "validate").commands) == ["validate"]
    every = list(load_command("rules").commands)
    assert "validate" in every
    assert len(every) > 1
    for other in ("", "--json", "validat"):
        assert list(load_command("rules", other).commands) == every
    assert load_command("segments", "segments").name == "segments"


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
