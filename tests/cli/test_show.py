"""What is drawn on a terminal, and what a pipe gets."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from smsnotify.cli import show
from smsnotify.cli.logs import start_logging
from smsnotify.model.problem import Problem


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 60 columns without colours."""
    seen = io.StringIO()
    console = Console(file=seen, force_terminal=True, width=60, color_system=None, highlight=False)
    monkeypatch.setattr(show, "out", lambda: console)
    monkeypatch.setattr(show, "err", lambda: console)
    return seen


def test_a_pipe_gets_whole_cells_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("a", "long"), [("x" * 200, 1), ("two\nlines", None)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "x" * 200 + "  1"
    assert lines[2].startswith("two ⏎ lines")


def test_a_terminal_gets_a_table_and_no_markup_of_the_users(terminal: io.StringIO) -> None:
    show.table(("a",), [("[red]x[/red]",)], title="T")
    show.pairs([("name", "[bold]")])
    show.bubble("[i]Hi[/i]", recipient="+65", footer="1 segment")
    show.tree("t", [show.Branch("b", "green", (show.Branch("[c]"),))])
    seen = terminal.getvalue()
    for text in ("[red]x[/red]", "[bold]", "[i]Hi[/i]", "[c]", "╭"):
        assert text in seen


def test_a_bubble_is_plain_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    show.bubble("Hi\nyou", recipient="+65", footer="1 segment")
    assert capsys.readouterr().out == "+65\n  | Hi\n  | you\n  1 segment\n\n"


def test_json_stays_on_one_line_whoever_cuts_it() -> None:
    line = show.json_line({"text": "a\u2028b\u2029c\x85d\ne", "half": "x"})
    assert len(line.splitlines()) == 1
    assert json.loads(line)["text"] == "a\u2028b\u2029c\x85d\ne"
    assert json.loads(show.json_line({"x": "\ud83d"})) == {"x": "\ud83d"}


def test_a_problem_keeps_its_outside_shape() -> None:
    told = show.problem_json(Problem(file="f", line=1, column=2, code="c", message="m"))
    assert told == {
        "type": "problem",
        "severity": "error",
        "file": "f",
        "line": 1,
        "column": 2,
        "code": "c",
        "message": "m",
        "hint": "",
    }


def test_progress_is_drawn_on_a_terminal_only(
    terminal: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with show.progress("events") as bar:
        bar.update(1000, texts=3)
    assert "events" in terminal.getvalue()
    with show.progress("events", quiet=True) as bar:
        bar.update(5)
    assert capsys.readouterr() == ("", "")


def test_the_log_is_masked_and_obeys_q_and_v(capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    log = logging.getLogger("smsnotify.test")
    start_logging(quiet=False, verbosity=0)
    log.info("not shown")
    log.warning("to +6591230000 with password=hunter2")
    told = capsys.readouterr().err
    assert told == "WARNING to +65••••••00 with password=***\n"
    start_logging(quiet=True, verbosity=0)
    log.warning("not shown")
    assert capsys.readouterr().err == ""
    start_logging(quiet=False, verbosity=2)
    log.debug("shown once")
    assert capsys.readouterr().err.count("shown once") == 1
