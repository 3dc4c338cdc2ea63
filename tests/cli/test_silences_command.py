"""`silences`: made with a reason, seen, counted, ended; what bad input is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

RULES = """\
rules:
  - {name: delivered, events: [completed], to: {fields: [phone_number]}, body: "{{ do_number }}!"}
  - {name: failed, events: [failed], to: {fields: [phone_number]}, body: "no {{ do_number }}"}
"""
JOB = (
    '{"event": "%s", "job": {"do_number": "%s", "group_name": "%s", '
    '"phone_number": "+6591230000"}}\n'
)


@pytest.fixture(autouse=True)
def _rules(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    monkeypatch.setenv("USER", "kim")


def flood(cli: Any, *more: str) -> Any:
    return cli("--json", "silences", "add", "--for", "3h", "--reason", "flood", *more)


def decided(cli: Any, lines: str, *more: str) -> list[tuple[str, str, str]]:
    done = cli("--json", "process", "-", *more, stdin=lines)
    return [
        (one["job"], one["verdict"], one["reason"])
        for one in done.json
        if one["type"] == "decision"
    ]


def test_a_silenced_group_is_not_texted_and_the_others_are(cli: Any) -> None:
    (made,) = flood(cli, "--group", "acme").json
    assert (made["author"], made["state"], made["group"]) == ("kim", "running", "acme")
    lines = JOB % ("completed", "D1", "ACME") + JOB % ("completed", "D2", "Globex")
    expected = [("D1", "stop", "silenced"), ("D2", "send", "")]
    assert decided(cli, lines, "--dry-run") == expected
    assert decided(cli, lines) == expected
    (listed,) = cli("--json", "silences", "list").json
    assert (listed["id"], listed["stopped"]) == (made["id"], 1)
    told = cli("why", "D1").out
    assert made["id"] in told
    assert "flood" in told
    shown = cli("silences", "list").out
    assert "acme" in shown
    assert "running" in shown


def test_an_ended_silence_stops_nothing_and_the_event_may_come_again(cli: Any) -> None:
    (made,) = flood(cli, "--rule", "failed").json
    lines = JOB % ("failed", "D1", "") + JOB % ("completed", "D1", "")
    assert decided(cli, lines) == [("D1", "stop", "silenced"), ("D1", "send", "")]
    assert cli("silences", "expire", made["id"][:8]).code == 0
    assert decided(cli, lines) == [("D1", "send", ""), ("D1", "stop", "duplicate")]
    assert cli("silences", "expire", made["id"]).code == 2
    (listed,) = cli("--json", "silences", "list").json
    assert (listed["state"], listed["stopped"]) == ("expired", 1)


def test_a_planned_silence_begins_in_its_time(cli: Any) -> None:
    flood(cli, "--all", "--from", "2199-01-01T10:00")
    line = JOB % ("completed", "D1", "")
    run = ("--dry-run", "--as-of")
    assert decided(cli, line, *run, "2199-01-01T09:59") == [("D1", "send", "")]
    assert decided(cli, line, *run, "2199-01-01T10:00") == [("D1", "stop", "silenced")]
    assert decided(cli, line, *run, "2199-01-01T13:00") == [("D1", "send", "")]


@pytest.mark.parametrize(
    ("season", "silence", "reason"),
    [
        ("", "2199-01-02T07:00", "silenced"),
        ("", "2199-01-02T12:00", ""),
        (", active_until: 2199-01-01", "", "not_active"),
    ],
)
def test_what_the_night_held_is_judged_again_in_the_morning(
    cli: Any, folder: Path, season: str, silence: str, reason: str
) -> None:
    (folder / "rules.yaml").write_text(
        "rules:\n  - {name: delivered, events: [completed], to: {fields: [phone_number]},\n"
        f'     body: x, quiet_hours: {{from: "21:00", to: "08:00"}}{season}}}\n',
        encoding="utf-8",
    )
    line = JOB % ("completed", "D1", "ACME")
    assert decided(cli, line, "--as-of", "2199-01-01T22:10") == [("D1", "hold", "quiet_hours")]
    if silence:
        flood(cli, "--group", "ACME", "--from", silence)
    cli("tick", "--as-of", "2199-01-02T08:30")
    (message,) = [one for one in cli("--json", "outbox", "list").json if one["type"] == "message"]
    assert (message["state"] == "cancelled") is bool(reason)
    assert message["reason"] == reason


PLAN = """\
rules:
  - {name: ask, events: [failed], to: {fields: [phone_number]}, start_plan: again%s}
plans:
  - {name: again, steps: [sorry: {send: "We missed you."}]}
"""


def into_plans(cli: Any, *more: str) -> int:
    done = cli("--json", "process", "-", *more, stdin=JOB % ("failed", "D1", "ACME"))
    return int(done.json[-1]["into_plans"])


def test_a_silenced_rule_or_one_out_of_season_begins_no_plan(cli: Any, folder: Path) -> None:
    rules = folder / "rules.yaml"
    rules.write_text(PLAN % ", active_until: 2026-01-01", encoding="utf-8")
    assert (into_plans(cli, "--dry-run"), into_plans(cli)) == (0, 0)
    rules.write_text(PLAN % "", encoding="utf-8")
    (made,) = flood(cli, "--group", "ACME").json
    assert (into_plans(cli, "--dry-run"), into_plans(cli)) == (0, 0)
    cli("silences", "expire", made["id"])
    assert (into_plans(cli, "--dry-run"), into_plans(cli)) == (1, 1)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--all", "--from", "2020-01-01T10:00"], "over already"),
        (["--all", "--from", "soon"], "--from 'soon' is no time"),
        ([], "say what to silence"),
        (["--all", "--group", "ACME"], "say what to silence"),
        (["--rule", "delivred"], "there is no rule 'delivred'"),
        (["--all", "--for", "never"], "--for 'never' is no duration"),
        (["--all", "--for", "0h"], "--for '0h' is no duration"),
        (["--all", "--for", "99999999w"], "too long"),
        (["--all", "--reason", " "], "--reason is empty"),
        (["--group", "a\nb"], "--group is one line"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(cli: Any, args: list[str], said: str) -> None:
    done = flood(cli, *args)
    assert done.code == 2
    assert said in done.err + done.out
    assert cli("--json", "silences", "list").json == []


def test_somebody_must_sign(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("USER")
    monkeypatch.delenv("USERNAME", raising=False)
    assert flood(cli, "--all").code == 2
    (made,) = flood(cli, "--all", "--by", "Aisha").json
    assert made["author"] == "Aisha"


def test_looking_for_silences_makes_no_database(cli: Any, folder: Path) -> None:
    assert cli("silences", "list").code == 0
    assert cli("silences", "expire", "x").code == 2
    assert not (folder / "sms-notify.db").exists()
