"""Rules that mail: whom, with which words, and what the gates say; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from smsnotify.engine.decide import judge
from smsnotify.engine.drafting import match
from smsnotify.model.decision import Decision, Mode, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Person, Policy
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.load import load_rules

NOW = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
MEI, NUMBER = "mei.tan@example.com", "+6591230000"
RULE = """
defaults: {quiet_hours: {from: "21:00", to: "08:00"}}
rules:
  - name: receipt
    events: [completed]
    %s
    to: {fields: [%s]}
    subject: "Order {{ do_number }}"
    body: "Hi {{ deliver_to_collect_from }}, **[the proof](https://x.test/{{ do_number }})**"
"""


def rules_of(folder: Path, channel: str, fields: str) -> RuleSet:
    file = folder / "rules.yaml"
    file.write_text(RULE % (channel, fields))
    return load_rules([file])


def decide(
    rules: RuleSet, facts: Facts | None = None, policy: Policy | None = None, **job: Any
) -> list[Decision]:
    told = {"do_number": "DO_1", "deliver_to_collect_from": "A*B [x](http://evil)"} | job
    event = Event("completed", msgspec.convert(told, rules.job_type), "id:1", "", NOW)
    policy = policy or Policy(mode=Mode.LIVE, country="SG", countries=frozenset({"SG"}))
    drafts = match(event, rules, policy, NOW)
    return judge(drafts, facts or Facts({}, {}), policy, NOW)


@pytest.fixture
def mailing(tmp_path: Path) -> RuleSet:
    return rules_of(tmp_path, "channel: email", "notify_email")


def test_a_mail_has_a_subject_and_both_its_bodies(mailing: RuleSet) -> None:
    [one] = decide(mailing, notify_email="Mei.Tan@Example.com", tracking_link="https://trk.la/a_b")
    assert (one.verdict, one.to, one.title) == (Verdict.SEND, MEI, "Order DO_1")
    assert one.body == (
        "Hi A*B [x](http://evil), **the proof: https://x.test/DO_1**\n\nhttps://trk.la/a_b"
    )
    assert "\\[x\\]\\(http" in one.markup
    assert (one.segments, one.encoding) == (0, None)
    assert one.as_json()["channel"] == "email"
    assert one.as_json()["subject"] == "Order DO_1"


def test_who_cannot_be_mailed_is_said(mailing: RuleSet) -> None:
    found = decide(mailing, notify_email="mei; ops@acme.test")
    assert [(one.verdict, one.reason) for one in found] == [
        (Verdict.STOP, "not_an_address"),
        (Verdict.SEND, ""),
    ]
    assert [one.reason for one in decide(mailing)] == ["no_recipient"]


def test_an_address_that_opted_out_gets_none(mailing: RuleSet) -> None:
    [one] = decide(mailing, Facts({}, {MEI: Person(opted_out=True)}), notify_email=MEI)
    assert one.reason == "opted_out"


def test_in_test_mode_mails_go_to_the_testers_mailbox(mailing: RuleSet) -> None:
    policy = Policy(mode=Mode.TEST, test_to=NUMBER)
    assert [one.reason for one in decide(mailing, policy=policy, notify_email=MEI)] == [
        "not_allowed"
    ]
    policy = Policy(mode=Mode.TEST, test_to=NUMBER, test_to_email="ops@acme.test")
    [one] = decide(mailing, policy=policy, notify_email=MEI)
    assert (one.to, one.title) == ("ops@acme.test", f"TEST for {MEI}: Order DO_1")
    policy = Policy(mode=Mode.TEST, allow=frozenset({MEI}))
    assert [one.to for one in decide(mailing, policy=policy, notify_email=MEI)] == [MEI]


def test_both_channels_and_quiet_hours_for_texts_alone(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "channel: [sms, email]", "phone_number, notify_email")
    found = decide(rules, phone_number=NUMBER, notify_email=MEI)
    assert [(one.draft.key.channel, one.verdict) for one in found] == [
        ("sms", Verdict.HOLD),
        ("email", Verdict.SEND),
    ]


@pytest.mark.parametrize(
    ("number", "channels"),
    [
        (NUMBER, ["sms"]),
        ("nonsense", ["sms", "email"]),
        ("+60123456789", ["sms", "email"]),
        (None, ["sms", "email"]),
    ],
)
def test_a_mail_where_no_text_can_go(
    tmp_path: Path, number: str | None, channels: list[str]
) -> None:
    rules = rules_of(tmp_path, "fallback: email", "phone_number, notify_email")
    found = decide(rules, phone_number=number, notify_email=MEI)
    assert [one.draft.key.channel for one in found] == channels
    assert all(one.verdict is Verdict.STOP for one in found[:1]) == (number != NUMBER)


def test_no_address_adds_nothing_to_a_text_that_cannot_go(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "fallback: email", "phone_number, notify_email")
    assert [one.reason for one in decide(rules)] == ["no_recipient"]


def test_an_opted_out_number_gets_no_mail_instead(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, "fallback: email", "phone_number, notify_email")
    facts = Facts({}, {NUMBER: Person(opted_out=True)})
    assert [one.reason for one in decide(rules, facts, phone_number=NUMBER, notify_email=MEI)] == [
        "opted_out"
    ]
