"""Each gate alone: what passes, what stops, and with which word."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.gates.begun import begun_gate
from smsnotify.gates.duplicate import duplicate_gate
from smsnotify.gates.freshness import freshness_gate
from smsnotify.gates.mode import mode_gate
from smsnotify.gates.number import number_gate
from smsnotify.gates.opted_out import opted_out_gate
from smsnotify.gates.pipeline import concern_of, gates_for, run_gates
from smsnotify.gates.quiet_hours import is_quiet, quiet_hours_gate
from smsnotify.gates.volume_guard import VolumeLimit, volume_allowed
from smsnotify.gates.zones import local_instant, recipient_zone
from smsnotify.model.decision import Draft, Earlier, MessageKey, Mode, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Person, Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import PreJob, QuietHours, RuleTerms

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # 14:00 in Singapore
MEI = "+6591230000"
NIGHT = QuietHours(time(21), time(8))


def draft(
    *,
    event: str = "completed",
    recipient: str = MEI,
    refusal: str = "",
    country: str = "SG",
    job: Job | None = None,
    at: datetime | None = None,
    **terms: object,
) -> Draft:
    rule = RuleTerms(id="r", name="r", body=lambda job: "Hi", **terms)  # type: ignore[arg-type]
    happening = Event(event, job or Job(do_number="DO-1"), "id:1", "", at)
    key = MessageKey("id:1", "sandbox", event, "r", "1", "sms", recipient)
    return Draft(rule, happening, recipient, key, refusal, country)


def facts(mei: Person | None = None) -> Facts:
    return Facts({}, {MEI: mei} if mei else {})


@pytest.mark.parametrize("reason", ["no_recipient", "not_a_number", "doubtful_number", "landline"])
def test_a_number_that_cannot_be_read_stops_with_its_word(reason: str) -> None:
    ruling = number_gate(draft(recipient="abc", refusal=reason), facts(), Policy(), NOW)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == (Verdict.STOP, reason)


@pytest.mark.parametrize(
    ("countries", "stopped"),
    [(None, False), (frozenset({"SG"}), False), (frozenset({"MY"}), True), (frozenset(), True)],
)
def test_only_allowed_countries_are_texted(countries: frozenset[str] | None, stopped: bool) -> None:
    ruling = number_gate(draft(), facts(), Policy(countries=countries), NOW)
    assert (ruling is not None and ruling.reason == "country_not_allowed") is stopped


def test_a_taken_key_names_the_earlier_message_and_its_state() -> None:
    one = draft()
    known = Facts({one.key: Earlier("m1", "delivered")}, {})
    ruling = duplicate_gate(one, known, Policy(), NOW)
    assert ruling is not None
    assert "delivered as m1" in ruling.detail
    assert duplicate_gate(one, facts(), Policy(), NOW) is None


def test_an_opted_out_number_is_stopped_and_told_since_when() -> None:
    stopped = Person(opted_out=True, opted_out_source="keyword", opted_out_at=NOW)
    ruling = opted_out_gate(draft(), facts(mei=stopped), Policy(), NOW)
    assert ruling is not None
    assert ruling.detail == "opted out on 2026-03-02 (keyword)"
    assert opted_out_gate(draft(), facts(mei=Person()), Policy(), NOW) is None


@pytest.mark.parametrize("mode", [Mode.SANDBOX, Mode.LIVE])
def test_sandbox_and_live_pass_the_mode_gate(mode: Mode) -> None:
    assert mode_gate(draft(), facts(), Policy(mode=mode, test_to="+6598765432"), NOW) is None


def test_test_mode_texts_the_allowed_and_redirects_the_rest() -> None:
    policy = Policy(mode=Mode.TEST, test_to="+6598765432", allow=frozenset({MEI}))
    assert mode_gate(draft(), facts(), policy, NOW) is None
    ruling = mode_gate(draft(recipient="+6591230001"), facts(), policy, NOW)
    assert ruling is not None
    assert (ruling.verdict, ruling.to) == (Verdict.SEND, "+6598765432")


def test_test_mode_without_a_test_number_stops_strangers() -> None:
    ruling = mode_gate(draft(), facts(), Policy(mode=Mode.TEST), NOW)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == (Verdict.STOP, "not_allowed")


@pytest.mark.parametrize(
    ("at", "stamp", "limit", "stopped"),
    [
        (NOW - timedelta(hours=23), None, timedelta(hours=24), False),
        (NOW - timedelta(hours=25), None, timedelta(hours=24), True),
        (NOW - timedelta(days=400), None, None, False),
        (None, "2026-03-01T13:00:00+08:00", timedelta(hours=24), True),
        (None, "2026-03-01T15:00:00+08:00", timedelta(hours=24), False),
        (None, "2026-03-01T15:00:00", timedelta(hours=24), False),  # the settings' zone
        (None, "yesterday", timedelta(hours=24), False),  # unreadable: counted from arrival
        (None, None, timedelta(hours=24), False),
        (NOW + timedelta(hours=3), None, timedelta(hours=1), False),
    ],
)
def test_age_is_counted_from_the_time_else_the_jobs_stamp_else_arrival(
    at: datetime | None, stamp: str | None, limit: timedelta | None, stopped: bool
) -> None:
    one = draft(at=at, job=Job(pod_at=stamp), max_age=limit)
    ruling = freshness_gate(one, facts(), Policy(timezone="Asia/Singapore"), NOW)
    assert (ruling is not None and ruling.reason == "too_old") is stopped


def test_age_may_differ_by_event() -> None:
    limits = {"heading_to": timedelta(minutes=30), "feedback": None}
    for event, hours, stopped in [
        ("heading_to", 1, True),
        ("completed", 1, False),
        ("completed", 25, True),
        ("feedback", 999, False),
    ]:
        one = draft(event=event, at=NOW - timedelta(hours=hours), max_ages=limits)
        ruling = freshness_gate(one, facts(), Policy(), NOW)
        assert (ruling is not None and ruling.reason == "too_old") is stopped
        whole = run_gates(
            one, facts(), Policy(), NOW, gates_for(concern_of(one), facts(), Policy())
        )
        assert whole == ruling


def test_a_reminder_has_no_age() -> None:
    one = draft(event="pre_job", at=NOW - timedelta(days=9))
    assert freshness_gate(one, facts(), Policy(), NOW) is None


def test_quiet_hours_hold_until_exactly_their_end() -> None:
    late = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)  # 22:10 in Singapore
    ruling = quiet_hours_gate(draft(quiet_hours=NIGHT), facts(), Policy(), late)
    assert ruling is not None
    assert ruling.verdict is Verdict.HOLD
    assert ruling.not_before == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    early = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)  # 06:00 the next day
    ruling = quiet_hours_gate(draft(quiet_hours=NIGHT), facts(), Policy(), early)
    assert ruling is not None
    assert ruling.not_before == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    assert quiet_hours_gate(draft(quiet_hours=NIGHT), facts(), Policy(), NOW) is None


def test_quiet_hours_may_drop_instead() -> None:
    late = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
    one = draft(quiet_hours=QuietHours(time(21), time(8), "drop"))
    ruling = quiet_hours_gate(one, facts(), Policy(), late)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == (Verdict.STOP, "quiet_hours")


def test_quiet_hours_drop_some_events_and_hold_others() -> None:
    late = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
    quiet = QuietHours(time(21), time(8), "hold", {"arrived": "drop"})
    for event, verdict in [("arrived", Verdict.STOP), ("completed", Verdict.HOLD)]:
        ruling = quiet_hours_gate(draft(event=event, quiet_hours=quiet), facts(), Policy(), late)
        assert ruling is not None
        assert ruling.verdict is verdict


def test_staff_are_texted_at_any_hour() -> None:
    late = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
    one = draft(quiet_hours=NIGHT, fixed=frozenset({MEI}))
    assert quiet_hours_gate(one, facts(), Policy(), late) is None
    other = draft(quiet_hours=NIGHT, fixed=frozenset({MEI}), recipient="+6591230001")
    assert quiet_hours_gate(other, facts(), Policy(), late) is not None


@pytest.mark.parametrize(
    ("person", "job_zone", "country", "won"),
    [
        ("Europe/Berlin", "Asia/Tokyo", "SG", "the contact's zone Europe/Berlin"),
        ("", "Asia/Tokyo", "SG", "the job's zone Asia/Tokyo"),
        ("", "", "SG", "SG's zone Asia/Singapore"),
        ("", "nowhere", "US", "the settings' zone Europe/Paris"),
        ("", None, "", "the settings' zone Europe/Paris"),
    ],
)
def test_the_zone_is_the_contacts_the_jobs_the_countrys_the_settings(
    person: str, job_zone: str | None, country: str, won: str
) -> None:
    one = draft(country=country, job=Job(time_zone=job_zone))
    known = facts(mei=Person(time_zone=person))
    assert recipient_zone(one, known, Policy(timezone="Europe/Paris"), NOW)[1] == won


def test_a_skipped_local_time_moves_to_the_next_valid_one_and_a_doubled_one_is_the_first() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    gap = local_instant(datetime(2026, 3, 29, 12), time(2, 30), berlin)
    assert gap.astimezone(UTC) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 03:00 local
    doubled = local_instant(datetime(2026, 10, 25, 12), time(2, 30), berlin)
    assert doubled.astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(st.times(), st.times(), st.times())
def test_a_time_is_quiet_exactly_when_it_is_not_quiet_the_other_way_round(
    start: time, end: time, at: time
) -> None:
    if start != end:
        there = is_quiet(QuietHours(start, end), at)
        assert there is not is_quiet(QuietHours(end, start), at)


@pytest.mark.parametrize(
    ("job", "days_before", "reason"),
    [
        (Job(date="2026-03-03"), 1, None),
        (Job(date="2026-03-02"), 1, "already_begun"),
        (Job(date="2026-03-02"), 0, None),
        (
            Job(date="2026-03-02", head_to_delivery_at="2026-03-02T13:00:00+08:00"),
            0,
            "already_begun",
        ),
        (Job(date="2026-03-02", arrived_at="x"), 0, "already_begun"),
        (Job(date="2026-03-01"), 0, "already_begun"),
        (Job(date="2026-03-03", status="Completed"), 1, "job_closed"),
        (Job(date="2026-03-03", status="Partially Completed"), 1, "job_closed"),
        (Job(date="soon"), 1, "no_date"),
        (Job(date=None), 1, "no_date"),
    ],
)
def test_a_reminder_about_a_job_that_has_begun_is_told_as_a_stop(
    job: Job, days_before: int, reason: str | None
) -> None:
    one = draft(event="pre_job", job=job, pre_job=PreJob(days_before, time(18)))
    ruling = begun_gate(one, facts(), Policy(timezone="Asia/Singapore"), NOW)
    assert (ruling.reason if ruling else None) == reason
    other = draft(event="completed", job=job)
    assert begun_gate(other, facts(), Policy(), NOW) is None


def test_the_local_day_of_the_job_decides_whether_it_has_begun() -> None:
    late = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)  # the 3rd in Singapore, the 2nd in London
    job = Job(date="2026-03-03", time_zone="Asia/Singapore")
    one = draft(event="pre_job", job=job, pre_job=PreJob(1, time(18)))
    assert begun_gate(one, facts(), Policy(timezone="Europe/London"), late) is not None


def test_a_stop_beats_a_redirect_and_a_hold_keeps_it() -> None:
    policy = Policy(mode=Mode.TEST, test_to="+6598765432")
    late = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
    held = run_gates(draft(quiet_hours=NIGHT), facts(), policy, late)
    assert held is not None
    assert (held.verdict, held.to) == (Verdict.HOLD, "+6598765432")
    old = draft(quiet_hours=NIGHT, at=late - timedelta(days=3))
    stopped = run_gates(old, facts(), policy, late)
    assert stopped is not None
    assert (stopped.verdict, stopped.reason) == (Verdict.STOP, "too_old")


@given(
    opted_out=st.just(True),
    mode=st.sampled_from(list(Mode)),
    hours=st.integers(0, 23),
    age=st.integers(0, 100),
    allowed=st.booleans(),
    quiet=st.booleans(),
)
def test_no_state_of_the_world_lets_an_opted_out_number_through(
    opted_out: bool, mode: Mode, hours: int, age: int, allowed: bool, quiet: bool
) -> None:
    at = datetime(2026, 3, 2, hours, tzinfo=UTC)
    one = draft(at=at - timedelta(hours=age), quiet_hours=NIGHT if quiet else None)
    policy = Policy(
        mode=mode, allow=frozenset({MEI}) if allowed else frozenset(), test_to="+6598765432"
    )
    ruling = run_gates(one, facts(mei=Person(opted_out=opted_out)), policy, at)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == (Verdict.STOP, "opted_out")


@pytest.mark.parametrize(
    ("runs", "allowed"), [([], 200), ([3, 4, 2], 200), ([100, 800, 3], 4000), ([0], 200)]
)
def test_the_guard_allows_five_times_what_is_usual_and_never_less_than_the_first(
    runs: list[int], allowed: int
) -> None:
    assert volume_allowed(VolumeLimit(), runs) == allowed
