"""The dialogue of the mission over real hooks, with both providers, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hooked import OURS, PUBLIC, Moment, account, hooked
from loopback import Answer, Loopback, TwilioDesk, eight_x_eight
from place import ROOT, Place

from smsnotify.store.open import upgrade_store

QUOTE = (ROOT / "tests" / "conversing" / "quote.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", ["twilio", "8x8"])
def test_hello_quote_buy_over_http(
    place: Place,
    serve: Callable[[Answer], Loopback],
    make_postgres: Callable[[], str],
    kind: str,
    database: str,
) -> None:
    provider = serve(TwilioDesk() if kind == "twilio" else eight_x_eight)
    tables: dict[str, object] = {}
    if database == "postgresql":
        tables["database"] = make_postgres()
        upgrade_store(str(tables["database"]))
    place.settings(
        mode="live", public_url=PUBLIC, accounts={"main": account(kind, provider.url)}, **tables
    )
    place.rules(QUOTE)
    with hooked(place, provider, clock := Moment()) as desk:
        say = desk.twilio if kind == "twilio" else desk.eight
        answer = say("Hello", **({"sid": "SM1"} if kind == "twilio" else {"umid": "1"}))
        assert answer.status_code == 200
        assert ("<Response/>" in answer.text) == (kind == "twilio")
        assert desk.texts(1) == ["Hi there! Reply QUOTE for 10 % off."]
        # The provider brings it twice.
        say("Hello", **({"sid": "SM1"} if kind == "twilio" else {"umid": "1"}))
        clock.later(seconds=20)
        assert say("Quote please").status_code == 200
        assert desk.texts(2)[1] == "Your code is TEN. Reply BUY to order."
        clock.later(seconds=20)
        say("BUY 😀")
        assert desk.texts(3)[2] == "Thank you!"
        (enrolment,) = desk.rows("enrolments")
        assert (enrolment["state"], enrolment["account"], enrolment["ours"]) == (
            "finished",
            "main",
            OURS,
        )
        senders = {row.get("From") or row.get("source") for row in provider.sent}
        assert senders == {OURS}
        assert len(provider.sent) == 3


def test_twilio_may_be_answered_in_its_own_call(
    place: Place, serve: Callable[[Answer], Loopback]
) -> None:
    provider = serve(TwilioDesk())
    own = account("twilio", provider.url, reply_with="twiml")
    place.settings(mode="live", public_url=PUBLIC, accounts={"main": own})
    place.rules(QUOTE.replace("10 % off", "10 % & more"))
    with hooked(place, provider, clock := Moment()) as desk:
        answer = desk.twilio("Hello", sid="SM1")
        assert ">Hi there! Reply QUOTE for 10 % &amp; more.</Message>" in answer.text
        (message,) = desk.rows("messages")
        assert f"/hooks/main?m={message['id']}" in answer.text
        assert (message["state"], message["attempts"]) == ("accepted", 1)
        # The provider brings it again: the answer is given once.
        assert "<Message" not in desk.twilio("Hello", sid="SM1").text
        clock.later(seconds=20)
        assert "Your code is TEN" in desk.twilio("quote").text
        assert provider.sent == []


@pytest.mark.parametrize("kind", ["twilio", "8x8"])
def test_silence_expires_and_a_refusal_ends_the_conversation(
    place: Place, serve: Callable[[Answer], Loopback], kind: str
) -> None:
    provider = serve(TwilioDesk(n6591230009=(400, 21610)) if kind == "twilio" else eight_x_eight)
    place.settings(mode="live", public_url=PUBLIC, accounts={"main": account(kind, provider.url)})
    place.rules(QUOTE)
    with hooked(place, provider, Moment()) as desk:
        say = desk.twilio if kind == "twilio" else desk.eight
        say("Hello")
        desk.texts(1)
        say("Hello", "+6591230009")
        desk.until(lambda: len(desk.provider.sent) == 2)
    done = place.json("tick", as_of="2026-03-05T12:00:01+08:00")
    assert done.code == 0
    (status,) = place.json("plans", "status").only("plan_status")
    ends = {"expired": 1, "exited": 1} if kind == "twilio" else {"expired": 2}
    assert (status["outcomes"], status["answered"]) == (ends, 0)
    if kind == "twilio":
        assert "opted out" in place.run("contacts", "show", "+6591230009").out
    assert len(provider.sent) == 2
