"""What `process` tells people beside its decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SETTINGS = 'mode = "sandbox"\ncountry = "SG"\ntimezone = "Asia/Singapore"\n'
RULES = """
version: 1
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "{{ do_number }} has arrived."
"""
GOOD = {
    "event": "completed",
    "job": {"id": "65f1", "do_number": "DO-1", "date": "2026-03-02", "phone_number": "91230001"},
}
MISSPELT = GOOD | {"event": "complete"}
AS_OF = ("--as-of", "2026-03-02T12:00:00+08:00")


@pytest.fixture(autouse=True)
def desk(folder: Path) -> Path:
    (folder / "sms-notify.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "sms-notify.toml").chmod(0o600)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "good.jsonl").write_text(json.dumps(GOOD), encoding="utf-8")
    (folder / "bad.jsonl").write_text(json.dumps(MISSPELT), encoding="utf-8")
    return folder


def test_a_rejected_line_says_what_to_do_on_screen_in_json_and_in_its_file(
    cli: Any, desk: Path
) -> None:
    assert "did you mean 'completed'?" in cli("process", "bad.jsonl", *AS_OF).err
    kept = json.loads((desk / "bad.jsonl.rejected.jsonl").read_text(encoding="utf-8"))
    (told, _) = cli("process", "bad.jsonl", "--json", *AS_OF).json
    assert kept["hint"] == told["hint"] == "did you mean 'completed'?"
    assert "did you mean 'completed'?" in cli("preview", "bad.jsonl").err
    assert "did you mean 'completed'?" in cli("rules", "explain", "bad.jsonl").err


def test_quiet_says_nothing_of_a_run_that_went_well(cli: Any, desk: Path) -> None:
    for args in (("process", "good.jsonl", *AS_OF), ("process", "good.jsonl", *AS_OF), ("tick",)):
        done = cli(*args, "--quiet")
        assert (done.code, done.out, done.err) == (0, "", ""), args
    assert cli("deliver", "-q").out == ""
    assert cli("process", "good.jsonl", "-q", "--json", *AS_OF).json[-1]["type"] == "summary"


def test_quiet_tells_what_needs_a_look(cli: Any, desk: Path) -> None:
    done = cli("process", "bad.jsonl", "-q", *AS_OF)
    assert done.code == 1
    assert "rejected    1" in done.out
    assert "bad.jsonl:1: rejected, unknown_event" in done.err
    assert "see bad.jsonl.rejected.jsonl" in done.err
    cli("process", "good.jsonl", "-q", "--queue-only", *AS_OF)
    cli("pause")
    paused = cli("deliver", "-q")
    assert (paused.code, "left  1" in paused.out) == (3, True)
    assert "sending is paused" in paused.err
