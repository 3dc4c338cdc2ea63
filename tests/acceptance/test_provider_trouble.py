"""What providers refuse, forget or never answer, as the person at the command line sees it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from loopback import Answer, Loopback, Reply, Seen, TwilioDesk, eight_x_eight
from place import Place, event

from smsnotify.engine.delivery import drain


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run end at once when a provider has to be tried again later."""
    monkeypatch.setattr("smsnotify.cli.delivering.drain", partial(drain, patience_s=0.0))


def test_a_number_that_said_stop_is_never_texted_again(place: Place, twilio: Loopback) -> None:
    done = place.process(place.events(event(phone_number="91239999"), event(number=2)))
    assert (done.code, done.summary["sent"], done.summary["failed"]) == (1, 1, 1)
    (failed,) = place.outbox("--state", "failed")
    assert failed["error"] == "opted_out"
    (contact,) = place.json("contacts", "list", "--opted-out").json
    assert (contact["recipient"], contact["source"]) == ("+6591239999", "provider")
    again = place.process(place.events(event(number=3, phone_number="91239999")))
    assert (again.code, again.summary["stops"]) == (0, {"opted_out": 1})
    assert len(twilio.sent) == 2
    told = place.run("why", "91239999").out
    assert "opted out" in told
    assert "opted_out" in told


def test_what_one_person_refuses_no_other_account_may_send(
    place: Place, twilio: Loopback, serve: Callable[[Answer], Loopback]
) -> None:
    second = serve(eight_x_eight)
    accounts = {
        "first": {
            "provider": "twilio",
            "account_sid": "AC" + "0" * 32,
            "auth_token": "t",
            "sender": "+6531590000",
            "base_url": twilio.url,
        },
        "second": {
            "provider": "8x8",
            "api_key": "k",
            "subaccount_id": "acme",
            "base_url": second.url,
        },
    }
    place.settings(mode="live", accounts=accounts, routes={"default": ["first", "second"]})
    place.process(place.events(event(phone_number="91239999"), event(number=2)))
    assert second.seen == []
    place.run("pause", "--account", "first")
    assert place.process(place.events(event(number=3))).summary["sent"] == 1
    assert second.numbers == ["+6591230003"]


def test_a_permanent_refusal_fails_one_text_and_the_rest_goes_on(
    place: Place, twilio: Loopback
) -> None:
    lines = [event(number=number) for number in range(1, 5)]
    done = place.process(place.events(*lines, event(number=9, phone_number="91238888")))
    assert (done.code, done.summary["sent"], done.summary["failed"]) == (1, 4, 1)
    (failed,) = place.outbox("--state", "failed")
    assert (failed["error"], failed["recipient"]) == ("landline", "+6591238888")


def test_a_failed_text_is_no_news_until_somebody_says_retry(place: Place, twilio: Loopback) -> None:
    file = place.events(event(phone_number="91238888"))
    place.process(file, as_of="")
    again = place.process(file, as_of="")
    assert (again.summary["duplicates"], again.code) == (1, 0)
    assert again.only("decision")[0]["earlier"]["state"] == "failed"
    twilio.answer = TwilioDesk()
    (failed,) = place.outbox()
    assert place.json("outbox", "retry", failed["id"]).json == [{"type": "retry", "messages": 1}]
    assert place.json("deliver").json[0]["sent"] == 1
    (sent,) = place.outbox()
    assert (sent["state"], sent["attempts"], sent["error"]) == ("accepted", 2, "")


def test_what_waits_can_be_cancelled_and_its_key_stays_taken(place: Place, eight: Loopback) -> None:
    file = place.events(event())
    place.process("--queue-only", file, as_of="")
    assert place.json("outbox", "cancel", "--all").json == [{"type": "cancel", "messages": 1}]
    assert place.json("deliver").json[0]["sent"] == 0
    assert place.process(file, as_of="").summary["duplicates"] == 1
    assert eight.seen == []
    (cancelled,) = place.outbox()
    assert place.json("outbox", "retry", cancelled["id"]).json[0]["messages"] == 1
    assert place.json("deliver").json[0]["sent"] == 1


def test_refused_credentials_stop_the_account_after_few_requests(
    place: Place, twilio: Loopback
) -> None:
    twilio.answer = lambda seen: Reply(401, {"code": 20003, "message": "Authenticate"})
    lines = [event(number=number) for number in range(1, 301)]
    tables = {
        "provider": "twilio",
        "account_sid": "AC" + "0" * 32,
        "auth_token": "wrong",
        "sender": "+6531590000",
        "base_url": twilio.url,
        "concurrency": 8,
    }
    place.settings(mode="live", accounts={"backup": tables}, volume_guard=False)
    done = place.process(place.events(*lines), as_of="")
    assert done.code == 3
    assert "account backup is stopped: the provider refuses the credentials" in done.err
    assert len(twilio.seen) <= 16
    assert done.summary["sent"] == 0
    # Nothing is lost: with the right key the same command sends all of them.
    twilio.answer = TwilioDesk()
    failed = {row["id"] for row in place.outbox("--state", "failed")}
    place.json("outbox", "retry", *failed)
    assert place.json("deliver").json[0]["sent"] == 300


