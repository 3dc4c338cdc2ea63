"""Every command, under conditions that nobody planned for: a sentence and a code, no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from place import Place, event

from smsnotify.cli.app import COMMANDS, load_command

COMMAND_LINES: tuple[tuple[str, ...], ...] = (
    ("process", "events.jsonl"),
    ("pull", "detrack"),
    ("prejob", "run"),
    ("prejob", "run", "--jobs", "events.jsonl", "--dry-run"),
    ("prejob", "list"),
    ("tick",),
    ("deliver",),
    ("send-test", "Hi", "--to", "+6591230000"),
    ("send-test", "--rule", "delivered", "--to", "+6591230000"),
    ("pause", "--account", "sandbox"),
    ("resume",),
    ("preview",),
    ("preview", "--request", "events.jsonl"),
    ("why", "DO-1"),
    ("segments", "Hi"),
    ("outbox", "list"),
    ("outbox", "show", "01"),
    ("outbox", "retry", "--all"),
    ("outbox", "cancel", "--all"),
    ("outbox", "stats"),
    ("outbox", "reconcile"),
    ("rules", "validate"),
    ("rules", "list"),
    ("rules", "schema"),
    ("rules", "add"),
    ("rules", "explain", "events.jsonl"),
    ("rules", "lint"),
    ("rules", "test"),
    ("rules", "diff", "rules.yaml", "rules.yaml", "--events", "events.jsonl"),
    ("report",),
    ("report", "--html", "report.html"),
    ("inbound", "events.jsonl"),
    ("replies", "list"),
    ("replies", "show", "01"),
    ("replies", "answer", "01", "Hi"),
    ("replies", "opt-out", "01"),
    ("replies", "dismiss", "01"),
    ("plans", "list"),
    ("plans", "validate"),
    ("plans", "show", "quote"),
    ("plans", "test"),
    ("plans", "simulate", "quote"),
    ("plans", "status"),
    ("plans", "enrol", "quote", "+6591230000"),
    ("plans", "stop", "quote", "+6591230000", "--yes"),
    ("plans", "move", "quote", "+6591230000", "offer"),
    ("track", "page_view", "--contact", "+6591230000"),
    ("contacts", "opt-out", "+6591230000"),
    ("contacts", "opt-in", "+6591230000"),
    ("contacts", "import", "events.jsonl"),
    ("contacts", "list"),
    ("contacts", "export"),
    ("contacts", "show", "+6591230000"),
    ("contacts", "set", "+6591230000", "tier=gold"),
    ("contacts", "forget", "+6591230000", "--yes"),
    ("silences", "add", "--group", "North", "--for", "3h", "--reason", "flood"),
    ("silences", "list"),
    ("silences", "expire", "01"),
    ("keys", "list"),
    ("users", "add", "mei.tan", "--password-stdin"),
    ("users", "list"),
    ("users", "role", "mei.tan", "viewer"),
    ("users", "disable", "mei.tan"),
    ("users", "enable", "mei.tan"),
    ("users", "passwd", "mei.tan", "--password-stdin"),
    ("users", "remove", "mei.tan"),
    ("users", "audit"),
    ("config", "show"),
    ("config", "check"),
    ("config", "set", "country", "MY"),
    ("providers", "list"),
    ("providers", "check"),
    ("providers", "balance"),
    ("providers", "prices"),
    ("db", "upgrade"),
    ("db", "check"),
    ("db", "backup", "copy.db"),
    ("db", "prune"),
    ("doctor",),
    ("init", "--yes"),
)


def _no_settings(place: Place) -> None:
    (place / "sms-notify.toml").unlink()


def _broken_settings(place: Place) -> None:
    (place / "sms-notify.toml").write_text("mode = ", encoding="utf-8")


def _binary_settings(place: Place) -> None:
    (place / "sms-notify.toml").write_bytes(b"\xff\x00")


def _broken_rules(place: Place) -> None:
    place.rules("rules: [")


def _database_is_a_folder(place: Place) -> None:
    (place / "sms-notify.db").unlink()
    (place / "sms-notify.db").mkdir()


def _database_is_garbage(place: Place) -> None:
    (place / "sms-notify.db").write_bytes(b"garbage" * 1000)


CONDITIONS: tuple[Callable[[Place], None], ...] = (
    _no_settings,
    _broken_settings,
    _binary_settings,
    _broken_rules,
    _database_is_a_folder,
    _database_is_garbage,
)


def test_no_command_is_left_out() -> None:
    # `serve` and `sandbox` do not end by themselves: they have tests of their own. `demo` minds
    # nothing around it.
    for name in COMMANDS:
        command = load_command(name)
        leaves = {(name, sub) for sub in getattr(command, "commands", {})} or {(name,)}
        tried = {line[: len(next(iter(leaves)))] for line in COMMAND_LINES}
        if name not in ("serve", "sandbox", "demo", "keys", "pull"):
            assert leaves <= tried, leaves - tried


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda made: made.__name__.strip("_"))
def test_every_command_ends_in_order(place: Place, condition: Callable[[Place], None]) -> None:
    place.events(event())
    condition(place)
    for line in COMMAND_LINES:
        done = place.run(*line)  # it looks for tracebacks
        assert done.code in (0, 1, 2, 3), line
        if done.code in (2, 3):
            assert done.err or done.out, line


@pytest.mark.parametrize("odd", ["settings", "rules", "empty database", "zone"])
def test_some_commands_in_yet_odder_places(place: Place, odd: str) -> None:
    place.events(event())
    name = {"settings": "sms-notify.toml", "rules": "rules.yaml"}.get(odd, "sms-notify.db")
    (place / name).unlink()
    if odd == "zone":
        place.settings(timezone="Mars/Olympus")
    elif odd == "empty database":
        (place / name).touch()
    else:
        (place / name).mkdir()
    for line in COMMAND_LINES[:10]:
        code = place.run(*line).code
        assert code in ((0, 1, 2) if odd == "empty database" else (0, 2)), line


def test_without_standard_input(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from smsnotify.cli.main import run

    for line in (("process",), ("process", "-"), ("preview", "-"), ("segments", "-"), ("preview",)):
        monkeypatch.setattr(sys, "stdin", None)
        assert run(line) == (0 if line == ("preview",) else 2), line


def test_in_a_folder_that_is_gone(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from smsnotify.cli.main import run

    gone = place / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for line in (("process", "-"), ("preview",), ("tick",), ("config", "show"), ("why", "DO-1")):
        assert run(line) in (2, 3), line
        told = capsys.readouterr().err
        assert "Traceback" not in told
        assert "should not have happened" not in told, (line, told)


def test_with_an_environment_that_says_nothing(place: Place) -> None:
    place.events(event())
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), "LC_ALL": "C"}
    with place.child("process", "events.jsonl", env=env) as child:
        out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, b"")
    assert b"sent        1" in out
