"""Who said STOP gets nothing, however old, held, queued again or redirected a text is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from smsnotify.engine.accounts import Account
from smsnotify.engine.delivery import drain
from smsnotify.engine.intake import Intake
from smsnotify.engine.release import release_due
from smsnotify.model.contact import ConsentChange
from smsnotify.model.decision import Mode
from smsnotify.model.facts import Policy
from smsnotify.model.message import InboundMessage, Message
from smsnotify.providers.sandbox import Sandbox, SandboxSettings
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.load import load_rules
from smsnotify.store.open import open_store
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

CUSTOMER, TESTER = "+6591230000", "+6598765432"
RULES = """
version: 1
defaults: {max_age: none}
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "Order {{ do_number }} has arrived."
  - name: held
    events: [failed]
    quiet_hours: {from: "11:00", to: "13:00"}
    to: {fields: [phone_number]}
    body: "We missed you."
"""
POLICY = Policy(mode=Mode.LIVE, country="SG", timezone="Asia/Singapore")
TESTING = Policy(mode=Mode.TEST, country="SG", timezone="Asia/Singapore", test_to=TESTER)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return load_rules([tmp_path / "rules.yaml"], country="SG")


def happen(
    store: Store, rules: RuleSet, policy: Policy, now: datetime, *numbers: str, event: str
) -> Any:
    lines = [
        b'{"event":"%s","job":{"do_number":"D%d","phone_number":"%s"}}'
        % (event.encode(), n, number.encode())
        for n, number in enumerate(numbers)
    ]
    return Intake(rules, policy, store).take(1, lines, now).decisions


def deliver(store: Store, mode: Mode, now: datetime, limit: int | None = None) -> int:
    box = Account(name="box", provider=Sandbox(SandboxSettings()))
    routes = {"default": (("box",),)}
    report = asyncio.run(
        drain(store, {"box": box}, routes, mode=mode, clock=lambda: now, limit=limit)
    )
    return report.sent


def texts(store: Store) -> list[Message]:
    return store.list_messages(Wanted(), None)


def test_a_queued_text_is_cancelled_when_its_reader_opts_out(
    store: Store, rules: RuleSet, now: datetime
) -> None:
    happen(store, rules, POLICY, now, CUSTOMER, event="completed")
    store.opt_out(CUSTOMER, now, source="person")
    assert deliver(store, Mode.LIVE, now) == 0
    (text,) = texts(store)
    assert (text.state, text.gate, text.reason) == ("cancelled", "opted_out", "opted_out")


def test_queued_again_by_hand_it_still_does_not_leave(
    store: Store, rules: RuleSet, now: datetime
) -> None:
    happen(store, rules, POLICY, now, CUSTOMER, event="completed")
    store.cancel(Wanted(), now)
    store.opt_out(CUSTOMER, now, source="person")
    assert store.retry(Wanted(), now) == 1
    assert deliver(store, Mode.LIVE, now) == 0
    store.opt_in(CUSTOMER, now, source="person")
    assert store.retry(Wanted(), now) == 1
    assert deliver(store, Mode.LIVE, now) == 1


def test_texts_to_nobody_keep_no_other_text_waiting(
    store: Store, rules: RuleSet, now: datetime
) -> None:
    numbers = [f"+659123{n:04}" for n in range(700)]
    happen(store, rules, POLICY, now, *numbers, event="completed")
    for number in numbers[:650]:
        store.opt_out(number, now, source="person")
    assert deliver(store, Mode.LIVE, now) == 50
    assert {text.state for text in texts(store)} == {"delivered", "cancelled"}


def test_a_test_text_does_not_go_to_a_tester_who_opted_out(
    store: Store, rules: RuleSet, now: datetime
) -> None:
    store.opt_out(TESTER, now, source="person")
    (decision,) = happen(store, rules, TESTING, now, CUSTOMER, event="completed")
    assert (decision.verdict, decision.gate, decision.reason) == ("stop", "mode", "opted_out")


def test_a_held_test_text_is_not_released_to_a_tester_who_opted_out(
    store: Store, rules: RuleSet, now: datetime
) -> None:
    (decision,) = happen(store, rules, TESTING, now, CUSTOMER, event="failed")
    assert (decision.verdict, decision.to) == ("hold", TESTER)
    store.opt_out(TESTER, now, source="person")
    assert decision.not_before is not None
    (again,) = release_due(store, rules, TESTING, decision.not_before)
    assert again.decision is not None
    assert again.decision.reason == "opted_out"
    assert [text.state for text in texts(store)] == ["cancelled"]


def test_an_opt_out_of_one_purpose_or_sender_cancels_what_it_is_about(
    store: Store, rules: RuleSet, now: datetime
) -> None:
    numbers = [f"+659123000{n}" for n in range(4)]
    happen(store, rules, POLICY, now, *numbers, event="completed")
    scopes = ["all", "purpose:marketing", "sender:ACME", "sender:OTHER"]
    store.note_consents(
        [
            ConsentChange(recipient=number, opted_out=True, source="person", at=now, scope=scope)
            for number, scope in zip(numbers, scopes, strict=True)
        ],
        now,
    )
    acme = Account(name="box", provider=Sandbox(SandboxSettings(sender="ACME")))
    report = asyncio.run(
        drain(store, {"box": acme}, {"default": (("box",),)}, mode=Mode.LIVE, clock=lambda: now)
    )
    assert report.sent == 2
    cancelled = {text.recipient for text in texts(store) if text.state == "cancelled"}
    assert cancelled == {numbers[0], numbers[2]}


def test_what_may_be_an_opt_out_holds_queued_texts_until_a_clerk_has_decided(
    store: Store, rules: RuleSet, now: datetime
) -> None:
    for decided_by, left in (("opt-out", "cancelled"), ("nothing", "queued")):
        number = {"cancelled": "+6591230001", "queued": "+6591230002"}[left]
        happen(store, rules, POLICY, now, number, event="completed")
        reply = InboundMessage(provider_message_id=number, sender=number, to="+1", body="no more")
        store.note_replies("box", [reply], now)
        (kept,) = store.unworked_replies()
        store.set_reply_state(kept.id, was="new", state="doubtful", now=now)
        assert deliver(store, Mode.LIVE, now) == 0
        (text,) = store.list_messages(Wanted(states=frozenset({"held"})), None)
        assert (text.gate, text.reason, text.not_before) == ("opted_out", "opt_out_in_doubt", None)
        assert release_due(store, rules, POLICY, now) == []
        if decided_by == "opt-out":
            store.opt_out(number, now, source="clerk")
        store.set_reply_state(kept.id, was="doubtful", state="worked", now=now)
        (again,) = release_due(store, rules, POLICY, now)
        (text,) = [one for one in texts(store) if one.recipient == number]
        assert (again.message.id, text.state) == (text.id, left)
