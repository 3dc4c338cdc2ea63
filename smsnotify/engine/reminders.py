"""Pre-job reminders: what is due, what is coming.

Due is a reminder whose local moment has come, that nothing stands under the key of yet, and
whose job has not begun. Nothing is scheduled: every run looks at the jobs as they are now, so a
moved job, a cancelled one, a missed run and two runs at once all come out right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

import msgspec

from smsnotify.base.ids import new_id
from smsnotify.engine.decide import drafts_of, judge
from smsnotify.engine.intake import Memory, overtaken
from smsnotify.engine.outgoing import to_message
from smsnotify.gates.begun import job_day
from smsnotify.gates.zones import known_zone, local_instant
from smsnotify.model.decision import Decision, Draft, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.store.batch import Batch

PRE_JOB = "pre_job"
FURTHEST_DAYS = 5
AT_ONCE = 1000


class PlannedJob(msgspec.Struct, frozen=True, gc=False):
    """A job that reminders look at; `dated_at` is when we first saw it with its present date."""

    subject: str
    job: Job
    dated_at: datetime | None = None


class Reminder(msgspec.Struct, frozen=True, gc=False):
    """One rule's reminder about one job, and the moment when it is due."""

    rule: CompiledRule
    planned: PlannedJob
    due_at: datetime


def search_days(now: datetime) -> tuple[date, date]:
    """Return the first and last job date that a reminder can be due for, whatever the zone."""
    today = now.astimezone(UTC).date()
    return today - timedelta(days=1), today + timedelta(days=FURTHEST_DAYS + 1)


def due_moment(rule: CompiledRule, job: Job, policy: Policy) -> datetime | None:
    """Return when a rule's reminder about a job is due: in the job's zone, else the settings'.

    None when the rule is no reminder or the job has no readable date.
    """
    terms, day = rule.terms.pre_job, job_day(job)
    if terms is None or day is None:
        return None
    zone = known_zone(job.time_zone) or known_zone(policy.timezone)
    if zone is None:
        return None
    sending_day = datetime.combine(day - timedelta(days=terms.days_before), terms.at)
    return local_instant(sending_day, terms.at, zone).astimezone(UTC)


def reminders_of(jobs: Iterable[PlannedJob], rules: RuleSet, policy: Policy) -> Iterator[Reminder]:
    """Return every reminder that matches a job, whenever it is due."""
    for planned in jobs:
        job = planned.job
        for rule in rules.candidates(PRE_JOB, job.kind, str(job.group_name or "")):
            due_at = due_moment(rule, job, policy)
            if due_at is not None and rule.matches(job):
                yield Reminder(rule, planned, due_at)


def decide_reminders(
    reminders: Iterable[Reminder], memory: Memory, policy: Policy, now: datetime
) -> list[Decision]:
    """Judge the reminders that are due at `now`; those with a message already are left out."""
    due = [reminder for reminder in reminders if reminder.due_at <= now]
    drafts = [
        (draft, reminder)
        for reminder in due
        for draft in drafts_of(reminder.rule, _event(reminder.planned), policy, now)
    ]
    taken = memory.taken([draft.key for draft, _ in drafts])
    fresh = [(draft, reminder) for draft, reminder in drafts if draft.key not in taken]
    facts = Facts({}, memory.people(draft.recipient for draft, _ in fresh))
    late = [_late(draft) for draft, reminder in fresh if _dropped_as_late(reminder)]
    timely = [draft for draft, reminder in fresh if not _dropped_as_late(reminder)]
    return late + judge(timely, facts, policy, now)


def _event(planned: PlannedJob) -> Event:
    return Event(PRE_JOB, planned.job, planned.subject)


def _dropped_as_late(reminder: Reminder) -> bool:
    """A job first seen after the moment; a run that came late is no reason to drop one."""
    terms, dated_at = reminder.rule.terms.pre_job, reminder.planned.dated_at
    return (
        terms is not None
        and terms.late == "drop"
        and dated_at is not None
        and dated_at > reminder.due_at
    )


def _late(draft: Draft) -> Decision:
    return Decision(
        draft=draft,
        verdict=Verdict.STOP,
        gate="begun",
        reason="late",
        detail="the job was first seen after the reminder's moment, and the rule says late: drop",
    )


def save_reminders(
    decisions: list[Decision], memory: Memory, now: datetime, *, run: str, guarded: bool
) -> list[Decision]:
    """Keep what was decided; a reminder that another run took meanwhile becomes a duplicate."""
    messages = {
        decision.draft.key: to_message(decision, new_id(now), now, run=run, guarded=guarded)
        for decision in decisions
        if decision.verdict is not Verdict.STOP
    }
    batch = Batch(jobs=[], events=[], decisions=decisions, messages=messages, at=now)
    lost = memory.save(batch)
    return [overtaken(decision, lost) for decision in decisions]
