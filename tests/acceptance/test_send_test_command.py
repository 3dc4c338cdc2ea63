"""`send-test`: one sample text to the test number, through a real account in every mode."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from loopback import Loopback, Reply, TwilioDesk
from place import Place, event, job

from smsnotify.engine.delivery import drain

TEST_TO = "+6591230000"


@pytest.mark.parametrize("mode", ["sandbox", "test", "live"])
def test_it_is_real_in_every_mode_and_shows_the_providers_id(
    place: Place, eight: Loopback, mode: str
) -> None:
    account = {"provider": "8x8", "api_key": "k", "subaccount_id": "acme", "base_url": eight.url}
    place.settings(mode=mode, accounts={"main": account}, test_to=TEST_TO)
    done = place.run("send-test", "--rule", "delivered")
    assert done.code == 0, done.err
    (row,) = eight.sent
    assert (row["destination"], row["text"]) == (TEST_TO, "Hi Mei Tan, DO-SAMPLE has arrived.")
    assert f"accepted by main as umid-{row['clientMessageId']}" in done.out
    assert "Hi Mei Tan, DO-SAMPLE has arrived." in done.out
    # It is sent as often as one likes.
    (message,) = place.json("send-test", "--rule", "delivered").json
    assert (message["type"], message["state"], message["account"]) == (
        "message",
        "accepted",
        "main",
    )


def test_a_plain_text_and_none_at_all(place: Place, eight: Loopback) -> None:
    place.run("send-test", "Hello from Acme")
    place.run("send-test", "--to", "91230007")
    assert [(row["destination"], row["text"]) for row in eight.sent] == [
        (TEST_TO, "Hello from Acme"),
        ("+6591230007", "This is a test text from sms-notify."),
    ]
    assert [row["job"] for row in place.outbox()] == ["", ""], "it is about no job"


def test_a_job_of_ones_own_can_be_shown(place: Place, eight: Loopback) -> None:
    place.events(event(deliver_to_collect_from="Ana"), name="job.jsonl")
    place.run("send-test", "--rule", "delivered", "--event", "job.jsonl")
    place.events(job(2, deliver_to_collect_from="Bo"), name="bare.json")
    place.run("send-test", "--rule", "delivered", "--event", "bare.json")
    assert [row["text"] for row in eight.sent] == [
        "Hi Ana, DO-1 has arrived.",
        "Hi Bo, DO-2 has arrived.",
    ]
    assert {row["destination"] for row in eight.sent} == {TEST_TO}


def test_a_test_stands_in_the_way_of_no_real_text(place: Place, eight: Loopback) -> None:
    place.events(event(), name="job.jsonl")
    place.run("send-test", "--rule", "delivered", "--event", "job.jsonl")
    assert place.process(place.events(event())).summary["sent"] == 1


def test_the_account_can_be_chosen(place: Place, eight: Loopback, serve: Any) -> None:
    other = serve(TwilioDesk())
    accounts = {
        "main": {"provider": "8x8", "api_key": "k", "subaccount_id": "acme", "base_url": eight.url},
        "backup": {
            "provider": "twilio",
            "account_sid": "AC" + "0" * 32,
            "auth_token": "t",
            "sender": "+6531590000",
            "base_url": other.url,
        },
    }
    place.settings(mode="live", accounts=accounts, test_to=TEST_TO)
    done = place.run("send-test", "Hi", "--account", "backup")
    assert f"accepted by backup as SM{1:032x}" in done.out
    assert eight.seen == []
    unknown = place.run("send-test", "Hi", "--account", "nobody")
    assert (unknown.code, "the accounts are main, backup" in unknown.err) == (2, True)


def test_a_refusal_is_shown_with_the_providers_words(place: Place, twilio: Loopback) -> None:
    done = place.run("send-test", "Hi", "--to", "+6591238888")
    assert done.code == 1
    assert "failed by backup: landline" in done.out
    (message,) = place.json("send-test", "Hi", "--to", "+6591238888").json
    assert (message["state"], message["error"]) == ("failed", "landline")


def test_wrong_credentials_are_shown(place: Place, eight: Loopback) -> None:
    eight.answer = lambda seen: Reply(401, {"code": 1200, "message": "Invalid api key"})
    done = place.run("send-test", "Hi")
    assert done.code == 3
    assert "not sent by main, and not kept for later: bad_credentials" in done.out
    assert "still queued" not in done.err


def test_what_does_not_leave_at_once_is_not_kept(
    place: Place, eight: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsnotify.cli.delivering.drain", partial(drain, patience_s=0.0))
    account = {
        "provider": "8x8",
        "api_key": "k",
        "subaccount_id": "acme",
        "base_url": "http://127.0.0.1:9",
    }
    place.settings(mode="live", accounts={"main": account}, test_to=TEST_TO)
    done = place.run("send-test", "Hi")
    assert done.code == 3
    assert "not sent by main, and not kept for later: provider_down" in done.out
    assert [row["state"] for row in place.outbox()] == ["cancelled"]
    place.run("pause")
    paused = place.run("send-test", "Hi")
    assert (paused.code, "not sent by main" in paused.out) == (3, True)


def test_without_accounts_the_sandbox_takes_it(place: Place) -> None:
    done = place.run("send-test", "Hi", "--to", TEST_TO)
    assert (done.code, "by sandbox" in done.out) == (0, True)


def test_who_opted_out_gets_no_test_either(place: Place, eight: Loopback) -> None:
    place.run("contacts", "opt-out", TEST_TO)
    done = place.run("send-test", "Hi")
    assert (done.code, eight.seen) == (1, [])
    assert "not sent: opted_out" in done.out
    assert place.json("send-test", "Hi").json[0]["reason"] == "opted_out"


def test_a_value_that_the_job_lacks_is_named(place: Place, eight: Loopback) -> None:
    place.events(event("failed"), name="job.jsonl")
    done = place.run("send-test", "--rule", "missed", "--event", "job.jsonl")
    assert (done.code, eight.seen) == (1, [])
    assert "missing_value, reason has no value" in done.out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["Hi", "--rule", "delivered"], "not both"),
        (["Hi", "--event", "job.jsonl"], "--event is for a rule's text"),
        (["--rule", "delivred"], "there is no rule 'delivred'"),
        (["Hi", "--to", "12"], "cannot be texted: not_a_number"),
        (["Hi", "--to", "+6561234567"], "cannot be texted: landline"),
        (["--rule", "delivered", "--event", "nowhere.json"], "does not exist"),
        (["--rule", "delivered", "--event", "empty.json"], "holds no event"),
    ],
)
def test_wrong_usage_is_told_and_sends_nothing(
    place: Place, eight: Loopback, args: list[str], said: str
) -> None:
    (place / "empty.json").write_bytes(b"")
    done = place.run("send-test", *args)
    assert (done.code, eight.seen) == (2, [])
    assert said in done.err


def test_a_broken_job_is_told(place: Place, eight: Loopback) -> None:
    place.events(b"{", name="job.jsonl")
    done = place.run("send-test", "--rule", "delivered", "--event", "job.jsonl")
    assert (done.code, eight.seen) == (1, [])
    assert "not JSON" in done.err


def test_without_a_test_number_it_says_where_to_set_one(place: Place) -> None:
    done = place.run("send-test", "Hi")
    assert done.code == 2
    assert "set test_to" in done.err
