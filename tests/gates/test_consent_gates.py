"""Consent, marketing hours, and opt-outs by scope or in doubt."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.gates.consent import consent_gate
from smsnotify.gates.marketing_hours import marketing_hours_gate
from smsnotify.gates.opted_out import opted_out_gate
from smsnotify.gates.pipeline import ORDER, concern_of, gates_for, passes_usual, run_gates
from smsnotify.model.decision import Draft, MessageKey, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import IN_DOUBT, MARKETING, Facts, Person, Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import MarketingHours, Purpose, QuietHours, RuleTerms

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # in Singapore
MEI = "+6591230000"
OURS = "+6531590000"


def draft(purpose: Purpose = Purpose.MARKETING, kind: str = "completed", **terms: object) -> Draft:
    rule = RuleTerms(id="r", name="r", body=lambda job: "Hi", purpose=purpose, **terms)  # type: ignore[arg-type]
    key = MessageKey("id:1", "live", kind, "r", "1", "sms", MEI)
    return Draft(rule, Event("completed", Job(), "id:1", "", NOON), MEI, key, "", "SG")


def facts(**person: object) -> Facts:
    return Facts({}, {MEI: Person(**person)} if person else {})  # type: ignore[arg-type]


def word(draft: Draft, known: Facts, policy: Policy | None = None, now: datetime = NOON) -> str:
    ruling = run_gates(draft, known, policy or Policy(), now)
    return "" if ruling is None else f"{ruling.verdict} {ruling.reason}"


@pytest.mark.parametrize(
    ("purpose", "since", "told"),
    [
        (Purpose.MARKETING, None, "stop no_consent"),
        (Purpose.MARKETING, NOON, ""),
        (Purpose.SERVICE, None, ""),
    ],
)
def test_marketing_needs_a_recorded_opt_in(
    purpose: Purpose, since: datetime | None, told: str
) -> None:
    assert word(draft(purpose), facts(marketing_since=since)) == told
    if since is None:
        assert (consent_gate(draft(purpose), facts(), Policy(), NOON) is None) == (told == "")


@pytest.mark.parametrize("purpose", Purpose)
def test_an_opt_out_of_marketing_stops_marketing_alone(purpose: Purpose) -> None:
    known = facts(refuses=frozenset({MARKETING}), marketing_since=NOON)
    told = "stop opted_out" if purpose is Purpose.MARKETING else ""
    assert word(draft(purpose), known) == told


@pytest.mark.parametrize(
    ("senders", "stops"),
    [({OURS}, True), ({"ACME", OURS}, True), ({"ACME"}, False), (set(), False), ({""}, True)],
)
def test_an_opt_out_of_a_sender_counts_where_it_might_be_used(
    senders: set[str], stops: bool
) -> None:
    policy = Policy(senders=lambda route, country: frozenset(senders))
    known = facts(refuses=frozenset({f"sender:{OURS}"}))
    assert (word(draft(Purpose.SERVICE), known, policy) == "stop opted_out") is stops


def test_a_likely_opt_out_holds_without_a_time() -> None:
    ruling = opted_out_gate(draft(Purpose.SERVICE), facts(in_doubt=True), Policy(), NOON)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason, ruling.not_before) == (Verdict.HOLD, IN_DOUBT, None)


def test_a_stop_beats_a_hold_and_the_longest_hold_wins() -> None:
    assert word(draft(), facts(in_doubt=True)) == "stop no_consent"
    night = QuietHours(time(21), time(8))
    early = datetime(2026, 3, 1, 23, tzinfo=UTC)  # 7:00 in Singapore
    known = facts(marketing_since=NOON)
    ruling = run_gates(draft(quiet_hours=night, max_age=None), known, Policy(), early)
    assert ruling is not None
    assert ruling.not_before == datetime(2026, 3, 2, 2, tzinfo=UTC)  # 10:00, not 8:00
    doubted = facts(in_doubt=True, marketing_since=NOON)
    assert word(draft(quiet_hours=night, max_age=None), doubted, now=early) == f"hold {IN_DOUBT}"


@pytest.mark.parametrize("person", [{"opted_out": True}, {"in_doubt": True}])
def test_the_answer_to_a_stop_still_goes_out(person: dict[str, bool]) -> None:
    assert opted_out_gate(draft(kind="consent"), facts(**person), Policy(), NOON) is None
    assert opted_out_gate(draft(), facts(**person), Policy(), NOON) is not None


@pytest.mark.parametrize(
    ("local", "opens"),
    [
        ("2026-03-02T09:59:59", "2026-03-02T10:00"),
        ("2026-03-02T10:00", None),
        ("2026-03-02T19:59:59", None),
        ("2026-03-02T20:00", "2026-03-03T10:00"),
        ("2026-12-31T23:30", "2027-01-01T10:00"),
    ],
)
def test_marketing_waits_for_its_hours_in_the_recipients_zone(
    local: str, opens: str | None
) -> None:
    zone = ZoneInfo("Asia/Singapore")
    now = datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC)
    ruling = marketing_hours_gate(draft(), facts(), Policy(), now)
    if opens is None:
        assert ruling is None
    else:
        assert ruling is not None
        assert ruling.not_before == datetime.fromisoformat(opens).replace(tzinfo=zone)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    st.sampled_from(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 22),
    st.integers(1, 60),
)
def test_a_hold_ends_within_the_hours_and_within_a_day(
    at: datetime, name: str, begin: int, lasting: int
) -> None:
    start = time(begin, 30)
    end = (datetime.combine(at, start) + timedelta(minutes=lasting)).time()
    if end <= start:
        end = time(23, 59)
    now = at.replace(tzinfo=UTC)
    known = Facts({}, {MEI: Person(time_zone=name)})
    one = draft(marketing_hours=MarketingHours(start, end))
    ruling = marketing_hours_gate(one, known, Policy(), now)
    local = now.astimezone(ZoneInfo(name)).time()
    assert (ruling is None) == (start <= local < end)
    if ruling is not None:
        assert ruling.not_before is not None
        assert now < ruling.not_before <= now + timedelta(hours=26)


@given(
    st.sampled_from(Purpose),
    st.none() | st.just(QuietHours(time(21), time(8))),
    st.builds(
        Person,
        opted_out=st.booleans(),
        marketing_since=st.none() | st.just(NOON),
        refuses=st.frozensets(st.sampled_from([MARKETING, f"sender:{OURS}"])),
        in_doubt=st.booleans(),
    )
    | st.none(),
    st.integers(0, 23),
)
def test_gates_that_are_left_out_have_nothing_to_say(
    purpose: Purpose, quiet: QuietHours | None, person: Person | None, hour: int
) -> None:
    policy = Policy(senders=lambda route, country: frozenset({OURS}))
    known = Facts({}, {MEI: person} if person else {})
    one, now = draft(purpose, quiet_hours=quiet), NOON + timedelta(hours=hour)
    asked = gates_for(concern_of(one), known, policy)
    assert run_gates(one, known, policy, now, asked) == run_gates(one, known, policy, now, ORDER)
    if not known.people and passes_usual(one, known, policy, now):
        assert run_gates(one, known, policy, now) is None
