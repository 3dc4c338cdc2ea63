"""How real a run is: sandbox, test, live; and that one never counts for another."""

from __future__ import annotations

from typing import Any

import pytest
from loopback import Loopback
from place import Place, event

ALLOWED = "+6591230001"
TEST_TO = "+6591230000"


def _settings(place: Place, server: Loopback, mode: str, **tables: Any) -> None:
    account = {
        "provider": "8x8",
        "api_key": "k",
        "subaccount_id": "acme",
        "base_url": server.url,
    }
    place.settings(
        mode=mode, accounts={"main": account}, test_to=TEST_TO, allow=[ALLOWED], **tables
    )


def test_a_sandbox_records_texts_and_sends_none(place: Place, eight: Loopback) -> None:
    _settings(place, eight, "sandbox")
    done = place.process(place.events(event()))
    assert (done.code, done.summary["sent"], eight.seen) == (0, 1, [])
    (message,) = place.outbox()
    assert (message["account"], message["state"], message["mode"]) == (
        "sandbox",
        "delivered",
        "sandbox",
    )


def test_without_any_settings_everything_runs_in_a_sandbox(bare: Place) -> None:
    bare.rules()
    done = bare.process(bare.events(event(phone_number="+6591230001")))
    assert (done.code, done.summary["sent"]) == (0, 1)
    assert bare.outbox()[0]["account"] == "sandbox"


def test_in_test_mode_only_the_allowed_are_texted_and_the_rest_goes_to_the_test_number(
    place: Place, eight: Loopback
) -> None:
    _settings(place, eight, "test")
    done = place.process(place.events(event(number=1), event(number=2)))
    assert done.summary["sent"] == 2
    texts = {row["destination"]: row["text"] for row in eight.sent}
    assert texts == {
        ALLOWED: "Hi Mei, DO-1 has arrived.",
        TEST_TO: "TEST for +6591230002: Hi Mei, DO-2 has arrived.",
    }
    redirected = done.only("decision")[1]
    assert (redirected["recipient"], redirected["to"]) == ("+6591230002", TEST_TO)


def test_without_a_test_number_strangers_are_not_texted(place: Place, eight: Loopback) -> None:
    account = {"provider": "8x8", "api_key": "k", "subaccount_id": "acme", "base_url": eight.url}
    place.settings(mode="test", accounts={"main": account}, allow=[ALLOWED])
    done = place.process(place.events(event(number=1), event(number=2)))
    assert done.summary["stops"] == {"not_allowed": 1}
    assert eight.numbers == [ALLOWED]


def test_no_rehearsal_suppresses_the_real_text(place: Place, eight: Loopback) -> None:
    file = place.events(event(number=2))
    for mode, texted in (("sandbox", []), ("test", [TEST_TO]), ("live", ["+6591230002"])):
        _settings(place, eight, mode)
        eight.seen.clear()
        done = place.process(file)
        assert (done.summary["sent"], done.summary["duplicates"]) == (1, 0), mode
        assert eight.numbers == texted
        assert place.process(file).summary["duplicates"] == 1


def test_no_mode_sends_what_another_mode_queued(place: Place, eight: Loopback) -> None:
    _settings(place, eight, "test")
    place.process("--queue-only", place.events(event()), as_of="")
    _settings(place, eight, "live")
    assert place.json("deliver").json[0]["sent"] == 0
    assert place.json("tick").summary["sent"] == 0
    assert eight.seen == []


@pytest.mark.parametrize("mode", ["Live", "production", "", "LIVE"])
def test_live_must_be_said_exactly(place: Place, eight: Loopback, mode: str) -> None:
    _settings(place, eight, mode)
    done = place.run("process", place.events(event()))
    assert (done.code, eight.seen) == (2, [])
    assert "mode" in done.err
