"""The short ways of deciding come to what the long ones do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.engine import decide, drafting
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Policy
from smsnotify.rules.load import load_rules

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
RULES = """
version: 1
defaults: {max_segments: 2}
rules:
  - name: one number
    events: [completed, arrived]
    to: {fields: [phone_number]}
    body: "{{ deliver_to_collect_from }} {{ remarks | default('') }}"
  - name: each time, with the link inside
    events: [completed]
    to: {fields: [phone_number]}
    tracking_link: inline
    body: "{{ remarks | default('') }} {{ tracking_link | default('') }}"
  - name: old news too
    events: [completed, arrived]
    max_age: {completed: none, default: 1h}
    to: {fields: [phone_number]}
    body: "{{ do_number }}"
"""
numbers = st.sampled_from(
    ["+6591230000", "91230000", "6591230000", "61230000", "+60123456789", "9123 0000", "abc", ""]
)
words = st.text(st.sampled_from("ab [€é漢😀\n "), max_size=12)
events = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["completed", "arrived"]),
        "job": st.fixed_dictionaries(
            {
                "do_number": st.just("DO-1"),
                "attempt": st.sampled_from([1, 2, "2", None]),
                "deliver_to_collect_from": st.one_of(words, st.none(), st.just(7)),
                "remarks": st.one_of(words, st.none(), words.map(lambda word: word * 20)),
                "phone_number": st.one_of(numbers, st.none(), st.just(91230000)),
                "country": st.sampled_from(["SG", "Malaysia", None, 5]),
                "tracking_link": st.sampled_from([None, "https://trk.la/1"]),
                "pod_at": st.sampled_from([None, "2026-02-01T10:00:00+08:00"]),
            }
        ),
        "age": st.none() | st.integers(-1, 30),
        "zone": st.sampled_from([UTC, timezone(timedelta(hours=8))]),
    }
)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> object:
    path: Path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return load_rules([path], country="SG")


@given(
    written=st.lists(events, min_size=1, max_size=6),
    countries=st.sampled_from([None, frozenset({"SG"})]),
)
def test_short_and_long_ways_decide_alike(rules, written, countries) -> None:
    policy = Policy(country="SG", countries=countries, timezone="Asia/Singapore")
    quick, slow = [], []
    for one in written:
        age = one["age"]
        time = None if age is None else (NOW - timedelta(hours=age)).astimezone(one["zone"])
        event = Event(one["name"], msgspec.convert(one["job"], rules.job_type), "id:1", "e", time)
        for rule in rules.matching(event.name, event.job):
            quick += drafting.drafts_of(rule, event, policy, NOW)
            slow += drafting.drafts_for(rule, "sms", event, policy, NOW)
    assert quick == slow
    told = decide.judge(quick, Facts({}, {}), policy, NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decide, "are_usual", lambda *_: False)
        assert told == decide.judge(slow, Facts({}, {}), policy, NOW)
