"""Pre-job reminders: what is due, what is coming.

Due is a reminder whose local moment has come, that nothing stands under the key of yet, and
whose job has not begun. Nothing is scheduled: every run looks at the jobs as they are now, so a
moved job, a cancelled one, a missed run and two runs at once all come out right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import msgspec

from smsnotify.engine.deciding import judge_and_keep
from smsnotify.engine.drafting import drafts_of
from smsnotify.engine.keep import (
    Memory,
    Ticket,
    is_left_behind,
    meant,
)
from smsnotify.engine.snapshots import closed_as_told, snapshot_reader
from smsnotify.gates.begun import job_day
from smsnotify.gates.zones import known_zone, local_instant
from smsnotify.model.decision import Decision, Draft, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Policy
from smsnotify.model.job import Job
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.store.batch import StoredJob

PRE_JOB = "pre_job"
FURTHEST_DAYS = 5
AT_ONCE = 1000


class PlannedJob(msgspec.Struct, frozen=True, gc=False):
    """A job that reminders look at.

    `dated_at` is when we first saw it with its present date, `seen_at` when we last saw it.
    """

    subject: str
    job: Job
    dated_at: datetime | None = None
    seen_at: datetime | None = None


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
        for rule in rules.listening(PRE_JOB, job):
            due_at = due_moment(rule, job, policy)
            if due_at is not None and rule.matches(job):
                yield Reminder(rule, planned, due_at)


def work_reminders(
    jobs: Iterable[PlannedJob],
    rules: RuleSet,
    policy: Policy,
    memory: Memory,
    ticket: Ticket,
    now: datetime,
    *,
    since: datetime | None = None,
) -> list[Decision]:
    """Decide and keep every reminder that is due at `now`, some jobs a transaction.

    Those with a message already are left out. A stop is returned once: not again when neither
    the moment came nor the job changed after `since`, the run before this one.
    """
    decided: list[Decision] = []
    due = (one for one in reminders_of(jobs, rules, policy) if one.due_at <= now)
    while portion := list(islice(due, AT_ONCE)):
        decided += _work_portion(portion, policy, memory, ticket, now, since)
    return decided


def _work_portion(
    portion: Sequence[Reminder],
    policy: Policy,
    memory: Memory,
    ticket: Ticket,
    now: datetime,
    since: datetime | None,
) -> list[Decision]:
    drafts = {
        draft.key: (draft, reminder)
        for reminder in portion
        for draft in drafts_of(reminder.rule, _event(reminder.planned), policy, now)
    }
    for key, earlier in memory.taken(list(drafts)).items():
        if not is_left_behind(earlier, ticket):
            del drafts[key]
    late = meant([draft for draft, one in drafts.values() if _dropped_as_late(one)], memory)
    timely = [draft for draft, reminder in drafts.values() if not _dropped_as_late(reminder)]

    def is_news(decision: Decision) -> bool:
        reminder = drafts[decision.draft.key][1]
        return decision.verdict is not Verdict.STOP or _is_news(reminder, since)

    dropped = [_late(draft) for draft in late]
    kept = judge_and_keep(timely, memory, policy, ticket, now, before=dropped, told=is_news)
    return list(filter(is_news, kept))


def _is_news(reminder: Reminder, since: datetime | None) -> bool:
    seen_at = reminder.planned.seen_at
    return since is None or reminder.due_at > since or seen_at is None or seen_at > since


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


def planned_jobs(stored: Iterable[StoredJob], job_type: type[Job]) -> Iterator[PlannedJob]:
    """Read the books' snapshots for reminders; a snapshot that was pruned is over anyway."""
    read = snapshot_reader(job_type)
    for one in stored:
        job = read(one)
        if job is not None:
            job = closed_as_told(job, one.state)
            yield PlannedJob(one.subject, job, one.dated_at, one.seen_at)


def coming_reminders(
    jobs: Iterable[PlannedJob], rules: RuleSet, policy: Policy, now: datetime
) -> list[Reminder]:
    """Return the reminders whose moment lies ahead, soonest first."""
    ahead = [one for one in reminders_of(jobs, rules, policy) if one.due_at > now]
    return sorted(ahead, key=lambda one: (one.due_at, one.planned.subject))
