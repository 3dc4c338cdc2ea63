"""`why` keeps the order of things, names jobs, and accuses no rule that has spoken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RULES = """
version: 1
defaults: {tracking_link: none}
rules:
  - name: coming
    events: [heading_to]
    where: {status: dispatched}
    to: {fields: [phone_number]}
    body: "{{ do_number }} is coming."
  - name: north
    events: [heading_to]
    groups: [North]
    to: {fields: [phone_number]}
    body: "North."
"""
AS_OF = ("--as-of", "2026-03-02T12:00:00+08:00")


@pytest.fixture(autouse=True)
def desk(folder: Path) -> Path:
    settings = folder / "sms-notify.toml"
    settings.write_text('country = "SG"\ntimezone = "Asia/Singapore"\n', encoding="utf-8")
    settings.chmod(0o600)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return folder


def _snapshot(status: str = "dispatched", number: int = 1, **fields: object) -> dict[str, object]:
    own = {"id": f"65f{number}", "do_number": f"DO-{number}", "date": "2026-03-02"}
    return own | {"status": status, "phone_number": "91230001"} | fields


def _process(cli: Any, desk: Path, *jobs: object) -> None:
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    (desk / "events.jsonl").write_text(lines, encoding="utf-8")
    assert cli("process", "events.jsonl", *AS_OF).code == 0


def test_what_an_event_brought_about_stands_below_it_in_the_order_of_the_input(
    cli: Any, desk: Path
) -> None:
    _process(
        cli,
        desk,
        _snapshot(head_to_delivery_at="2026-03-02T11:00:00+08:00"),
        _snapshot(head_to_delivery_at=None),
        _snapshot(head_to_delivery_at="2026-03-02T11:30:00+08:00"),
    )
    lines = cli("why", "DO-1").out.splitlines()
    told = [line.split("  ", 1)[1] for line in lines if line.startswith("2026-")]
    assert [" ".join(line.split()[:2]) for line in told] == [
        *("event heading_to", "text coming"),
        *("event heading_to_cancelled", "event heading_to", "text coming"),
    ]


def test_a_rule_that_spoke_is_not_called_silent_by_what_the_job_became(
    cli: Any, desk: Path
) -> None:
    _process(
        cli,
        desk,
        _snapshot(head_to_delivery_at="2026-03-02T11:00:00+08:00"),
        _snapshot("completed", group_name="North"),
    )
    silent = [row for row in cli("why", "DO-1", "--json").json if row["type"] == "silent"]
    # The job belongs to the group now; it did not when the van was heading there.
    assert [(row["event"], row["rule"], row["actual"]) for row in silent] == [
        ("heading_to", "north", "none")
    ]


def test_every_line_of_a_numbers_story_names_its_job(cli: Any, desk: Path) -> None:
    heading = {"head_to_delivery_at": "2026-03-02T11:00:00+08:00"}
    _process(cli, desk, *(_snapshot(number=number, **heading) for number in (1, 2)))
    _process(cli, desk, {"event": "heading_to", "job": _snapshot(number=2, **heading)})
    told = cli("why", "91230001").out
    assert "text    coming of DO-1 → +6591230001" in told
    assert "text    coming of DO-2 → +6591230001" in told
    assert "stop    coming of DO-2 → +6591230001: duplicate" in told


def test_times_of_a_run_as_of_another_day_are_that_days(cli: Any, desk: Path) -> None:
    heading = {"head_to_delivery_at": "2026-03-02T11:00:00+08:00"}
    _process(cli, desk, _snapshot(**heading))
    assert "delivered at 12:00:0" in cli("why", "DO-1").out
    (message,) = cli("outbox", "list", "--json").json
    assert message["updated_at"].startswith("2026-03-02T04:00:0")
