"""From events to decisions: keys, occasions, recipients, words; all pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest

from smsnotify.engine.decide import judge
from smsnotify.engine.drafting import match
from smsnotify.gates.occasion import occasion
from smsnotify.model.decision import Decision, Mode, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Person, Policy
from smsnotify.model.job import Job
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.load import load_rules

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
HOME = Policy(mode=Mode.LIVE, country="SG", countries=frozenset({"SG"}), timezone="Asia/Singapore")
RULES = """
    version: 1
    rules:
      - name: delivered
        events: [completed, scheduled, heading_to, on_hold, feedback, pre_job]
        pre_job: {days_before: 1, at: "18:00"}
        to: {fields: [phone_number, sender_phone_number]}
        body: "Hi {{ deliver_to_collect_from }}, {{ do_number }}"
    """


@pytest.fixture
def load(tmp_path: Path):
    def write(text: str) -> RuleSet:
        path = tmp_path / "rules.yaml"
        path.write_text(dedent(text), encoding="utf-8")
        return load_rules([path], country="SG")

    return write


def event(rules: RuleSet, name: str = "completed", **fields: object) -> Event:
    known = {
        "id": "1",
        "do_number": "DO-1",
        "deliver_to_collect_from": "Mei",
        "phone_number": "+6591230000",
    } | fields
    known = {key: value for key, value in known.items() if key in rules.job_type.__struct_fields__}
    return Event(name, msgspec.convert(known, rules.job_type), "id:1")


def decide(
    rules: RuleSet, *events: Event, policy: Policy = HOME, mei: Person | None = None
) -> list[Decision]:
    drafts = [draft for one in events for draft in match(one, rules, policy, NOW)]
    return judge(drafts, Facts({}, {"+6591230000": mei} if mei else {}), policy, NOW)


def test_a_matched_rule_texts_its_recipient(load) -> None:
    rules = load(RULES)
    (decision,) = decide(rules, event(rules, tracking_link="https://trk.la/1"))
    assert decision.verdict is Verdict.SEND
    assert decision.to == "+6591230000"
    assert decision.body == "Hi Mei, DO-1\nhttps://trk.la/1"
    assert (decision.encoding, decision.segments) == ("GSM7", 1)


def test_a_number_in_two_fields_gets_one_text(load) -> None:
    rules = load(RULES)
    decisions = decide(rules, event(rules, sender_phone_number="9123 0000; +65 9123 0001"))
    assert [one.to for one in decisions] == ["+6591230000", "+6591230001"]


def test_nobody_to_text_is_a_visible_decision(load) -> None:
    rules = load(RULES)
    (decision,) = decide(rules, event(rules, phone_number=None))
    assert (decision.verdict, decision.reason) == (Verdict.STOP, "no_recipient")


@pytest.mark.parametrize(
    ("number", "country", "reason"),
    [
        ("hello", None, "not_a_number"),
        ("+60123456789", None, "country_not_allowed"),
        ("+6561234567", None, "landline"),
    ],
)
def test_a_number_that_gets_no_text_says_why(load, number: str, country: str, reason: str) -> None:
    rules = load(RULES)
    (decision,) = decide(rules, event(rules, phone_number=number, country=country))
    assert (decision.verdict, decision.reason) == (Verdict.STOP, reason)


def test_the_same_thing_twice_is_a_duplicate_within_one_batch(load) -> None:
    rules = load(RULES)
    first, second = decide(rules, event(rules), event(rules))
    assert first.verdict is Verdict.SEND
    assert (second.verdict, second.reason) == (Verdict.STOP, "duplicate")
    assert second.earlier is not None


def test_a_stopped_draft_leaves_no_key(load) -> None:
    rules = load(RULES)
    missing = event(rules, deliver_to_collect_from=None)
    first, second = decide(rules, missing, event(rules))
    assert (first.reason, first.detail) == (
        "missing_value",
        "deliver_to_collect_from has no value",
    )
    assert second.verdict is Verdict.SEND


def test_an_opted_out_recipient_is_stopped(load) -> None:
    rules = load(RULES)
    (decision,) = decide(rules, event(rules), mei=Person(opted_out=True))
    assert (decision.verdict, decision.reason) == (Verdict.STOP, "opted_out")


def test_too_long_says_how_long(load) -> None:
    rules = load(RULES)
    (decision,) = decide(rules, event(rules, deliver_to_collect_from="x" * 500))
    assert decision.reason == "too_long"
    assert decision.detail == "4 segments in GSM7, max_segments is 3"


def test_test_mode_marks_and_redirects(load) -> None:
    rules = load(RULES)
    policy = msgspec.structs.replace(HOME, mode=Mode.TEST, test_to="+6598765432")
    (decision,) = decide(rules, event(rules), policy=policy)
    assert (decision.to, decision.draft.recipient) == ("+6598765432", "+6591230000")
    assert decision.body.startswith("TEST for +6591230000: Hi Mei")


def test_the_mode_is_part_of_the_key(load) -> None:
    rules = load(RULES)
    keys = {
        match(event(rules), rules, msgspec.structs.replace(HOME, mode=mode), NOW)[0].key
        for mode in Mode
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("name", "one", "other", "news"),
    [
        ("completed", {"date": "2026-03-02"}, {"date": "2026-03-05"}, False),
        ("completed", {"attempt": 1}, {"attempt": 2}, True),
        ("completed", {"attempt": 1}, {"attempt": "1"}, False),
        ("scheduled", {"date": "2026-03-03"}, {"date": "2026-03-05"}, True),
        ("pre_job", {"date": "2026-03-03"}, {"date": "2026-03-05"}, True),
        ("pre_job", {"date": "2026-03-03"}, {"date": "2026-03-03"}, False),
    ],
)
def test_what_makes_it_news_again(
    name: str, one: dict[str, object], other: dict[str, object], news: bool
) -> None:
    first = occasion(Event(name, Job(**one)), HOME, NOW)  # type: ignore[arg-type]
    second = occasion(Event(name, Job(**other)), HOME, NOW)  # type: ignore[arg-type]
    assert (first != second) is news


@pytest.mark.parametrize("name", ["heading_to", "heading_to_cancelled", "arrived"])
def test_another_heading_to_is_news(name: str) -> None:
    first = occasion(Event(name, Job(), stamp="2026-03-02T05:00:00Z"), HOME, NOW)
    second = occasion(Event(name, Job(), stamp="2026-03-02T06:00:00Z"), HOME, NOW)
    assert first != second


def test_another_day_on_hold_is_news_and_the_same_day_is_not() -> None:
    morning = Event("on_hold", Job(), time=NOW)
    evening = Event("on_hold", Job(), time=NOW + timedelta(hours=8))
    tomorrow = Event("on_hold", Job(), time=NOW + timedelta(hours=18, minutes=1))
    assert occasion(morning, HOME, NOW) == occasion(evening, HOME, NOW)
    assert occasion(morning, HOME, NOW) != occasion(tomorrow, HOME, NOW)


def test_repeat_each_counts_every_stamp() -> None:
    first = Event("delayed", Job(), time=NOW)
    again = Event("delayed", Job(), time=NOW + timedelta(minutes=5))
    assert occasion(first, HOME, NOW) == occasion(again, HOME, NOW)
    assert occasion(first, HOME, NOW, each=True) != occasion(again, HOME, NOW, each=True)


def test_repeat_each_knows_another_time_by_the_stamp_of_the_job() -> None:
    stamps = (
        *("2026-03-02T14:05:00+08:00", "2026-03-02T06:05:00Z", "2026-03-02 17:00:00"),
        *(None, "soon", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59Z"),
    )
    found = [
        occasion(Event("completed", Job(pod_at=stamp)), HOME, NOW, each=True) for stamp in stamps
    ]
    assert found[0] == found[1] != found[2]
    assert found[3:] == ["1"] * 4


def test_fixed_numbers_always_hear_it(load) -> None:
    rules = load(
        """
        version: 1
        rules:
          - name: alarm
            events: [failed]
            reasons: ["Nobody at home"]
            to: {fixed: ["+6598765432"]}
            body: "{{ do_number }} failed"
        """
    )
    (decision,) = decide(rules, event(rules, "failed", reason="nobody at home"))
    assert decision.to == "+6598765432"
    assert decide(rules, event(rules, "failed", reason="Refused")) == []
