"""`process`: events in, texts out by real HTTP, once."""

from __future__ import annotations

import json

from loopback import Loopback
from place import NOON, Place, event


def test_texts_reach_8x8_and_its_ids_are_kept(place: Place, eight: Loopback) -> None:
    done = place.process(place.events(event(number=1), event(number=2), event("failed", 3)))
    assert done.code == 1  # the failed one gives no reason
    assert done.summary | {"type": ""} == {
        "type": "",
        "events": 3,
        "matched": 3,
        "queued": 2,
        "sent": 2,
        "held": 0,
        "duplicates": 0,
        "stopped": 1,
        "rejected": 0,
        "into_plans": 0,
        "failed": 0,
        "unknown": 0,
        "stops": {"missing_value": 1},
    }
    (request,) = eight.seen  # two texts, one batch
    assert request.headers["authorization"] == "Bearer eight-key"
    assert request.path == "/api/v1/subaccounts/acme_notify/messages/batch"
    assert request.json["includeMessagesInResponse"] is True
    texts = {row["destination"]: row["text"] for row in eight.sent}
    assert texts == {
        "+6591230001": "Hi Mei, DO-1 has arrived.",
        "+6591230002": "Hi Mei, DO-2 has arrived.",
    }
    assert {row["source"] for row in eight.sent} == {"ACME"}
    for message in place.outbox():
        assert message["state"] == "accepted"
        assert message["account"] == "main"
        assert message["provider_message_id"] == f"umid-{message['id']}"
        assert message["attempts"] == 1
        shown = place.json("outbox", "show", message["id"])
        (attempt,) = shown.only("attempt")
        assert attempt["result"] == "accepted"
        assert attempt["http_status"] == 200
        assert attempt["account"] == "main"


def test_one_text_takes_8x8s_single_endpoint(place: Place, eight: Loopback) -> None:
    assert place.process(place.events(event())).code == 0
    assert eight.seen[0].path == "/api/v1/subaccounts/acme_notify/messages"


def test_texts_reach_twilio_and_its_sids_are_kept(place: Place, twilio: Loopback) -> None:
    done = place.process(place.events(event(number=1), event(number=2)))
    assert (done.code, done.summary["sent"]) == (0, 2)
    assert {row["From"] for row in twilio.sent} == {"+6531590000"}
    assert twilio.numbers == ["+6591230001", "+6591230002"]
    ids = {message["provider_message_id"] for message in place.outbox()}
    assert ids == {f"SM{1:032x}", f"SM{2:032x}"}


def test_the_same_file_again_sends_nothing_and_says_how_many_were_done(
    place: Place, eight: Loopback
) -> None:
    file = place.events(event(number=1), event(number=2))
    place.process(file)
    again = place.process(file)
    assert (again.code, again.summary["sent"], again.summary["duplicates"]) == (0, 0, 2)
    assert "2 texts are already done: nothing is sent twice" in again.err
    assert len(eight.sent) == 2
    earlier = [row["earlier"] for row in again.only("decision")]
    ids = {message["id"] for message in place.outbox()}
    assert {one["id"] for one in earlier} == ids
    assert {one["state"] for one in earlier} == {"accepted"}


def test_neither_other_event_ids_nor_another_file_make_it_news(
    place: Place, eight: Loopback
) -> None:
    place.process(place.events(event(id="a"), name="one.jsonl"))
    again = place.process(place.events(event(id="b"), name="two.jsonl"))
    assert again.summary["duplicates"] == 1
    assert len(eight.sent) == 1


def test_an_event_twice_in_one_file_is_one_text(place: Place, eight: Loopback) -> None:
    done = place.process(place.events(event(), event(id="other")))
    assert (done.summary["sent"], done.summary["duplicates"]) == (1, 1)
    first, second = done.only("decision")
    assert second["earlier"]["id"] == place.outbox()[0]["id"]
    assert (first["verdict"], second["reason"]) == ("send", "duplicate")


def test_a_dry_run_sees_duplicates_however_far_apart(place: Place) -> None:
    lines = [event(number=number % 2100) for number in range(2500)]
    done = place.process("--dry-run", place.events(*lines))
    assert (done.summary["queued"], done.summary["duplicates"]) == (2100, 400)


