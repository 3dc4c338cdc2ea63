"""The caps gate: whom it never stops, what it stops first, and that facts have no order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.engine.counting import Asked, empty_counts, learn_counts, standing, windows
from smsnotify.engine.decide import judge
from smsnotify.gates.caps import caps_gate, is_free
from smsnotify.gates.pipeline import are_usual, concern_of, gates_for, run_gates
from smsnotify.model.caps import MILLION, Cap, Caps
from smsnotify.model.counts import CountKey
from smsnotify.model.decision import Draft, MessageKey, Mode, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import Bounds, QuietHours, RuleTerms

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # noon in Singapore
MEI, STAFF = "+6591230000", "+6598765432"
CAPS = Caps(
    recipient=(Cap(span="hour", hard=3), Cap(span="day", hard=5)),
    desk=(Cap(span="day", hard=8, soft=2), Cap(span="day", of="money", hard=MILLION // 2)),
    countries={"SG": (Cap(span="day", hard=6),)},
    price=lambda route, country, channel: Decimal("0.1"),
)
POLICY = Policy(mode=Mode.LIVE, timezone="Asia/Singapore", caps=CAPS)
BOUNDS = Bounds(caps=(Cap(span="hour", hard=2, where="rule r:"),))


def draft(number: int = 1, to: str = MEI, **changed: Any) -> Draft:
    terms = RuleTerms(
        id="r", name="r", body=lambda job: "Hi", bounds=BOUNDS, fixed=frozenset({STAFF})
    )
    terms = msgspec.structs.replace(terms, **changed.get("terms", {}))
    event = Event(changed.get("event", "completed"), Job(do_number="D"), f"id:{number}", "", NOW)
    kind = changed.get("kind", event.name)
    key = MessageKey(f"id:{number}", "live", kind, "r", "1", "sms", to)
    return Draft(terms, event, to, key, "", "SG")


class Books:
    """Counters that stand somewhere, and how often they were asked for."""

    def __init__(self, amounts: dict[CountKey, int] | None = None) -> None:
        self.amounts = amounts or {}
        self.asked: list[set[CountKey]] = []

    def counts(self, keys: Any) -> dict[CountKey, int]:
        self.asked.append(set(keys))
        return {key: self.amounts[key] for key in keys if key in self.amounts}

    def counted_among(self, ids: Any) -> set[str]:
        return set()


def facts(policy: Policy, *drafts: Draft, books: Books | None = None) -> Facts:
    known = Facts({}, {})
    asked = [Asked(one.terms, one.recipient, one.country) for one in drafts]
    learn_counts(known, asked, books or Books(), policy, NOW)
    return known


@pytest.mark.parametrize(
    "free",
    [
        draft(to=STAFF),
        draft(event="reply", kind="plan"),
        draft(kind="consent"),
        draft(kind="clerk"),
        draft(kind="alert"),
        draft(kind="test"),
        draft(terms={"channel": "apprise"}),
    ],
)
def test_answers_staff_and_clerks_are_never_stopped(free: Draft) -> None:
    assert is_free(free)
    known = facts(POLICY, free)
    assert known.counts is not None
    known.counts.amounts = dict.fromkeys(known.counts.amounts, 1_000)
    assert caps_gate(free, known, POLICY, NOW) is None
    (decision,) = judge([free], known, POLICY, NOW)
    assert decision.verdict is Verdict.SEND
    charges = [one for some in known.counts.charges.values() for one in some]
    assert not any(one.key.recipient or one.hard for one in charges)
    assert not is_free(draft())


def test_where_no_cap_holds_nothing_is_asked_and_the_short_way_is_open() -> None:
    books, plain = Books(), Policy(mode=Mode.LIVE)
    unbounded = draft(terms={"bounds": None})
    known = facts(plain, unbounded, books=books)
    assert (known.counts, books.asked) == (None, [])
    assert are_usual(known, plain)
    # One capped rule in the chunk leaves the others alone.
    known = facts(plain, unbounded, draft(), books=books)
    assert are_usual(known, plain)
    assert caps_gate not in gates_for(concern_of(unbounded), known, plain)
    assert caps_gate in gates_for(concern_of(draft()), known, plain)
    assert not are_usual(facts(POLICY, unbounded), POLICY)


def test_counters_are_fetched_once() -> None:
    books = Books()
    known = facts(POLICY, draft(), draft(2), books=books)
    learn_counts(known, [Asked(draft().terms, MEI, "SG")], books, POLICY, NOW)
    assert len(books.asked) == 1


def test_a_text_that_waits_is_stopped_by_no_cap_of_today_but_by_what_else_stops_it() -> None:
    night = QuietHours(NOW.time().replace(hour=10), NOW.time().replace(hour=14))
    held = draft(terms={"quiet_hours": night})
    known = facts(POLICY, held)
    assert known.counts is not None
    known.counts.amounts = dict.fromkeys(known.counts.amounts, 9)
    ruling = run_gates(held, known, POLICY, NOW)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == (Verdict.HOLD, "quiet_hours")
    dropped = draft(terms={"quiet_hours": msgspec.structs.replace(night, then="drop")})
    ruling = run_gates(dropped, known, POLICY, NOW)
    assert ruling is not None
    assert ruling.reason == "recipient_cap", "the first gate in the order has the word"


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.sampled_from([MEI, STAFF, "+6591230001"])), max_size=14
    ),
    st.lists(st.integers(0, 4), min_size=20, max_size=20),
    st.randoms(use_true_random=False),
)
def test_facts_have_no_order(
    wanted: list[tuple[int, str]], amounts: list[int], random: Any
) -> None:
    drafts = [draft(number, to) for number, to in wanted]
    known = facts(POLICY, *drafts)
    if known.counts is None:
        return
    pairs = list(zip(sorted(known.counts.amounts), amounts, strict=False))
    judged = []
    for _ in range(2):
        random.shuffle(pairs)
        shuffled = facts(POLICY, *random.sample(drafts, len(drafts)))
        assert shuffled.counts is not None
        shuffled.counts.amounts = dict(pairs)
        decisions = judge(drafts, shuffled, POLICY, NOW)
        judged.append(([one.as_json() for one in decisions], shuffled.counts.amounts))
    assert judged[0] == judged[1]


@pytest.mark.parametrize(
    ("zone", "at", "hour", "day"),
    [
        ("Asia/Singapore", "2026-03-02T12:34:56", "2026-03-02T12:00", "2026-03-01T16:00"),
        ("Asia/Kolkata", "2026-03-02T12:34:56", "2026-03-02T12:30", "2026-03-01T18:30"),
        ("Europe/Berlin", "2026-03-29T01:30:00", "2026-03-29T01:00", "2026-03-28T23:00"),
        ("Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T00:00", "2026-10-24T22:00"),
        ("Europe/Berlin", "2026-10-25T01:30:00", "2026-10-25T01:00", "2026-10-24T22:00"),
        # There is no midnight on this day: it begins at one.
        ("Africa/Cairo", "2026-04-23T23:30:00", "2026-04-23T23:00", "2026-04-23T22:00"),
        ("UTC", "2026-03-02T00:00:00", "2026-03-02T00:00", "2026-03-02T00:00"),
    ],
)
def test_hours_and_days_are_the_firms_own(zone: str, at: str, hour: str, day: str) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    begun = [
        datetime.fromtimestamp(since / MILLION, UTC).strftime("%Y-%m-%dT%H:%M")
        for since in windows(Policy(timezone=zone), now)
    ]
    assert begun == [hour, day]


def test_what_is_used_today_is_told_of_caps_over_everything() -> None:
    counts = empty_counts(POLICY, NOW)
    day = counts.key(CAPS.desk[0], "")
    used = standing(POLICY, Books({day: 7}), NOW)
    assert [(cap.key, amount) for cap, amount in used] == [
        ("per_day", 7),
        ("money_per_day", 0),
        ("per_day", 0),
    ]
    assert standing(POLICY, Books({day: 7}), NOW + timedelta(days=1))[0][1] == 0
    assert standing(Policy(), Books(), NOW) == []
