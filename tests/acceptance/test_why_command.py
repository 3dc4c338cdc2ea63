"""`why`: the whole story of a job or a number, for whoever asks on the phone."""

from __future__ import annotations

from loopback import Loopback
from place import NOON, Place, event

RULES = """
version: 1
defaults: {tracking_link: none}
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "{{ do_number }} has arrived."
  - name: north-only
    events: [completed]
    groups: [North]
    to: {fields: [phone_number]}
    body: "North"
  - name: big
    events: [completed]
    where: {items_count: {gt: 3}}
    to: {fields: [phone_number]}
    body: "Big"
"""


def test_a_jobs_story_has_events_texts_stops_and_silent_rules(
    place: Place, eight: Loopback
) -> None:
    place.rules(RULES)
    place.process(place.events(event(items_count=2), event("in_transit", 1)))
    place.process(place.events(event()))
    done = place.run("why", "DO-1")
    assert done.code == 0
    (message,) = place.outbox()
    told = done.out
    assert f"Job DO-1 (65f{1:021d}): date 2026-03-02, attempt 1" in told
    assert "2026-03-02 12:00:00  event   completed" in told
    assert "text    delivered → +6591230001: accepted" in told
    assert f"through main as {message['provider_message_id']}" in told
    assert "“DO-1 has arrived.”" in told
    assert (
        f"stop    delivered → +6591230001: duplicate, already accepted as {message['id']}" in told
    )
    assert "in_transit: no rule listens to it" in told
    assert "completed: north-only is silent: group should be north, is none" in told
    assert "completed: big is silent: where items_count should be gt 3, is none" in told
    assert "completed: delivered is silent" not in told


def test_the_story_as_json_keeps_the_outside_shapes(place: Place) -> None:
    place.rules(RULES)
    place.process(place.events(event()))
    rows = place.json("why", "DO-1").json
    assert [row["type"] for row in rows] == [
        *("job", "event", "decision", "message", "silent", "silent"),
    ]
    decision = rows[2]
    assert (decision["verdict"], decision["body"], decision["segments"]) == (
        "send",
        "DO-1 has arrived.",
        1,
    )
    assert rows[4] == {
        "type": "silent",
        "event": "completed",
        "rule": "north-only",
        "check": "group",
        "expected": "north",
        "actual": "none",
    }


def test_a_job_is_found_by_its_number_and_by_its_id(place: Place) -> None:
    place.process(place.events(event(), event(number=2, id="e", date="2026-03-09")))
    for name in ("DO-1", f"65f{1:021d}", f"id:65f{1:021d}"):
        assert place.json("why", name).only("job")[0]["date"] == "2026-03-02"
    # One number on two dates is two jobs.
    place.process(place.events(event("failed", 1, id="e", date="2026-03-04") | {"x": 1}))
    other = event("failed", 7, do_number="DO-1", date="2026-03-08", reason="Closed")
    place.process(place.events(other))
    assert len(place.json("why", "DO-1").only("job")) == 2


def test_a_number_is_read_as_people_write_it(place: Place) -> None:
    place.process(place.events(event()))
    for written in ("+6591230001", "91230001", "9123 0001", "+65 9123 0001"):
        done = place.json("why", written)
        assert [row["type"] for row in done.json] == ["decision", "message"], written


def test_what_was_redirected_is_found_by_either_number(place: Place, eight: Loopback) -> None:
    account = {"provider": "8x8", "api_key": "k", "subaccount_id": "acme", "base_url": eight.url}
    place.settings(mode="test", test_to="+6591230000", accounts={"main": account})
    place.process("--queue-only", place.events(event()))
    for number in ("91230001", "91230000"):
        messages = place.json("why", number).only("message")
        assert [row["recipient"] for row in messages] == ["+6591230000"]


def test_who_said_stop_is_known_before_anything_was_sent(place: Place) -> None:
    place.run("contacts", "opt-out", "+6591230001", "--note", "by phone")
    told = place.run("why", "91230001")
    assert (told.code, "opted out since" in told.out) == (0, True)
    assert "(by_hand); by phone" in told.out
    contact, consent = place.json("why", "91230001").json
    assert (contact["type"], consent["type"]) == ("contact", "consent")
    assert (contact["recipient"], contact["opted_out"]) == ("+6591230001", True)
    assert (consent["scope"], consent["opted_out"], consent["note"]) == ("all", True, "by phone")


def test_a_recipient_whom_a_rule_does_not_mean_makes_no_decision(place: Place) -> None:
    place.rules(RULES.replace("to: {", "where: {contact.tier: gold}\n    to: {", 1))
    place.run("contacts", "set", "91230001", "tier=gold")
    place.process(place.events(event(phone_number="91230000; 91230001")), as_of=NOON)
    rows = place.json("why", "DO-1").only("decision")
    assert {row["recipient"] for row in rows if row["rule"] == rows[0]["rule"]} == {"+6591230001"}
    place.run("contacts", "set", "91230001", "tier=")
    place.process(place.events(event("completed", 2, phone_number="91230001")), as_of=NOON)
    assert (
        "where contact.tier should be eq gold, is +6591230001: none" in place.run("why", "DO-2").out
    )


def test_quiet_hours_name_the_zone_that_won(place: Place) -> None:
    place.rules(RULES.replace("to: {", 'quiet_hours: {from: "09:00", to: "17:00"}\n    to: {', 1))
    place.process(place.events(event(time_zone="Asia/Tokyo")), as_of=NOON)
    told = place.run("why", "DO-1").out
    assert "hold" in told
    assert "by the job's zone Asia/Tokyo" in told


def test_nothing_known_is_said_and_makes_no_database(bare: Place) -> None:
    bare.settings()
    for name in ("DO-404", "91230001", "", "+", "Ünknown 7"):
        done = bare.run("why", name)
        assert (done.code, done.out) == (2, "")
        assert "nothing is known of" in done.err
    assert not (bare / "sms-notify.db").exists()


def test_the_story_is_told_without_rules_too(place: Place) -> None:
    place.process(place.events(event()))
    place.rules("rules: [")
    done = place.run("why", "DO-1")
    assert (done.code, "text    delivered" in done.out) == (0, True)
    assert "the rules cannot be read" in done.err
