"""What is known of the people of a portion of conversations: read once, then as it comes to be."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from smsnotify.base.errors import PlanError
from smsnotify.base.ids import new_id
from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.keep import Ticket, concerned, opt_out_link
from smsnotify.engine.snapshots import snapshot_reader
from smsnotify.model.contact import Contact, email_of
from smsnotify.model.enrolment import (
    Enrolment,
)
from smsnotify.model.facts import NOBODY, Facts, Person, Policy
from smsnotify.model.job import Job
from smsnotify.model.message import Message
from smsnotify.model.plan import Plan
from smsnotify.plans.book import Book
from smsnotify.store.conversation_batch import (
    ConversationBatch,
)
from smsnotify.store.store import Store

_ANSWERED_WITHIN: Final = timedelta(days=30)
"""So old may the text about a job be that somebody answers."""

NO_TICKET: Final = Ticket()


class Desk(msgspec.Struct, frozen=True):
    """Who works conversations, with which rules, plans and settings."""

    store: Store
    book: Book
    policy: Policy
    terms: ConversationTerms = ConversationTerms()


class Known:
    """The people, their plans and jobs, and the batch that comes together for them."""

    def __init__(self, desk: Desk, now: datetime) -> None:
        """Nobody is known yet: `know`."""
        self.desk = desk
        self.now = now
        self.mode = desk.policy.mode
        self.batch = ConversationBatch(mode=self.mode.value)
        self.contacts: dict[str, Contact] = {}
        self.waiting: dict[str, list[Enrolment]] = {}
        self._facts = Facts({}, {}, opt_out_link=opt_out_link(desk.store, desk.policy))
        self._numbers: list[str] = []
        self._newest: dict[str, Message] | None = None
        self._by_id: dict[str, Contact] = {}
        self._jobs: dict[str, Job | None] = {}
        self._turns: dict[str, int] = {}
        self._read_job = snapshot_reader(desk.book.plans.job_type(desk.book.rules))
        # Answers that may go out in the provider's own call, by the reply's id.

    def know(self, numbers: Collection[str], *, enrolments: Iterable[Enrolment] = ()) -> None:
        """Read who these people are, where they stand, and what they want."""
        store, mode = self.desk.store, self.mode.value
        everybody = self._everybody = sorted(set(numbers) | {one.number for one in enrolments})
        self.contacts = store.contacts_of(everybody)
        mailboxes = filter(None, map(email_of, self.contacts.values()))
        self.waiting = store.waiting_enrolments(everybody, mode)
        for some in self.waiting.values():
            for one in some:
                self.remember(one)
        self._by_id = {one.id: one for one in self.contacts.values()}
        recipients = concerned((*everybody, *mailboxes), self.desk.policy)
        self._facts.people |= store.people(recipients)
        self.know_jobs({one.subject for some in self.waiting.values() for one in some})

    def take_for(self, contact: Contact) -> None:
        """Take somebody to be as they are given here, whatever the books say."""
        self._by_id[contact.id] = contact
        for address in contact.addresses:
            self.contacts[address] = contact

    def know_people(self, numbers: Collection[str]) -> None:
        """Read what recipients want who are in no plan: the firm's own people."""
        self._facts.people |= self.desk.store.people(concerned(numbers, self.desk.policy))

    def know_jobs(self, subjects: Collection[str]) -> None:
        """Read the newest look of jobs."""
        wanted = {one for one in subjects if one} - self._jobs.keys()
        if wanted:
            found = self.desk.store.jobs_by_subject(wanted)
            self._jobs |= {one: self._read_job(found.get(one)) for one in wanted}

    def see_job(self, subject: str, job: Job | None) -> None:
        """Take a job as it looks in the event that is being worked."""
        self._jobs[subject] = job

    def person(self, number: str) -> Person:
        """Return what is known of a recipient."""
        return self._facts.people.get(number, NOBODY)

    def contact(self, number: str) -> Contact:
        """Return the person behind a number, made now if nobody knows them."""
        found = self.contacts.get(number)
        if found is None:
            found = Contact(id=new_id(self.now), addresses=(number,), created_at=self.now)
            self.contacts[number] = self._by_id[found.id] = found
            self.batch.contacts.append(found)
        return found

    def newest_job(self, number: str) -> tuple[str, Job]:
        """Return the job that this number was texted about last, with its subject; or no job."""
        if self._newest is None:  # asked for once, for everybody: it is a long look
            since = self.now - _ANSWERED_WITHIN
            numbers = {*self._numbers, number}
            self._newest = self.desk.store.newest_messages_to(numbers, self.mode.value, since)
        newest = self._newest.get(number)
        subject = newest.subject if newest is not None else ""
        self.know_jobs([subject])
        job = self.job(subject)
        return (subject, job) if job is not None else ("", self.desk.book.rules.job_type())

    def job(self, subject: str) -> Job | None:
        """Return a job as it looked last, None when there is none."""
        return self._jobs.get(subject)

    def plan_of(self, enrolment: Enrolment) -> Plan | None:
        """Return the version of a plan that somebody is in; None when it cannot be used."""
        plans = self.desk.book.plans
        try:
            found = plans.of_version(enrolment.version)
            if found is None:
                content = self.desk.store.plan_content(enrolment.version)
                if content is not None:
                    found = plans.from_content(enrolment.version, content)
        except PlanError:
            return None
        return found

    def remember(self, enrolment: Enrolment) -> None:
        """Note the turn that an enrolment was read at; whoever moved it meanwhile wins."""
        self._turns.setdefault(enrolment.id, enrolment.turn)
