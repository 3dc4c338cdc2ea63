"""`report`: in the terminal, as JSON, CSV and one HTML page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_calls import Cli

from smsnotify.cli.report import spark

RULES = (
    "rules:\n  - name: '<b>done</b>'\n    events: [completed]\n"
    '    to: {fields: [phone_number]}\n    body: "Order {{ do_number }} has arrived."\n'
)
EVENT = (
    '{"event": "completed", "job": {"do_number": "DO-1", "date": "2026-03-02", '
    '"phone_number": "+6591230000"}}\n'
)
AT = "2026-03-02T12:00:00+00:00"


@pytest.fixture
def desk(folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A desk that has sent one text, through an account with a price."""
    (folder / "rules.yaml").write_text(RULES)
    (folder / "events.jsonl").write_text(EVENT)
    (folder / "sms-notify.toml").write_text(
        'country = "SG"\n[prices]\ncurrency = "EUR"\nsandbox = {SG = 0.05}\n'
    )
    assert cli("process", "events.jsonl", "--as-of", AT).code == 0
    return cli


def test_the_terminal_shows_texts_and_money(desk: Cli) -> None:
    done = desk("report", "--since", "2026-03-01")
    assert done.code == 0
    assert "0.05 EUR, 0.050 a completed job" in done.out
    assert re.search(r"<b>done</b> +1 ", done.out)


def test_json_and_csv_have_the_same_counts(desk: Cli) -> None:
    (made,) = desk("report", "--since", "2026-03-01", "--json").json
    assert (made["type"], made["texts"], made["cost"]) == ("report", 1, "0.05")
    head, row = desk("report", "--since", "2026-03-01", "--csv").out.splitlines()
    told = dict(zip(head.split(","), row.split(","), strict=True))
    assert (told["day"], told["count"], told["state"]) == ("2026-03-02", "1", "delivered")


def test_the_page_is_escaped_and_asks_nobody_for_anything(desk: Cli, folder: Path) -> None:
    done = desk("report", "--since", "2026-03-01", "--html", "r.html")
    page = (folder / "r.html").read_text(encoding="utf-8")
    assert done.code == 0
    assert "<b>done</b>" not in page
    assert "&lt;b&gt;done&lt;/b&gt;" in page
    assert "<script" not in page
    assert page.count("<svg") == 1
    addresses = set(re.findall(r"https?://[^\"' <>]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--since", "soon"], "no point in time"),
        (["--since", "2020-01-01"], "at most 400 days"),
        (["--since", "2999-01-01"], "still to come"),
        (["--csv", "--html", "r.html"], "choose one"),
    ],
)
def test_what_makes_no_report(desk: Cli, options: list[str], words: str) -> None:
    done = desk("report", *options)
    assert done.code == 2
    assert words in done.err


def test_a_folder_that_cannot_be_written_is_said(desk: Cli) -> None:
    done = desk("report", "--html", "no/such/folder/r.html")
    assert done.code == 3
    assert "cannot write no/such/folder/r.html" in done.err


def test_nothing_yet_is_no_error_and_makes_no_database(folder: Path, cli: Cli) -> None:
    done = cli("report")
    assert (done.code, done.out) == (0, "")
    assert "nothing was ever queued" in done.err
    assert list(folder.glob("*.db")) == []


def test_a_line_of_bars_stays_short() -> None:
    assert spark((0, 1, 2, 7)) == "▁▂▃█"
    assert len(spark(tuple(range(400)))) <= 31
    assert spark(()) == ""
