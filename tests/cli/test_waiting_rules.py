"""Rules that wait or are muted, as the commands show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

RULES = """\
rules:
  - name: late
    events: [delayed]
    inhibited_by: {events: [completed], within: 2h}
    to: {fields: [phone_number]}
    body: "{{ do_number }} is late"
  - name: thanks
    events: [completed]
    after: 30m
    unless: [feedback]
    to: {fields: [phone_number]}
    body: "{{ do_number }}: how was it?"
"""
EVENT = (
    '{"event": "%s", "time": "2026-03-02T12:%s:00+08:00", '
    '"job": {"do_number": "DO-1", "phone_number": "+6591230000"}}\n'
)


@pytest.fixture(autouse=True)
def _desk(folder: Path) -> None:
    (folder / "sms-notify.toml").write_text('country = "SG"\ntimezone = "Asia/Singapore"\n')
    (folder / "sms-notify.toml").chmod(0o600)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")


def at(minute: str) -> tuple[str, str]:
    return "--as-of", f"2026-03-02T12:{minute}:00+08:00"


def test_why_names_the_event_that_muted_or_overtook_a_text(cli: Any) -> None:
    lines = EVENT % ("completed", "00") + EVENT % ("delayed", "05")
    done = cli("process", "-", "-v", *at("05"), stdin=lines)
    assert done.code == 0
    assert "inhibited, completed at 2026-03-02 12:00 (Asia/Singapore)" in cli("why", "DO-1").out
    assert "waits, 30m after the event, not before 2026-03-02 12:30" in cli("why", "DO-1").out
    cli("process", "-", *at("10"), stdin=EVENT % ("feedback", "10"))
    ticked = cli("--json", "tick", *at("31"))
    assert [row["reason"] for row in ticked.json if row["type"] == "decision"] == ["overtaken"]
    told = cli("why", "DO-1").out
    assert "(overtaken, feedback at 2026-03-02 12:10 (Asia/Singapore))" in told


def test_preview_and_explain_tell_what_a_rule_waits_for(cli: Any) -> None:
    (late, thanks) = cli("--json", "preview", *at("00")).json
    assert (late["verdict"], thanks["verdict"]) == ("send", "hold")
    assert (thanks["gate"], thanks["reason"]) == ("after", "waits")
    assert thanks["not_before"] == "2026-03-02T04:30:00+00:00"
    shown = cli("rules", "explain", "-", stdin=EVENT % ("completed", "00")).out
    assert "30m" in shown
    assert "feedback" in shown


def test_a_file_is_previewed_as_it_will_be_judged(cli: Any) -> None:
    lines = EVENT % ("completed", "00") + EVENT % ("delayed", "05")
    found = cli("--json", "preview", "-", *at("40"), stdin=lines).json
    assert [(one["rule"], one["verdict"], one["reason"]) for one in found] == [
        ("thanks", "send", ""),
        ("late", "stop", "inhibited"),
    ]
