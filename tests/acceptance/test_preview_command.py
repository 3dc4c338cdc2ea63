"""`preview`: the texts as the phone would show them, what they cost, and the request itself."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from loopback import Loopback
from place import NOON, Place, event
from rich.console import Console

from smsnotify.cli import show


@pytest.fixture
def priced(place: Place, eight: Loopback) -> Place:
    """A live desk with a price for Singapore."""
    account = {
        "provider": "8x8",
        "api_key": "eight-key",
        "subaccount_id": "acme_notify",
        "sender": "ACME",
        "base_url": eight.url,
    }
    place.settings(
        mode="live",
        accounts={"main": account},
        prices={"currency": "SGD", "8x8": {"SG": "0.045"}},
        countries=["SG", "MY"],
    )
    return place


def test_a_text_is_shown_with_segments_and_cost_and_nothing_is_sent(
    priced: Place, eight: Loopback
) -> None:
    long = "x" * 150
    file = priced.events(event(), event(number=2, deliver_to_collect_from=long))
    done = priced.run("preview", file, as_of=NOON)
    assert done.code == 0
    assert "  | Hi Mei, DO-1 has arrived." in done.out
    assert "  1 segment GSM7 · 0.045 SGD" in done.out
    assert "  2 segments GSM7 · 0.090 SGD" in done.out
    assert (eight.seen, priced.outbox()) == ([], [])


def test_a_country_without_a_price_shows_no_cost(priced: Place) -> None:
    far = event(phone_number="+60123456789")
    assert "1 segment GSM7\n" in priced.run("preview", priced.events(far), as_of=NOON).out


def test_a_terminal_gets_phone_bubbles(priced: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=60, color_system=None)
    monkeypatch.setattr(show, "out", lambda: console)
    priced.run("preview", priced.events(event()), as_of=NOON)
    told = drawn.getvalue()
    assert "╭─ +6591230001" in told
    assert "Hi Mei, DO-1 has arrived." in told
    assert "1 segment GSM7 · 0.045 SGD ─╯" in told


def test_without_a_file_each_rule_is_shown_with_a_sample(priced: Place) -> None:
    done = priced.run("preview")
    assert "Hi Mei Tan, DO-SAMPLE has arrived." in done.out
    assert "We missed you with DO-SAMPLE: Nobody at home." in done.out
    one = priced.json("preview", "--rule", "missed")
    assert [row["rule"] for row in one.json] == ["missed"]
    assert priced.json("preview", "--rule", "delivered").json[0]["verdict"] == "send"


def test_rules_that_are_switched_off_can_be_previewed(priced: Place) -> None:
    priced.rules(
        "version: 1\n"
        "rules:\n"
        "  - {name: off, enabled: false, events: [completed], to: {fields: [phone_number]},\n"
        "     body: 'Hi {{ do_number }}'}\n"
    )
    assert "Hi DO-SAMPLE" in priced.run("preview", "--rule", "off").out


def test_the_request_is_shown_as_curl_without_the_key(priced: Place, eight: Loopback) -> None:
    done = priced.run("preview", "--request", priced.events(event()), as_of=NOON)
    assert done.code == 0
    assert "curl" in done.out
    assert f"{eight.url}/api/v1/subaccounts/acme_notify/messages" in done.out
    assert '"destination":"+6591230001"' in done.out.replace(" ", "")
    assert "Authorization: Bearer ***" in done.out
    assert "eight-key" not in done.out + done.err
    assert eight.seen == []


def test_the_request_needs_no_readable_secret(place: Place, eight: Loopback) -> None:
    account = {
        "provider": "twilio",
        "account_sid": "AC" + "0" * 32,
        "auth_token": {"env": "SURELY_NOT_SET"},
        "sender": "+6531590000",
    }
    place.settings(accounts={"main": account})
    done = place.run("preview", "--request", place.events(event()), as_of=NOON)
    assert done.code == 0
    assert "https://api.twilio.com" in done.out
    sandbox = place
    sandbox.settings()
    told = sandbox.run("preview", "--request", "--rule", "delivered")
    assert told.code == 0


def test_every_gates_word_is_told_and_agrees_with_process(priced: Place) -> None:
    priced.run("contacts", "opt-out", "+6591230002")
    file = priced.events(
        event(number=1),
        event(number=2),
        event(number=3, phone_number="61234567"),
        event("failed", 4),
        event(number=1, id="again"),
    )
    previewed = priced.json("preview", file, as_of=NOON)
    assert [row["verdict"] for row in previewed.only("decision")] == ["send", *["stop"] * 4]
    assert [row["reason"] for row in previewed.only("decision")] == [
        *("", "opted_out", "landline", "missing_value", "duplicate"),
    ]
    assert previewed.code == 1  # somebody has to look at the missing value
    real = priced.process("--queue-only", file)

    def told(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        return [row | {"detail": "", "earlier": None} for row in rows]

    assert told(previewed.only("decision")) == told(real.only("decision"))


def test_lines_that_are_no_events_are_told(priced: Place) -> None:
    file = priced.events(event(), b"{")
    done = priced.run("preview", file, as_of=NOON)
    assert done.code == 1
    assert "events.jsonl:2: rejected, not_json" in done.err
    rows = priced.json("preview", file, as_of=NOON)
    assert [row["type"] for row in rows.json] == ["decision", "rejected"]
    assert not (priced / "events.jsonl.rejected.jsonl").exists()


def test_standard_input_is_read_when_it_is_named(priced: Place) -> None:
    raw = (priced / priced.events(event(number=5))).read_bytes()
    assert "DO-5" in priced.run("preview", "-", stdin=raw, as_of=NOON).out
    # Without it nobody waits for what a cron job never writes.
    assert "DO-SAMPLE" in priced.run("preview", stdin=raw, as_of=NOON).out


def test_nothing_to_show_is_said(priced: Place) -> None:
    (priced / "empty.jsonl").write_bytes(b"")
    done = priced.run("preview", "empty.jsonl")
    assert (done.code, done.out) == (0, "")
    assert "empty.jsonl is empty" in done.err
    silent = priced.run("preview", priced.events(event("arrived")), as_of=NOON)
    assert (silent.code, "`sms-notify rules explain` says why" in silent.err) == (0, True)


def test_it_makes_no_database(bare: Place) -> None:
    bare.rules()
    bare.settings()
    assert bare.run("preview", bare.events(event())).code == 0
    assert not (bare / "sms-notify.db").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--rule", "nope"], "there is no rule 'nope'"),
        (["nowhere.jsonl"], "does not exist"),
        (["."], "is a folder"),
        (["--format", "xml", "empty.jsonl"], "--format 'xml' is none"),
        (["--as-of", "noon"], "is no time"),
    ],
)
def test_wrong_usage_is_told(priced: Place, args: list[str], said: str) -> None:
    Path("empty.jsonl").write_bytes(b"")
    done = priced.run("preview", *args)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
