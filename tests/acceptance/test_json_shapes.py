"""What `--json` prints is a contract: every key of it, in every command that prints it."""

from __future__ import annotations

from typing import Any

import pytest
from loopback import Loopback
from place import Place, event

DECISION = {
    *("type", "rule", "event", "event_id", "job", "attempt", "channel", "recipient", "verdict"),
    *("gate", "reason", "body", "encoding", "segments", "not_before"),
}
MESSAGE = {
    *("type", "id", "state", "rule", "job", "channel", "recipient", "account"),
    *("provider_message_id", "error", "attempts", "body", "segments", "created_at", "updated_at"),
}
REJECTED = {"type", "source", "line", "reason"}
SUMMARY = {
    *("type", "events", "matched", "queued", "sent", "held", "duplicates", "stopped"),
    *("rejected", "failed", "unknown", "stops", "into_plans"),
}
PROBLEM = {"type", "severity", "file", "line", "column", "code", "message", "hint"}
SHAPES = {
    "decision": DECISION,
    "message": MESSAGE,
    "rejected": REJECTED,
    "summary": SUMMARY,
    "problem": PROBLEM,
}


def _check(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert SHAPES.get(row["type"], set()) <= row.keys(), row


@pytest.fixture
def desk(place: Place, eight: Loopback) -> Place:
    """A live desk with something of everything in it."""
    place.process(place.events(event(), b"{", event("failed", 2), event(id="again")))
    return place


def test_a_decision_has_every_key_with_its_meaning(place: Place) -> None:
    done = place.process(place.events(event(attempt=2)))
    (decision,) = done.only("decision")
    assert {name: decision[name] for name in DECISION} == {
        "type": "decision",
        "rule": "delivered",
        "event": "completed",
        "event_id": "evt-completed-1",
        "job": "DO-1",
        "attempt": 2,
        "channel": "sms",
        "recipient": "+6591230001",
        "verdict": "send",
        "gate": "",
        "reason": "",
        "body": "Hi Mei, DO-1 has arrived.",
        "encoding": "GSM7",
        "segments": 1,
        "not_before": None,
    }


def test_a_message_has_every_key_with_its_meaning(desk: Place) -> None:
    (message,) = desk.outbox()
    assert message["id"] in message["provider_message_id"]
    known = {"id", "provider_message_id", "updated_at"}
    assert {name: message[name] for name in MESSAGE - known} == {
        "type": "message",
        "state": "accepted",
        "rule": "delivered",
        "job": "DO-1",
        "channel": "sms",
        "recipient": "+6591230001",
        "account": "main",
        "error": "",
        "attempts": 1,
        "body": "Hi Mei, DO-1 has arrived.",
        "segments": 1,
        "created_at": "2026-03-02T04:00:00+00:00",
    }


def test_a_rejected_line_has_every_key(desk: Place) -> None:
    (rejected,) = desk.process("events.jsonl").only("rejected")
    assert {name: rejected[name] for name in REJECTED} == {
        "type": "rejected",
        "source": "events.jsonl",
        "line": 2,
        "reason": "not_json",
    }


def test_a_summary_has_exactly_the_keys_that_were_promised(desk: Place) -> None:
    summary = desk.process("events.jsonl").summary
    assert summary.keys() == SUMMARY
    assert summary["stops"] == {"duplicate": 2, "missing_value": 1}
    assert summary["matched"] == 3 == sum(summary["stops"].values())


def test_a_problem_has_exactly_the_keys_that_were_promised(place: Place) -> None:
    place.rules("version: 1\nrules:\n  - name: x\n    events: [exploded]\n")
    problems = place.json("rules", "validate").json
    assert problems
    for problem in problems:
        assert problem.keys() == PROBLEM
    assert {problem["severity"] for problem in problems} <= {"error", "warning"}


@pytest.mark.parametrize(
    "args",
    [
        ("process", "events.jsonl"),
        ("process", "--dry-run", "events.jsonl"),
        ("preview", "events.jsonl"),
        ("preview",),
        ("prejob", "run"),
        ("tick",),
        ("deliver",),
        ("send-test", "Hi"),
        ("why", "DO-1"),
        ("why", "91230001"),
        ("outbox", "list"),
        ("outbox", "stats"),
    ],
)
def test_every_command_keeps_to_the_shapes(desk: Place, args: tuple[str, ...]) -> None:
    done = desk.json(*args)
    assert done.json
    _check(done.json)


def test_json_can_be_asked_for_before_and_after_the_command(desk: Place) -> None:
    assert desk.run("--json", "outbox", "list").out == desk.run("outbox", "list", "--json").out


def test_fifty_messages_are_listed_unless_told_otherwise(place: Place) -> None:
    place.process(place.events(*(event(number=number) for number in range(60))))
    assert len(place.json("outbox", "list").json) == 50
    assert len(place.json("outbox", "list", "--limit", "7").json) == 7
    assert len(place.outbox()) == 60
