"""Conversations from the command line: recorded replies, the inbox, people in plans."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from place import NOON, ROOT, Place, job

QUOTE = (ROOT / "tests" / "conversing" / "quote.yaml").read_text(encoding="utf-8")
ANNA = "+6591230001"


def later(minutes: float) -> str:
    return (datetime.fromisoformat(NOON) + timedelta(minutes=minutes)).isoformat()


def replies(place: Place, *lines: object, name: str = "replies.jsonl") -> str:
    written = [one if isinstance(one, str) else json.dumps(one) for one in lines]
    (place / name).write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
    return name


def test_recorded_replies_lead_through_a_plan(place: Place) -> None:
    place.rules(QUOTE)
    file = replies(place, {"from": ANNA, "body": "HELLO", "id": "1"}, "{", {"body": "x"})
    done = place.json("inbound", file, as_of=NOON)
    assert (done.code, done.summary["queued"], done.summary["rejected"]) == (1, 1, 2)
    assert [row["verdict"] for row in done.only("reply")] == ["keyword"]
    assert (place / "replies.jsonl.rejected.jsonl").exists()
    repeated = replies(place, {"from": ANNA, "body": "HELLO", "id": "1"})
    again = place.json("inbound", repeated, as_of=later(1))
    assert (again.code, again.summary["queued"]) == (0, 0)
    file = replies(place, {"from": "9123 0001", "body": "quote"}, {"from": ANNA, "body": "buy!"})
    assert place.json("inbound", file, as_of=later(5)).summary["queued"] == 1
    form = "MessageSid=SM1&From=%2B6591230001&To=%2B6580000001&Body=Buy&NumMedia=0"
    account = {"provider": "twilio", "account_sid": "AC" + "0" * 32, "auth_token": "t"}
    place.settings(accounts={"main": account})
    assert place.json("inbound", "-", stdin=form.encode(), as_of=later(9)).code == 0
    bodies = [row["body"] for row in place.outbox()]
    assert bodies[-1] == "Thank you!"
    (status,) = place.json("plans", "status").only("plan_status")
    assert (status["entered"], status["outcomes"], status["goal_value"]) == (
        1,
        {"finished": 1},
        10,
    )


def test_the_inbox_is_listed_and_answered(place: Place) -> None:
    place.rules(QUOTE)
    file = replies(place, {"from": ANNA, "body": "Where is it?"}, {"from": ANNA, "body": "?"})
    assert place.run("inbound", file, as_of=NOON).code == 0
    rows = place.json("replies", "list").json
    assert [(row["state"], row["verdict"]) for row in rows] == 2 * [("inbox", "unmatched")]
    assert "Where is it?" in place.run("replies", "list").out
    assert "2 wait in the inbox" in place.run("doctor").out
    one = rows[1]["id"]
    assert place.json("replies", "answer", one, "At noon.").json[0]["verdict"] == "send"
    assert [row["body"] for row in place.outbox()] == ["At noon."]
    assert place.json("replies", "show", one).json[0]["note"] == "answered"
    assert len(place.json("replies", "list").json) == 1
    assert place.run("replies", "dismiss", rows[0]["id"]).code == 0
    assert place.json("replies", "list").json == []
    assert place.run("replies", "show", "zz").code == 2


def test_a_likely_opt_out_waits_for_a_clerk(place: Place) -> None:
    place.rules(QUOTE)
    place.run("inbound", replies(place, {"from": ANNA, "body": "stop texting me"}), as_of=NOON)
    (row,) = place.json("replies", "list").json
    assert row["state"] == "doubtful"
    refused = place.run("replies", "answer", row["id"], "Why?")
    assert (refused.code, "opt-out" in refused.err) == (2, True)
    place.run("inbound", replies(place, {"from": ANNA, "body": "HELLO"}), as_of=later(1))
    assert [one["reason"] for one in place.outbox()] == ["opt_out_in_doubt"]
    assert place.run("replies", "opt-out", row["id"]).code == 0
    assert [one["state"] for one in place.outbox()] == ["cancelled"]
    assert "opted out" in place.run("contacts", "show", ANNA).out


def test_people_are_enrolled_moved_and_taken_out(place: Place) -> None:
    place.rules(QUOTE.replace("purpose: marketing", "purpose: service"))
    (place / "people.csv").write_text(
        "phone_number,name\n+6591230001,Anna Lim\n+6591230002,Ben\n", encoding="utf-8"
    )
    dry = place.json("plans", "enrol", "quote", "--file", "people.csv", "--dry-run")
    assert (dry.code, dry.only("enrolled")[0]["entered"]) == (0, 2)
    assert place.outbox() == []
    done = place.json("plans", "enrol", "quote", "--file", "people.csv")
    assert (done.code, done.summary["sent"]) == (0, 2)
    assert place.outbox()[0]["body"].startswith("Hi Anna! Reply QUOTE")
    again = place.json("plans", "enrol", "quote", ANNA)
    assert again.only("enrolled")[0] == {
        "type": "enrolled",
        "plan": "quote",
        "entered": 0,
        "left_out": 1,
        "dry_run": False,
    }
    moved = place.json("plans", "move", "quote", "offer", ANNA)
    assert moved.only("moved")[0]["step"] == "offer"
    assert place.run("plans", "move", "quote", "nowhere", ANNA).code == 2
    assert place.json("plans", "stop", "quote", "--all").only("stopped")[0]["people"] == 2
    slip = place.run("plans", "stop", "qoute", "--all")
    assert slip.code == 2
    assert "did you mean quote?" in slip.err
    (status,) = place.json("plans", "status", "quote").only("plan_status")
    assert (status["entered"], status["outcomes"]) == (2, {"exited": 2})
    assert "offer" in place.run("plans", "status").out


def test_the_volume_guard_counts_plans_too(place: Place) -> None:
    place.rules((ROOT / "tests" / "conversing" / "redelivery.yaml").read_text(encoding="utf-8"))
    account = {"provider": "twilio", "account_sid": "AC" + "0" * 32, "auth_token": "t"}
    guard = {"first_live": 1, "times_usual": 1}
    place.settings(
        mode="live",
        accounts={"main": account | {"sender": "+6531590000", "base_url": "http://127.0.0.1:9"}},
        volume_guard=guard,
    )
    crowd = place.events(*(job(number, status="failed") for number in range(1, 4)))
    refused = place.json("process", "--queue-only", crowd, as_of=NOON)
    assert (refused.code, "3 people" in refused.err) == (3, True)
    assert {row["state"] for row in place.outbox()} == {"held"}
    assert place.json("process", "--queue-only", "--yes-volume", crowd, as_of=NOON).code == 0
    assert [row["state"] for row in place.outbox()] == 3 * ["queued"]
    assert len(place.json("plans", "status").only("plan_status")[0]["waiting"]) == 1


ODD = """
version: 1
plans:
  - name: odd
    enter: {keywords: [ODD]}
    quiet_hours: {from: "21:00", to: "08:00"}
    steps:
      - one: {action: {do: it}, send: "Hi {{ contact.first_name }}", end: finished}
  - name: even
    enter: {keywords: [EVEN]}
    quiet_hours: {from: "00:00", to: "23:59"}
    steps:
      - one: {send: "Hi", end: finished}
"""


def test_a_plan_text_that_stops_or_waits_is_told_with_its_reason(place: Place) -> None:
    place.rules(ODD)
    done = place.json("inbound", replies(place, {"from": ANNA, "body": "odd"}), as_of=NOON)
    assert (done.code, done.summary["matched"], done.summary["stops"]) == (
        1,
        1,
        {"missing_value": 1},
    )
    done = place.run("inbound", replies(place, {"from": ANNA, "body": "even"}), as_of=later(1))
    assert (done.code, "held (quiet_hours 1)" in done.err) == (0, True)


def test_doctor_tells_of_errands_that_are_tried_again(place: Place) -> None:
    place.rules(ODD)
    place.settings(conversation={"action_file": "sms-notify.toml/actions.jsonl"})
    done = place.run("inbound", replies(place, {"from": ANNA, "body": "odd"}), as_of=NOON)
    assert "errands of plans will be tried again: 1; see `doctor`" in done.err
    told = place.run("doctor").out
    assert "1 will be tried again; the newest, action: actions.jsonl: " in told
