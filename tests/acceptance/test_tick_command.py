"""`tick`: held texts are judged again when their time has come; what is due leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from loopback import Loopback
from place import Place, event

from smsnotify.engine.ticking import turn
from smsnotify.store.open import open_store

HOLDING = """
version: 1
defaults: {tracking_link: none}
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    quiet_hours: {from: "21:00", to: "08:00", then: hold}
    body: "{{ do_number }} has arrived{{ greeting }}."
""".replace("{{ greeting }}", "")
NIGHT = "2026-03-02T22:00:00+08:00"
MORNING = "2026-03-03T08:00:30+08:00"


@pytest.fixture
def held(place: Place, eight: Loopback) -> Place:
    """A live desk that holds a text until eight in the morning."""
    place.rules(HOLDING)
    done = place.process(place.events(event()), as_of=NIGHT)
    assert done.summary["held"] == 1
    return place


def _state(place: Place) -> tuple[str, str]:
    (message,) = place.outbox()
    return message["state"], message["reason"]


def test_a_held_text_leaves_in_the_morning(held: Place, eight: Loopback) -> None:
    night = held.json("tick", as_of="2026-03-03T07:59:00+08:00")
    assert (night.code, night.only("tick")[0]["released"]) == (0, 0)
    done = held.json("tick", as_of=MORNING)
    assert (done.code, done.only("tick")[0]["released"], done.summary["sent"]) == (0, 1, 1)
    assert [row["text"] for row in eight.sent] == ["DO-1 has arrived."]
    assert _state(held) == ("accepted", "")
    assert held.json("tick", as_of=MORNING).summary["sent"] == 0


def test_of_two_ticks_at_once_one_does_what_is_due(held: Place, eight: Loopback) -> None:
    with open_store(f"sqlite:///{held / 'sms-notify.db'}") as store:
        with turn(store, datetime.now(UTC)) as is_ours:
            assert is_ours
            second = held.run("tick", as_of=MORNING)
            assert "another tick is at work: what is due is left to it" in second.err
            assert (second.code, eight.sent) == (0, [])
        with turn(store, datetime.now(UTC)) as is_ours:
            assert is_ours
    assert held.json("tick", as_of=MORNING).only("tick")[0]["released"] == 1


def test_people_read_how_many_were_released(held: Place) -> None:
    rows = [line.split() for line in held.run("tick", as_of=MORNING).out.splitlines()]
    assert ["released", "1"] in rows
    assert ["sent", "1"] in rows


def test_deliver_lets_no_held_text_go(held: Place, eight: Loopback) -> None:
    assert held.json("deliver").json[0]["sent"] == 0
    assert _state(held)[0] == "held"


def test_it_is_judged_by_todays_rules(held: Place, eight: Loopback) -> None:
    held.rules(HOLDING.replace("has arrived", "is there"))
    held.json("tick", as_of=MORNING)
    assert [row["text"] for row in eight.sent] == ["DO-1 is there."]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("name: delivered", "name: other"), "rule_gone"),
        (("events: [completed]", "events: [completed]\n    enabled: false"), "rule_gone"),
        (("events: [completed]", "events: [failed]"), "no_longer_matches"),
        (("events: [completed]", "events: [completed]\n    groups: [North]"), "no_longer_matches"),
        (("[phone_number]", "[sender_phone_number]"), "no_longer_matches"),
    ],
)
def test_a_rule_that_wants_it_no_more_cancels_it(
    held: Place, eight: Loopback, change: tuple[str, str], reason: str
) -> None:
    held.rules(HOLDING.replace(*change))
    done = held.json("tick", as_of=MORNING)
    assert (done.code, done.only("tick")[0]["released"], eight.seen) == (0, 1, [])
    assert _state(held) == ("cancelled", reason)
    assert reason in held.run("why", "DO-1").out


def test_who_opted_out_meanwhile_is_not_texted(held: Place, eight: Loopback) -> None:
    held.run("contacts", "opt-out", "+6591230001")
    held.json("tick", as_of=MORNING)
    assert (_state(held), eight.seen) == (("cancelled", "opted_out"), [])


def test_the_newest_look_of_the_job_counts(held: Place, eight: Loopback) -> None:
    held.process(held.events(event("in_transit", do_number="DO-1X")), as_of=NIGHT)
    held.json("tick", as_of=MORNING)
    assert [row["text"] for row in eight.sent] == ["DO-1X has arrived."]


def test_a_number_that_the_job_has_no_more_gets_nothing(held: Place, eight: Loopback) -> None:
    held.process(held.events(event("in_transit", phone_number="91230002")), as_of=NIGHT)
    held.json("tick", as_of=MORNING)
    assert (_state(held), eight.seen) == (("cancelled", "no_longer_matches"), [])


def test_where_it_is_still_quiet_it_waits_on(held: Place, eight: Loopback) -> None:
    held.rules(HOLDING.replace('to: "08:00"', 'to: "09:30"'))
    done = held.json("tick", as_of=MORNING)
    (decision,) = done.only("decision")
    assert (decision["verdict"], decision["not_before"]) == ("hold", "2026-03-03T01:30:00+00:00")
    assert eight.seen == []
    assert held.json("tick", as_of="2026-03-03T09:30:10+08:00").summary["sent"] == 1


def test_news_that_is_too_old_by_then_is_dropped(held: Place, eight: Loopback) -> None:
    held.json("tick", as_of="2026-03-05T08:00:30+08:00")
    assert eight.seen == []
    assert _state(held)[0] in ("cancelled", "expired")


def test_a_text_that_cannot_be_written_any_more_wants_a_look(held: Place) -> None:
    held.rules(HOLDING.replace("has arrived", "{{ received_by_sent_by }}"))
    done = held.json("tick", as_of=MORNING)
    assert (done.code, _state(held)) == (1, ("cancelled", "missing_value"))


def test_a_stored_job_that_todays_rules_cannot_read_stops_nobody_else(
    place: Place, eight: Loopback
) -> None:
    place.rules(HOLDING)
    odd = event(number=1, date="2026-03-04", remarks={"no": "text"})
    planned = event("info_received", 2, date="2026-03-04")
    place.process(place.events(odd, event(number=3), planned), as_of=NIGHT)
    place.rules(
        HOLDING.replace("has arrived", "{{ remarks | default('has arrived') }}")
        + '  - {name: tomorrow, events: [pre_job], pre_job: {days_before: 1, at: "07:00"},\n'
        '     to: {fields: [phone_number]}, body: "{{ do_number }} {{ remarks | default(1) }}"}\n'
    )
    done = place.json("tick", as_of=MORNING)
    assert (done.code, done.summary["sent"]) == (0, 2)
    assert eight.numbers == ["+6591230002", "+6591230003"]
    assert place.run("why", "DO-1").code == 0


def test_everything_that_is_due_goes_with_one_tick(held: Place, eight: Loopback) -> None:
    held.rules(
        HOLDING
        + '  - {name: tomorrow, events: [pre_job], pre_job: {days_before: 1, at: "08:00"},\n'
        '     to: {fields: [phone_number]}, body: "Tomorrow: {{ do_number }}"}\n'
    )
    held.process(held.events(event("info_received", 2, date="2026-03-04")), as_of=NIGHT)
    held.process("--queue-only", held.events(event(number=3)), as_of="2026-03-03T08:00:10+08:00")
    done = held.json("tick", as_of=MORNING)
    assert (done.summary["queued"], done.summary["sent"]) == (1, 3)
    assert eight.numbers == ["+6591230001", "+6591230002", "+6591230003"]


def test_a_pause_holds_a_tick_up_too(held: Place, eight: Loopback) -> None:
    held.run("pause")
    assert held.json("tick", as_of=MORNING).code == 3
    assert eight.seen == []


def test_a_tick_with_nothing_to_do_is_quiet_and_ends_with_0(place: Place) -> None:
    done = place.run("tick", "--quiet")
    assert (done.code, done.err) == (0, "")
