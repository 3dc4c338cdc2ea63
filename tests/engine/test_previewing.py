"""What the console says that rules would say, beside what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.engine.previewing import MOST_LINES, Tried, lines_of, try_events
from smsnotify.model.decision import Mode
from smsnotify.model.facts import Policy
from smsnotify.plans.book import Book
from smsnotify.plans.load import load_book
from smsnotify.store.open import open_store
from smsnotify.store.store import Store

RULES = """
version: 1
rules:
  - {name: done, events: [completed], to: {fields: [phone_number]}, body: "{{ do_number }}!"}
  - {name: named, events: [completed], to: {fields: [phone_number]}, body: "{{ zone }}"}
  - name: north
    events: [completed]
    groups: [North]
    to: {fields: [phone_number]}
    body: "North"
"""
POLICY = Policy(mode=Mode.LIVE, country="SG", countries=frozenset({"SG"}), timezone="UTC")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Three rules."""
    file = tmp_path / "rules.yaml"
    file.write_text(RULES, encoding="utf-8")
    return load_book((file,), "SG", {})


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """Empty books."""
    with open_store(sqlite_url) as opened:
        yield opened


def event(number: str, phone: str = "+6591230000", **job: str) -> dict[str, object]:
    told = {"do_number": number, "date": "2026-03-02", "phone_number": phone, **job}
    return {"event": "completed", "job": told}


def tried(store: Store | None, book: Book, written: object, now: datetime) -> Tried:
    text = written if isinstance(written, str) else json.dumps(written, indent=2)
    return try_events(store, book, POLICY, text, now, lambda decision: Decimal("0.1"))


def verdicts(found: Tried) -> list[tuple[str, str, str]]:
    return [(one.draft.terms.id, one.verdict.value, one.reason) for one, _ in found.decisions]


def test_a_try_says_what_intake_then_does(store: Store, book: Book, now: datetime) -> None:
    written = [event("DO-1"), event("DO-2", "12"), event("DO-3", group_name="north", zone="East")]
    store.opt_out("+6591230000", now, source="test")
    store.opt_in("+6591230000", now, source="test")
    before = tried(store, book, written, now)
    lines = [json.dumps(one).encode() for one in written]
    really = Intake(book.rules, POLICY, store, ticket=Ticket()).take(1, lines, now)
    assert [one.as_json() for one, _ in before.decisions] == [
        one.as_json() for one in really.decisions
    ]
    assert {one.verdict.value for one in really.decisions} == {"send", "stop"}


def test_a_try_keeps_nothing_and_knows_what_was_sent(
    store: Store, book: Book, now: datetime
) -> None:
    assert verdicts(tried(store, book, event("DO-1"), now))[0] == ("done", "send", "")
    assert store.is_blank()
    line = json.dumps(event("DO-1")).encode()
    Intake(book.rules, POLICY, store, ticket=Ticket()).take(1, [line], now)
    assert verdicts(tried(store, book, event("DO-1"), now))[0] == ("done", "stop", "duplicate")
    assert verdicts(tried(None, book, event("DO-1"), now))[0] == ("done", "send", "")


def test_every_rule_is_explained(book: Book, now: datetime) -> None:
    (explained,) = tried(None, book, event("DO-1"), now).explained
    assert (explained.event, explained.job) == ("completed", "DO-1")
    matched = {one.rule.id: one.matched for one in explained.verdicts}
    assert matched == {"done": True, "named": True, "north": False}


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(book: Book, now: datetime) -> None:
    found = tried(None, book, '{"event": "completed"}\nnonsense\n' + json.dumps(event("D")), now)
    assert [one.line for one in found.rejected] == [1, 2]
    assert verdicts(found)[0] == ("done", "send", "")
    assert tried(None, book, "[]", now).decisions == []


def test_a_text_becomes_lines() -> None:
    assert lines_of(' {"a":\n 1}\n') == [b'{"a":1}']
    assert lines_of('[{"a": 1}, 2]') == [b'{"a":1}', b"2"]
    assert lines_of('{"a":1}\n\n{"a":2}\n') == [b'{"a":1}', b'{"a":2}']
    assert lines_of("") == []
    assert len(lines_of("x\n" * 100)) == MOST_LINES
    assert lines_of("[" * 100_000) == [b"[" * 100_000]
    assert lines_of("\ud800") == [b"?"]