def test_an_account_without_its_secret_is_stopped_before_any_request(
    place: Place, eight: Loopback
) -> None:
    account = {
        "provider": "8x8",
        "api_key": {"env": "SURELY_NOT_SET"},
        "subaccount_id": "acme",
        "base_url": eight.url,
    }
    place.settings(mode="live", accounts={"main": account})
    done = place.process(place.events(event()))
    assert (done.code, eight.seen) == (3, [])
    assert "main is stopped" in done.err


@pytest.mark.usefixtures("impatient")
def test_a_provider_that_is_away_ends_with_3_and_keeps_the_texts(
    place: Place, eight: Loopback
) -> None:
    account = {
        "provider": "8x8",
        "api_key": "k",
        "subaccount_id": "acme",
        "base_url": "http://127.0.0.1:9",
    }
    place.settings(mode="live", accounts={"main": account})
    done = place.process(place.events(event()), as_of="")
    assert (done.code, done.summary["queued"], done.summary["sent"]) == (3, 1, 0)
    assert "1 text is still queued, a provider does not take them now" in done.err
    (waiting,) = place.outbox()
    assert (waiting["state"], waiting["error"]) == ("queued", "provider_down")


@pytest.mark.usefixtures("impatient")
def test_being_told_to_wait_is_obeyed(place: Place, eight: Loopback) -> None:
    eight.answer = lambda seen: Reply(429, {"code": 429}, {"Retry-After": "120"})
    done = place.process(place.events(event()), as_of="")
    assert (done.code, len(eight.seen)) == (3, 1)
    assert place.json("deliver").json[0]["left"] == 1
    assert len(eight.seen) == 1  # not before the two minutes are over


def test_an_answer_that_never_came_is_unknown_and_not_repeated(
    place: Place, eight: Loopback
) -> None:
    eight.answer = lambda seen: Reply(500, {"code": 1, "message": "oops"})
    done = place.process(place.events(event()), as_of="")
    assert (done.code, done.summary["unknown"], done.summary["failed"]) == (1, 1, 0)
    assert place.process(place.events(event()), as_of="").summary["duplicates"] == 1
    assert place.json("deliver").json[0]["sent"] == 0
    assert len(eight.seen) == 1
    (unknown,) = place.outbox()
    assert unknown["state"] == "unknown"
    assert place.run("outbox", "retry", unknown["id"]).code == 2
    eight.answer = eight_x_eight
    assert place.run("outbox", "retry", "--unknown", unknown["id"]).code == 0
    assert place.json("deliver").json[0]["sent"] == 1


def test_tick_asks_twilio_what_became_of_a_lost_answer(place: Place, twilio: Loopback) -> None:
    desk = TwilioDesk()

    def lost(seen: Seen) -> Reply:
        reply = desk(seen)
        return reply if seen.method == "GET" else Reply(502, None)

    twilio.answer = lost
    assert place.process(place.events(event()), as_of="").summary["unknown"] == 1
    desk.rows[0]["date_created"] = place.http_date()
    tick = place.json("tick", as_of=place.soon(seconds=6))
    assert tick.code == 0
    (found,) = place.outbox()
    assert (found["state"], found["provider_message_id"]) == ("accepted", desk.rows[0]["sid"])
    assert len(twilio.sent) == 1


def test_what_8x8_refuses_inside_a_200_is_failed(place: Place, eight: Loopback) -> None:
    eight.answer = partial(eight_x_eight, code="REJECTED")
    done = place.process(place.events(event(number=1), event(number=2)))
    assert (done.code, done.summary["sent"], done.summary["failed"]) == (1, 0, 2)


def test_a_country_that_no_account_serves_is_said(place: Place, eight: Loopback) -> None:
    account = {
        "provider": "8x8",
        "api_key": "k",
        "subaccount_id": "acme",
        "base_url": eight.url,
        "countries": ["MY"],
    }
    place.settings(mode="live", accounts={"main": account}, countries=["SG", "MY"])
    done = place.process(place.events(event()))
    assert (done.code, eight.seen) == (3, [])
    assert "no account of the route serves SG" in done.err
    assert place.outbox()[0]["state"] == "queued"
