"""What strangers wrote is shown, never obeyed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from smsnotify.base.printable import one_line, printable
from smsnotify.cli import show
from smsnotify.cli.main import run

NASTY = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\x7f"


@pytest.fixture(params=["terminal", "pipe"])
def seen(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[], str]:
    if request.param == "pipe":
        return lambda: capsys.readouterr().out
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=200, color_system=None)
    monkeypatch.setattr(show, "out", lambda: console)
    return written.getvalue


def obeyed(text: str) -> set[str]:
    return {sign for sign in NASTY if not sign.isprintable()} & set(text)


def test_everything_that_is_shown_is_only_shown(seen: Callable[[], str]) -> None:
    show.say(NASTY)
    show.table(("a", "b"), [(NASTY, "x\r\ny")], title="T")
    show.pairs([("name", NASTY)])
    show.bubble(f"Hi {NASTY}\r\nyou", recipient=NASTY, footer=NASTY)
    show.tree(NASTY, [show.Branch(NASTY, "", (show.Branch(NASTY),))])
    told = seen()
    assert not obeyed(told)
    assert "\\x1b]0;owned\\x07" in told
    assert "\\u202e" in told


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("Hi\tÅsa 👩‍👩‍👧 مرحبا \u200f שלום", "two\nlines"):
        assert printable(text) == text
    assert one_line("a\nb") == "a ⏎ b"


def test_a_file_with_markup_in_its_name_has_a_progress_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(show, "err", lambda: console)
    with show.progress("[/x][red]events.jsonl") as bar:
        bar.update(1)
    assert "[/x][red]events.jsonl" in written.getvalue()


def test_no_command_prints_what_a_job_says_as_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(
        "version: 1\nrules:\n  - name: d\n    events: [completed]\n"
        '    to: {fields: [phone_number]}\n    body: "{{ do_number }} {{ address }}"\n',
        encoding="utf-8",
    )
    job = {"do_number": f"D1\nsend  {NASTY}", "phone_number": f"1{NASTY}", "address": NASTY}
    good = job | {"phone_number": "+6591230000"}
    lines = [json.dumps({"event": "completed", "job": one}) for one in (job, good)]
    (tmp_path / "e.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for command in (
        ["-v", "process", "e.jsonl"],
        ["preview", "e.jsonl"],
        ["why", "+6591230000"],
        ["why", job["do_number"]],
        ["outbox", "list"],
        ["why", f"nobody{NASTY}"],
        ["preview", f"no{NASTY}.jsonl"],
        ["rules", "explain", "e.jsonl"],
    ):
        run(command)
        told = capsys.readouterr()
        assert not obeyed(told.out + told.err), command
        assert not [line for line in told.out.splitlines() if line.startswith("send  \\x1b")]