def test_a_second_attempt_is_news(place: Place, eight: Loopback) -> None:
    place.process(place.events(event("failed", reason="Nobody at home")))
    second = event("failed", reason="Nobody at home", attempt=2)
    assert place.process(place.events(second)).summary["sent"] == 1
    assert len(eight.sent) == 2


def test_a_moved_date_is_news_and_a_heading_that_was_cancelled_too(
    place: Place, eight: Loopback
) -> None:
    place.rules(
        "version: 1\n"
        "rules:\n"
        "  - {name: planned, events: [scheduled], to: {fields: [phone_number]},\n"
        '     body: "{{ do_number }} comes on {{ date }}"}\n'
        "  - {name: coming, events: [heading_to], to: {fields: [phone_number]},\n"
        '     body: "{{ do_number }} is on its way"}\n'
    )

    def snapshot(**fields: object) -> dict[str, object]:
        return event(status="dispatched", assign_to="Van 3", **fields)["job"]  # type: ignore[no-any-return]

    days = ["2026-03-04", "2026-03-04", "2026-03-05"]
    for day in days:
        place.process(place.events(snapshot(date=day)))
    assert [row["text"] for row in eight.sent] == [
        "DO-1 comes on 2026-03-04",
        "DO-1 comes on 2026-03-05",
    ]
    first, second = "2026-03-05T01:00:00Z", "2026-03-05T03:00:00Z"
    for stamp in (first, first, None, second):
        line = snapshot(date="2026-03-05", head_to_delivery_at=stamp)
        place.process(place.events(line), as_of="2026-03-05T11:10:00+08:00")
    coming = [row["text"] for row in eight.sent[2:] if "on its way" in row["text"]]
    assert coming == ["DO-1 is on its way"] * 2


def test_queued_only_leaves_sending_to_deliver(place: Place, eight: Loopback) -> None:
    done = place.process("--queue-only", place.events(event()), as_of="")
    assert (done.code, done.summary["queued"], done.summary["sent"]) == (0, 1, 0)
    assert eight.seen == []
    delivered = place.json("deliver")
    assert delivered.code == 0
    assert delivered.json == [
        {
            "type": "delivery",
            "sent": 1,
            "failed": 0,
            "unknown": 0,
            "expired": 0,
            "left": 0,
            "paused": [],
            "stopped_accounts": {},
        }
    ]
    assert len(eight.sent) == 1
    assert place.run("deliver").out.split() == ["sent", "0"]


def test_a_pause_keeps_texts_until_it_is_resumed(place: Place, eight: Loopback) -> None:
    place.run("pause")
    done = place.process(place.events(event()), as_of="")
    assert done.code == 3
    assert "paused" in done.err
    assert "1 text is still queued" in done.err
    assert (done.summary["queued"], done.summary["sent"], eight.seen) == (1, 0, [])
    place.run("resume")
    assert place.json("deliver").json[0]["sent"] == 1


def test_a_pause_of_one_account_stops_that_account(place: Place, eight: Loopback) -> None:
    place.run("pause", "--account", "main")
    assert place.process(place.events(event())).code == 3
    assert eight.seen == []


def test_a_dry_run_decides_the_same_and_leaves_no_trace(place: Place, eight: Loopback) -> None:
    (place / "sms-notify.db").unlink()
    file = place.events(event(number=1), event(number=2), b"nonsense")
    rehearsed = place.process("--dry-run", file)
    assert eight.seen == []
    assert sorted(path.name for path in place.folder.iterdir()) == [
        "events.jsonl",
        "rules.yaml",
        "sms-notify.toml",
    ]
    real = place.process(file)
    assert rehearsed.only("decision") == real.only("decision")
    assert rehearsed.summary == real.summary | {"sent": 0}


def test_people_read_a_table_with_the_stops_by_reason(place: Place) -> None:
    file = place.events(event(), event("failed", 2), event(number=3, phone_number="61234567"))
    done = place.run("process", file, as_of=NOON)
    rows = [line.split() for line in done.out.splitlines()]
    assert ["events", "3"] in rows
    assert ["missing_value", "1"] in rows
    assert ["landline", "1"] in rows
    assert ["sent", "1"] in rows


