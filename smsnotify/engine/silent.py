"""Rules that listen to what happened to a job and had nothing to say: looked at again for `why`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from smsnotify.base.errors import EventError
from smsnotify.engine.drafting import drafts_of
from smsnotify.engine.snapshots import snapshot_reader
from smsnotify.events.decode import Decoder
from smsnotify.events.derive import job_names
from smsnotify.model.contact import NOBODY_KNOWN, Contact
from smsnotify.model.event import Event
from smsnotify.model.facts import Policy
from smsnotify.model.job import Job
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.rules.explain import People, RuleVerdict, explain, nobody_known
from smsnotify.store.batch import StoredJob
from smsnotify.store.store import Store
from smsnotify.store.why import StoredEvent, Story


class Silent(msgspec.Struct, frozen=True):
    """A rule that listens to what happened and had nothing to say, with the first reason."""

    event: str
    rule: str
    check: str
    expected: str
    actual: str


def people_of(store: Store | None, policy: Policy, now: datetime) -> People:
    """Return what finds a rule's recipients and what the books know of them."""

    def people(rule: CompiledRule, event: Event) -> Mapping[str, Contact]:
        recipients = {draft.recipient for draft in drafts_of(rule, event, policy, now)}
        known = store.contacts_of(recipients) if store is not None else {}
        return {one: known.get(one, NOBODY_KNOWN) for one in sorted(recipients)}

    return people


def silent_rules(
    stored: StoredJob, story: Story, rules: RuleSet, people: People = nobody_known
) -> Iterator[Silent]:
    """Yield them event by event: by today's rules, and the job as each event brought it.

    A rule that decided or wrote something about an event of that name is not silent, whatever
    the rules have become since. Where the event's own line is pruned, or there was none
    (`pre_job`), the newest snapshot of the job is looked at.
    """
    heard = _heard(stored, story)
    newest = snapshot_reader(rules.job_type)(stored)
    jobs = _jobs_by_event(stored, story, rules, newest)
    for name in sorted(jobs.keys() | {event for event, _ in heard}):
        verdicts = _verdicts(name, jobs.get(name, [newest]), stored.subject, rules, people)
        for rule_id, found in verdicts.items():
            if (name, rule_id) in heard or any(one.matched for one in found):
                continue
            failed = [one for one in found[0].checks if not one.passed and not one.info]
            if all(check.name != "event" for check in failed):
                first = failed[0]
                rule = found[0].rule.terms.name
                yield Silent(name, rule, first.name, str(first.expected), str(first.actual))


def _heard(stored: StoredJob, story: Story) -> set[tuple[str, str]]:
    """Return (event, rule id) of all that was decided or written about the job."""
    decided = {(one.event, one.rule) for one in story.decisions if one.subject == stored.subject}
    return decided | {
        (one.event, one.rule) for one in story.messages if one.subject == stored.subject
    }


def _jobs_by_event(
    stored: StoredJob, story: Story, rules: RuleSet, newest: Job | None
) -> dict[str, list[Job | None]]:
    """Return the job as it was at each event, by the event's name, the newest first."""
    decoder = Decoder(rules.job_type, custom_events=rules.custom_events)
    found: dict[str, list[Job | None]] = {}
    for event in reversed(story.events):
        if event.subject == stored.subject:
            job = _job_of(event, stored, decoder) or newest
            found.setdefault(event.name, []).append(job)
    return found


def _job_of(event: StoredEvent, stored: StoredJob, decoder: Decoder) -> Job | None:
    """Read the job out of an event's line; None when it is pruned or today's rules cannot."""
    if not event.raw:
        return None
    try:
        parsed = decoder.decode(event.raw)
    except EventError:
        return None
    ours = [one.job for one in parsed if stored.subject in job_names(one.job)]
    return ours[-1] if ours else parsed[0].job if len(parsed) == 1 else None


def _verdicts(
    name: str, jobs: list[Job | None], subject: str, rules: RuleSet, people: People
) -> dict[str, list[RuleVerdict]]:
    """Return what each rule says to each job, by the rule's id."""
    found: dict[str, list[RuleVerdict]] = {}
    for job in jobs:
        if job is not None:
            for verdict in explain(Event(name, job, subject), rules, people):
                found.setdefault(verdict.rule.id, []).append(verdict)
    return found
