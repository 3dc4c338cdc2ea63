"""Reminders: due, missed, moved, begun, late; two runs at once; clocks that jump."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.engine.reminders import (
    coming_reminders,
    due_moment,
    planned_jobs,
    search_days,
    work_reminders,
)
from smsnotify.model.decision import Decision, Mode, Verdict
from smsnotify.model.facts import Policy
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.load import load_rules
from smsnotify.store.open import open_store
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.store import Store

POLICY = Policy(mode=Mode.LIVE, country="SG", timezone="Asia/Singapore")
RULES = """
version: 1
rules:
  - name: tomorrow
    events: [pre_job]
    pre_job: {{days_before: {days}, at: "{at}", late: {late}}}
    to: {{fields: [phone_number]}}
    body: "Your delivery {{{{ do_number }}}} is planned for {{{{ date }}}}."
"""


class Desk:
    """A store with a rule, jobs that it was told of, and runs at given moments."""

    def __init__(self, store: Store, rules: RuleSet) -> None:
        self.store, self.rules = store, rules

    def know(self, at: str, **fields: object) -> None:
        job = {"id": "j1", "do_number": "DO-1", "phone_number": "+6591230000"} | fields
        line = msgspec.json.encode(job)
        Intake(self.rules, POLICY, self.store).take_jobs(1, [line], moment(at))

    def run(self, at: str, *, since: str = "", policy: Policy = POLICY) -> list[Decision]:
        now = moment(at)
        return work_reminders(
            planned_jobs(self.store.jobs_between(*search_days(now)), self.rules.job_type),
            self.rules,
            policy,
            self.store,
            Ticket("run"),
            now,
            since=moment(since) if since else None,
        )


def moment(text: str) -> datetime:
    """Read an instant; a local one is Singapore's."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC) - timedelta(hours=8)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    store = open_store(f"sqlite:///{tmp_path / 'desk.db'}")

    def make(days: int = 1, at: str = "18:00", late: str = "send") -> Desk:
        path = tmp_path / "rules.yaml"
        path.write_text(RULES.format(days=days, at=at, late=late), encoding="utf-8")
        return Desk(store, load_rules([path], country="SG"))

    yield make
    store.close()


def verdicts(decisions: list[Decision]) -> list[tuple[Verdict, str]]:
    return [(one.verdict, one.reason) for one in decisions]


SENT = [(Verdict.SEND, "")]


def test_a_reminder_is_due_at_its_moment_and_not_before(desk) -> None:
    work = desk()
    work.know("2026-03-01T09:00", date="2026-03-05")
    assert work.run("2026-03-04T17:59") == []
    (decision,) = work.run("2026-03-04T18:00")
    assert decision.verdict is Verdict.SEND
    assert decision.body == "Your delivery DO-1 is planned for 2026-03-05."
    assert work.run("2026-03-04T18:01") == []


def test_a_missed_run_is_caught_up(desk) -> None:
    work = desk()
    work.know("2026-03-01T09:00", date="2026-03-05")
    assert verdicts(work.run("2026-03-04T23:30", since="2026-03-04T12:00")) == SENT


def test_a_job_that_has_begun_gets_none_and_is_told_once(desk) -> None:
    work = desk()
    work.know("2026-03-01T09:00", date="2026-03-05")
    told = work.run("2026-03-05T00:01", since="2026-03-04T12:00")
    assert verdicts(told) == [(Verdict.STOP, "already_begun")]
    assert work.run("2026-03-05T00:05", since="2026-03-05T00:01") == []


def test_a_moved_job_is_reminded_of_its_new_day(desk) -> None:
    work = desk()
    work.know("2026-03-01T09:00", date="2026-03-05")
    assert verdicts(work.run("2026-03-04T18:00")) == SENT
    work.know("2026-03-04T20:00", date="2026-03-07")
    assert work.run("2026-03-04T20:01") == []
    (decision,) = work.run("2026-03-06T18:00")
    assert "2026-03-07" in decision.body


def test_a_cancelled_or_finished_job_gets_none(desk) -> None:
    work = desk()
    work.know("2026-03-01T09:00", date="2026-03-05", status="on_hold")
    assert verdicts(work.run("2026-03-04T18:00")) == [(Verdict.STOP, "job_closed")]