def test_the_only_clock_of_a_run_is_as_of(place: Place) -> None:
    place.rules(
        "version: 1\n"
        "rules:\n"
        "  - {name: late, events: [completed], to: {fields: [phone_number]}, body: Hi,\n"
        "     quiet_hours: {from: '21:00', to: '08:00', then: hold}, max_age: 2h}\n"
    )
    happened = event() | {"time": "2026-03-02T20:30:00+08:00"}
    file = place.events(happened)
    held = place.process("--dry-run", file, as_of="2026-03-02T21:30:00+08:00")
    (decision,) = held.only("decision")
    assert (decision["verdict"], decision["reason"]) == ("hold", "quiet_hours")
    assert decision["not_before"] == "2026-03-03T00:00:00+00:00"
    # A time without an offset is the desk's own.
    assert place.process("--dry-run", file, as_of="2026-03-02T20:45").summary["queued"] == 1
    old = place.process("--dry-run", file, as_of="2026-03-03T09:00:00+08:00")
    assert old.summary["stops"] == {"too_old": 1}
    # It also dates what is stored, and really sends.
    sent = place.process(file, as_of="2026-03-02T20:45:00+08:00")
    assert sent.summary["sent"] == 1
    assert place.outbox()[0]["created_at"] == "2026-03-02T12:45:00+00:00"


def test_the_end_of_a_run_says_what_is_held_and_what_lets_it_go(place: Place) -> None:
    place.rules(
        "version: 1\n"
        "rules:\n"
        "  - {name: late, events: [completed], to: {fields: [phone_number]}, body: Hi,\n"
        "     quiet_hours: {from: '21:00', to: '08:00', then: hold}}\n"
    )
    done = place.process(place.events(event()), as_of="2026-03-02T22:00:00+08:00")
    assert (done.code, done.summary["held"]) == (0, 1)
    assert "1 text is held (quiet_hours 1)" in done.err
    assert "`sms-notify tick`" in done.err


def test_two_fields_with_the_same_number_are_one_text(place: Place, eight: Loopback) -> None:
    place.rules(
        "version: 1\n"
        "rules:\n"
        "  - {name: both, events: [completed], body: Hi,\n"
        "     to: {fields: [phone_number, sender_phone_number], fixed: ['+6591230001']}}\n"
    )
    both = event(phone_number="91230001; 9123 0002", sender_phone_number="+65 9123 0001")
    assert place.process(place.events(both)).summary["sent"] == 2
    assert eight.numbers == ["+6591230001", "+6591230002"]


def test_the_stream_of_results_is_one_object_a_line(place: Place) -> None:
    done = place.process(place.events(event(), b"{", event(number=2)))
    assert [row["type"] for row in done.json] == ["decision", "decision", "rejected", "summary"]
    assert all(json.dumps(row) for row in done.json)


def test_who_wants_to_see_more_reads_every_decision(place: Place) -> None:
    place.rules(
        "version: 1\n"
        "rules:\n"
        "  - {name: late, events: [completed], to: {fields: [phone_number]}, body: Hi,\n"
        "     quiet_hours: {from: '21:00', to: '08:00', then: hold}}\n"
        "  - {name: alarm, events: [completed], to: {fixed: ['+6591239999']},\n"
        "     body: '{{ do_number }} is done'}\n"
    )
    file = place.events(event(), event(number=2, phone_number=""))
    told = place.run("process", "-v", file, as_of="2026-03-02T22:00:00+08:00").out
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert any(line.startswith("hold late completed DO-1 +6591230001 until") for line in lines)
    assert "send alarm completed DO-1 +6591239999" in lines
    assert any(line.startswith("stop late completed DO-2 nobody no_recipient") for line in lines)
    place.rules(
        "version: 1\n"
        "rules:\n"
        "  - {name: other, events: [failed], to: {fields: [phone_number]}, body: Hi}\n"
    )
    told = place.run("tick", "-v", as_of="2026-03-03T08:00:10+08:00").out
    assert "stop  late  DO-1  rule_gone" in told
