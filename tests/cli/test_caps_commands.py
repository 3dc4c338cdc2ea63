"""Caps on the command line: what process, preview, doctor, diff and config say of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_calls import Cli

RULES = """rules:
  - name: delivered
    events: [completed]
    {caps}
    to: {{fields: [phone_number]}}
    body: "{{{{ do_number }}}} has arrived."
"""
SETTINGS = """\
country = "SG"
timezone = "Asia/Singapore"

[prices]
currency = "SGD"
sandbox = { SG = 0.05 }

[caps]
per_run = 3
per_day = { soft = 1, hard = 9 }
money_per_day = 0.2
"""


def events(*people: int) -> str:
    lines = []
    for number, person in enumerate(people):
        job = {"id": f"j{number}", "do_number": f"DO-{number}", "phone_number": f"9123000{person}"}
        lines.append(json.dumps({"event": "completed", "job": job}))
    return "\n".join(lines) + "\n"


@pytest.fixture
def desk(folder: Path, cli: Cli) -> Cli:
    file = folder / "sms-notify.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    file.chmod(0o600)
    (folder / "rules.yaml").write_text(RULES.format(caps="caps: {per_day: 2}"), encoding="utf-8")
    (folder / "e.jsonl").write_text(events(1, 1, 1, 2, 3), encoding="utf-8")
    return cli


def reasons(done: object) -> list[str]:
    rows = [row for row in done.json if row["type"] == "decision"]  # type: ignore[attr-defined]
    return [row["reason"] or row["verdict"] for row in rows]


def test_preview_dry_run_and_run_tell_the_same_stops(desk: Cli) -> None:
    wanted = ["send", "send", "recipient_cap", "send", "run_cap"]
    assert reasons(desk("preview", "--json", "e.jsonl")) == wanted
    dry = desk("process", "--dry-run", "--json", "e.jsonl")
    assert reasons(dry) == wanted
    assert dry.json[-1]["beyond"] == {"[caps] per_day": 2}
    assert "soft cap passed: 2 texts are beyond [caps] per_day" in dry.err
    real = desk("process", "--json", "e.jsonl")
    assert reasons(real) == wanted
    assert real.err.count("soft cap passed: [caps] per_day") == 1
    assert real.code == 0, "a cap that holds is as meant"
    again = desk("process", "--json", "e.jsonl")
    assert reasons(again) == ["duplicate", "duplicate", "recipient_cap", "duplicate", "send"]
    assert "soft cap" not in again.err, "it was told"
    assert "recipient_cap, rule delivered: per_day is 2" in desk("why", "DO-2").out
    assert "caps: per_day 2" in desk("rules", "explain", "e.jsonl").out


def test_doctor_says_how_much_of_each_cap_is_used(desk: Cli, folder: Path) -> None:
    desk("process", "e.jsonl")
    desk("process", "e.jsonl")
    told = [row for row in desk("doctor", "--json").json if row["name"] == "caps"]
    assert [(row["status"], row["detail"]) for row in told] == [
        ("warning", "[caps] per_day: 4 today of 9; the soft cap is 1"),
        ("warning", "[caps] money_per_day: 0.2 today of 0.2 SGD"),
    ]
    (folder / "sms-notify.toml").write_text('country = "SG"\ntimezone = "Asia/Singapore"\n')
    assert [row for row in desk("doctor", "--json").json if row["name"] == "caps"] == []


def test_a_dry_run_with_caps_counts_in_one_process(desk: Cli, folder: Path) -> None:
    done = desk("process", "--dry-run", "--workers", "2", "e.jsonl")
    assert "one process does it" in done.err
    assert "run_cap        1" in done.out


def test_diff_shows_what_a_cap_takes_away(desk: Cli, folder: Path) -> None:
    (folder / "sms-notify.toml").write_text('country = "SG"\ntimezone = "Asia/Singapore"\n')
    (folder / "old.yaml").write_text(RULES.format(caps="caps: none"), encoding="utf-8")
    done = desk("rules", "diff", "old.yaml", "rules.yaml", "--events", "e.jsonl", "--json")
    changes = [row for row in done.json if row["type"] == "change"]
    assert [(row["kind"], row["job"]) for row in changes] == [("removed", "DO-2")]
    assert changes[0]["after"]["reason"] == "recipient_cap"


def test_diff_counts_what_waits_when_it_leaves(desk: Cli, folder: Path) -> None:
    (folder / "sms-notify.toml").write_text('country = "SG"\ntimezone = "Asia/Singapore"\n')
    night = 'quiet_hours: {from: "21:00", to: "08:00", then: hold}\n    caps: %s'
    (folder / "old.yaml").write_text(RULES.format(caps=night % "none"), encoding="utf-8")
    (folder / "new.yaml").write_text(RULES.format(caps=night % "{per_hour: 1}"), encoding="utf-8")
    lines = []
    for number, hour in enumerate((21, 22, 23)):
        job = {"id": f"n{number}", "do_number": f"N-{number}", "phone_number": "91230001"}
        at = f"2026-03-02T{hour}:30:00+08:00"
        lines.append(json.dumps({"event": "completed", "time": at, "job": job}))
    (folder / "e.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = desk("rules", "diff", "old.yaml", "new.yaml", "--events", "e.jsonl", "--json")
    changes = [row for row in done.json if row["type"] == "change"]
    assert [(row["kind"], row["job"], row["after"]["reason"]) for row in changes] == [
        ("removed", "N-1", "recipient_cap"),
        ("removed", "N-2", "recipient_cap"),
    ]


def test_caps_are_shown_and_set_as_they_are_written(desk: Cli, folder: Path) -> None:
    assert "per_day = { soft = 1, hard = 9 }" in desk("config", "show").out.replace(
        "[caps.per_day]\nsoft = 1\nhard = 9", "per_day = { soft = 1, hard = 9 }"
    )
    refused = desk("config", "set", "caps.per_run", "0")
    assert refused.code == 2
    assert "a cap of zero lets nothing go" in refused.err
    assert desk("config", "set", "caps.per_run", "7").code == 0
    assert "per_run = 7" in (folder / "sms-notify.toml").read_text(encoding="utf-8")