def test_a_job_first_seen_after_the_moment_is_sent_late_or_dropped_as_the_rule_says(desk) -> None:
    work = desk(late="send")
    work.know("2026-03-04T21:00", date="2026-03-05")
    assert verdicts(work.run("2026-03-04T21:01")) == SENT
    work = desk(late="drop")
    work.know("2026-03-04T21:00", id="j2", do_number="DO-2", date="2026-03-05")
    late = [one for one in work.run("2026-03-04T21:01") if one.draft.event.job.number == "DO-2"]
    assert verdicts(late) == [(Verdict.STOP, "late")]


def test_late_drop_does_not_drop_what_a_late_run_missed(desk) -> None:
    work = desk(late="drop")
    work.know("2026-03-01T09:00", date="2026-03-05")
    assert verdicts(work.run("2026-03-04T22:00")) == SENT


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({}, SENT),
        ({"arrived_at": "2026-03-05T07:00:00+08:00"}, [(Verdict.STOP, "already_begun")]),
        (
            {"head_to_delivery_at": "2026-03-05T07:00:00+08:00"},
            [(Verdict.STOP, "already_begun")],
        ),
        ({"status": "completed"}, [(Verdict.STOP, "job_closed")]),
    ],
)
def test_on_the_day_itself_a_driver_under_way_makes_it_too_late(desk, fields, result) -> None:
    work = desk(days=0, at="08:00")
    work.know("2026-03-04T09:00", date="2026-03-05", **fields)
    assert verdicts(work.run("2026-03-05T08:00")) == result


def test_two_runs_at_once_do_not_double(desk) -> None:
    work = desk()
    work.know("2026-03-01T09:00", date="2026-03-05")
    now = moment("2026-03-04T18:00")
    jobs = list(planned_jobs(work.store.jobs_between(*search_days(now)), work.rules.job_type))

    class Slow(Rehearsal):
        """Sees the books as they were before the other run wrote."""

        durable = True

        def save(self, batch):
            return work.store.save(batch)

    blind = Slow(None)
    first = work.run("2026-03-04T18:00")
    second = work_reminders(jobs, work.rules, POLICY, blind, Ticket("two"), now)
    assert verdicts(first) == SENT
    assert verdicts(second) == [(Verdict.STOP, "duplicate")]


@pytest.mark.parametrize(
    ("zone", "day", "at", "utc"),
    [
        ("Europe/Berlin", "2026-03-30", "02:30", "2026-03-29T01:00+00:00"),  # skipped: 03:00
        ("Europe/Berlin", "2026-10-26", "02:30", "2026-10-25T00:30+00:00"),  # doubled: the first
        ("Asia/Singapore", "2026-03-05", "18:00", "2026-03-04T10:00+00:00"),
        ("", "2026-03-05", "18:00", "2026-03-04T10:00+00:00"),
        ("no zone", "2026-03-05", "18:00", "2026-03-04T10:00+00:00"),
    ],
)
def test_the_moment_is_local_to_the_job_else_to_the_settings(desk, zone, day, at, utc) -> None:
    work = desk(at=at)
    (rule,) = work.rules.rules
    job = work.rules.job_type(date=day, time_zone=zone)
    assert due_moment(rule, job, POLICY) == datetime.fromisoformat(utc)


def test_a_doubled_hour_fires_once(desk) -> None:
    work = desk(at="02:30")
    work.know("2026-10-20T09:00", date="2026-10-26", time_zone="Europe/Berlin")
    assert verdicts(work.run("2026-10-25T00:30+00:00")) == SENT
    assert work.run("2026-10-25T01:30+00:00") == []


def test_what_is_coming_is_listed_soonest_first(desk) -> None:
    work = desk()
    work.know("2026-03-01T09:00", date="2026-03-05")
    work.know("2026-03-01T09:00", id="j2", do_number="DO-2", date="2026-03-04")
    now = moment("2026-03-02T09:00")
    jobs = planned_jobs(work.store.jobs_between(*search_days(now)), work.rules.job_type)
    coming = coming_reminders(jobs, work.rules, POLICY, now)
    assert [one.planned.job.number for one in coming] == ["DO-2", "DO-1"]


def test_another_mode_is_another_reminder(desk) -> None:
    work = desk()
    work.know("2026-03-01T09:00", date="2026-03-05")
    rehearsal = msgspec.structs.replace(POLICY, mode=Mode.SANDBOX)
    assert verdicts(work.run("2026-03-04T18:00", policy=rehearsal)) == SENT
    assert verdicts(work.run("2026-03-04T18:00")) == SENT
