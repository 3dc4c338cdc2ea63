"""What is known of a job or of a number: for `why`, and for the console's pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from smsnotify.engine.silent import Silent, people_of, silent_rules
from smsnotify.engine.snapshots import snapshot_reader
from smsnotify.model.contact import ConsentChange
from smsnotify.model.facts import Person, Policy
from smsnotify.model.job import Job
from smsnotify.rules.compile import RuleSet
from smsnotify.store.batch import StoredJob
from smsnotify.store.store import Store
from smsnotify.store.why import Story
from smsnotify.text.address import read_email
from smsnotify.text.phone import read_number


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """A story, and what the people in it want, the oldest change first.

    Of a number `address` is it in E.164 (or an email address), and `person` what holds for it;
    of a job they are empty.
    """

    story: Story
    consents: list[ConsentChange]
    address: str = ""
    person: Person | None = None


def inquire(store: Store, what: str, country: str) -> Inquiry | None:
    """Return what is known of a job, else of a number or an address; None when nothing is."""
    story = store.story_of_job(what)
    if story:
        return Inquiry(story=story, consents=_consents(store, story, ""))
    address = address_meant(what, country)
    if not address:
        return None
    story, person = store.story_of_number(address), store.people([address]).get(address)
    if not story and person is None:
        return None
    consents = _consents(store, story, address)
    return Inquiry(story=story, consents=consents, address=address, person=person)


def address_meant(what: str, country: str) -> str:
    """Return the number or email address that is meant, `''` for neither."""
    if "@" in what:
        return read_email(what)
    if not any(c.isdigit() for c in what) or any(c.isalpha() for c in what):
        return ""
    return read_number(what, "", country).e164


def heard_nothing(
    store: Store, story: Story, rules: RuleSet, policy: Policy, now: datetime
) -> tuple[list[Silent], list[str]]:
    """Return today's rules that had nothing to say about jobs, and the events nobody listens to."""
    people = people_of(store, policy, now)
    silent = [one for job in story.jobs for one in silent_rules(job, story, rules, people)]
    return silent, unheard_of(story, silent)


def unheard_of(story: Story, silent: Sequence[Silent]) -> list[str]:
    """Return the events that no rule listens to."""
    told_of = {one.event for one in silent} | {one.event for one in story.decisions}
    return sorted({event.name for event in story.events} - told_of)


def job_line(stored: StoredJob) -> str:
    """Say which job it is and where it stands: `DO-77 (65f…): date 2026-03-02, attempt 1`."""
    state = stored.state
    facts = [f"date {state.date or 'unknown'}", f"attempt {state.attempt}"]
    if state.phase:
        facts.append(state.phase.replace("_", " "))
    return f"{job_name(stored)}: {', '.join(facts)}"


def job_name(stored: StoredJob) -> str:
    """Return how people call a job, with its id where it has one."""
    own, number = stored.subject.split(":", 1)[-1], do_number(stored)
    return f"{number} ({own})" if number and stored.subject.startswith("id:") else number or own


def do_number(stored: StoredJob) -> str:
    """Return the D.O. number of a job as it was last seen, `''` when that is forgotten."""
    job = snapshot_reader(Job)(stored)
    return job.number if job is not None else ""


def _consents(store: Store, story: Story, address: str) -> list[ConsentChange]:
    """Return every change of consent of those that the story is about, the oldest first."""
    recipients = {address} | {one.recipient for one in story.decisions}
    recipients |= {one.recipient for one in story.messages}
    told = store.standings(sorted(recipients - {""}))
    changes = [change for standing in told.values() for change in standing.changes]
    return sorted(changes, key=lambda change: change.at)
