"""When something next comes due on a stage, so that its clock stops there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from smsnotify.engine.reminders import coming_reminders, planned_jobs, search_days
from smsnotify.model.facts import Policy
from smsnotify.model.message import MessageState
from smsnotify.rules.compile import RuleSet
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

_STEP: Final = timedelta(minutes=1)
_WAITING: Final = frozenset({MessageState.HELD.value, MessageState.QUEUED.value})


def next_due(
    store: Store, rules: RuleSet, policy: Policy, now: datetime, end: datetime
) -> datetime:
    """Return the next moment up to `end` at which a wait, a text or a reminder is due."""
    soonest = [end]
    due_at = store.next_due_at(policy.mode.value)
    if due_at is not None:
        soonest.append(due_at)
    for message in store.list_messages(Wanted(states=_WAITING), None):
        if message.not_before is not None:
            soonest.append(message.not_before)
    soonest += _next_reminder(store, rules, policy, now, end)
    first = min(soonest)
    # What is due and does not move is looked at again a minute later, never for ever.
    return min(end, first if first > now else now + _STEP)


def _next_reminder(
    store: Store, rules: RuleSet, policy: Policy, now: datetime, end: datetime
) -> list[datetime]:
    if all(rule.terms.pre_job is None for rule in rules.rules):
        return []
    first, _ = search_days(now)
    _, last = search_days(end)
    jobs = planned_jobs(store.jobs_between(first, last), rules.job_type)
    return [one.due_at for one in coming_reminders(jobs, rules, policy, now)[:1]]
