"""A portion of conversations while it is worked: what is known, and what it comes to.

Everything stays in memory until the whole portion is kept in one transaction; each person's
inputs are worked in order, and see what the ones before them came to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from smsnotify.base.errors import PlanError
from smsnotify.base.ids import new_id
from smsnotify.engine.conversing_terms import IN_CALL, ConversationTerms
from smsnotify.engine.conversing_texts import Cause, plan_draft
from smsnotify.engine.decide import judge
from smsnotify.engine.keep import Ticket, concerned
from smsnotify.engine.outgoing import to_message
from smsnotify.engine.snapshots import snapshot_reader
from smsnotify.gates.pipeline import ORDER
from smsnotify.model.contact import NOBODY_KNOWN, ConsentChange, Contact, Interaction
from smsnotify.model.decision import Decision, Draft, MessageKey, Verdict
from smsnotify.model.enrolment import (
    Advance,
    Ended,
    Enrolment,
    Input,
    NotDelivered,
    PlanText,
    Started,
    Transition,
    Waiting,
)
from smsnotify.model.facts import EVERYTHING, MARKETING, NOBODY, Facts, Person, Policy
from smsnotify.model.job import Job
from smsnotify.model.message import Message, MessageState
from smsnotify.model.plan import Outcome, Plan
from smsnotify.model.rule import Purpose
from smsnotify.plans.book import Book
from smsnotify.plans.engine import advance, enrol
from smsnotify.plans.view import PlanView
from smsnotify.store.conversation_batch import (
    CancelTexts,
    ContactChange,
    ConversationBatch,
    EnteredPlan,
    MovedEnrolment,
    NewErrand,
)
from smsnotify.store.enrolments import EntryKey
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


class Entering(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody comes into a plan: `ref` is the cause, and the same cause enrols once.

    `account` and `ours` are what the conversation runs over, `''` while nobody knows.
    """

    plan: Plan
    number: str
    source: str
    ref: str
    job: Job | None = None
    subject: str = ""
    account: str = ""
    ours: str = ""


class Portion:
    """What is known of some people, and the batch that comes together for them."""

    def __init__(self, desk: Desk, now: datetime, ticket: Ticket = NO_TICKET) -> None:
        """Nobody is known yet: `know`. Texts go into the outbox under `ticket`."""
        self.desk = desk
        self.now = now
        self.mode = desk.policy.mode
        self.batch = ConversationBatch(mode=self.mode.value)
        self.contacts: dict[str, Contact] = {}
        self.waiting: dict[str, list[Enrolment]] = {}
        self._facts = Facts({}, {})
        self._by_id: dict[str, Contact] = {}
        self._jobs: dict[str, Job | None] = {}
        self._turns: dict[str, int] = {}
        self._moved: dict[str, Enrolment] = {}
        self._entered: dict[str, EnteredPlan] = {}
        self._read_job = snapshot_reader(desk.book.plans.job_type(desk.book.rules))
        # Answers that may go out in the provider's own call, by the reply's id.
        self.in_call: dict[str, list[MessageKey]] = {}
        self._versions: dict[str, bytes] = {}
        self._order = ORDER
        self._everybody: list[str] = []
        self._texted: dict[str, Message] | None = None
        self._ticket = ticket

    # What is known.

    def know(self, numbers: Collection[str], *, enrolments: Iterable[Enrolment] = ()) -> None:
        """Read who these people are, where they stand, and what they want."""
        store, mode = self.desk.store, self.mode.value
        everybody = self._everybody = sorted(set(numbers) | {one.number for one in enrolments})
        self.contacts = store.contacts_of(everybody)
        self.waiting = store.waiting_enrolments(everybody, mode)
        for some in self.waiting.values():
            for one in some:
                self.remember(one)
        self._by_id = {one.id: one for one in self.contacts.values()}
        self._facts.people |= store.people(concerned(everybody, self.desk.policy))
        self.know_jobs({one.subject for some in self.waiting.values() for one in some})

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
        if self._texted is None:
            # A look through many texts: once, for everybody of this portion.
            since = self.now - _ANSWERED_WITHIN
            asked = {number, *self._everybody}
            self._texted = self.desk.store.newest_messages_to(asked, self.mode.value, since)
        newest = self._texted.get(number)
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

    # People in plans.

    def enter(self, entering: Entering, cause: Cause) -> Enrolment:
        """Let somebody into a plan, and take the first steps."""
        plan, number = entering.plan, entering.number
        job = entering.job
        enrolment = enrol(
            plan,
            id=new_id(self.now),
            contact=self.contact(number),
            number=number,
            mode=self.mode.value,
            source=entering.source,
            job=job,
            subject=entering.subject,
            account=entering.account,
            ours=entering.ours,
            now=self.now,
        )
        if entering.subject:
            self.see_job(entering.subject, job)
        self._entered[enrolment.id] = EnteredPlan(
            enrolment=enrolment,
            entry_ref=entering.ref,
            alone=plan.re_enter != "always",
            content=plan.content,
        )
        self.waiting.setdefault(number, []).append(enrolment)
        self.move(enrolment, Started(source=entering.source, ref=entering.ref), cause, plan=plan)
        return self.latest(enrolment)

    def may_enter(self, entering: Entering) -> bool:
        """Say whether somebody can come into a plan now, by an event, a rule, a plan or a hand.

        The same cause lets nobody in twice, a plan that was `never` entered twice neither.
        """
        plan, number, mode = entering.plan, entering.number, self.mode.value
        inside = any(one.plan == plan.name for one in self.waiting.get(number, ()))
        if inside and plan.re_enter != "always":
            return False
        store = self.desk.store
        if plan.re_enter == "never" and store.was_ever_in(plan.name, [number], mode):
            return False
        if store.known_entries(mode, [EntryKey(plan.name, number, entering.ref)]):
            return False
        view = PlanView(self.contacts.get(number, NOBODY_KNOWN), {}, entering.job)
        return all(test(view) for test in plan.entry.tests)

    def adopt(self, numbers: Collection[str], plans: Collection[str]) -> None:
        """Take over the texts of these plans that an earlier run's volume guard still holds.

        Whoever came in with that run does not come in again: their first text waits there.
        """
        ticket, store = self._ticket, self.desk.store
        if not (ticket.adopts and ticket.run and store.has_guarded()):
            return
        subjects = [
            one.id
            for number in numbers
            for one in self.waiting.get(number, ())
            if one.plan in plans
        ]
        if subjects and store.adopt_texts(subjects, ticket.run) and not ticket.guarded:
            store.release_run(ticket.run, self.now)

    def latest(self, enrolment: Enrolment) -> Enrolment:
        """Return an enrolment as it stands now."""
        moved = self._moved.get(enrolment.id)
        if moved is not None:
            return moved
        entered = self._entered.get(enrolment.id)
        return enrolment if entered is None else entered.enrolment

    def move(
        self, enrolment: Enrolment, what: Input, cause: Cause, *, plan: Plan | None = None
    ) -> Advance:
        """Give an enrolment an input; return what it came to.

        A text that a gate stops did not arrive: that is the next input.
        """
        enrolment = self.latest(enrolment)
        plan = plan or self.plan_of(enrolment)
        contact = self._by_id.get(enrolment.contact_id)
        if plan is None:
            return self._end(enrolment, what, Outcome.FAILED, "plan_gone")
        if contact is None:
            return self._end(enrolment, what, Outcome.EXITED, "forgotten")
        first: Advance | None = None
        while True:
            came_to = advance(
                plan,
                enrolment,
                what,
                contact=contact,
                job=self.job(enrolment.subject),
                now=self.now,
                timezone=self.desk.policy.timezone,
            )
            first = first or came_to
            if not came_to.consumed:
                return first
            enrolment, stopped = self._take(plan, came_to, cause)
            if stopped is None:
                return first
            what = NotDelivered(message_id=enrolment.message_id, reason=stopped)
            contact = self._by_id[contact.id]

    def end_all(
        self, number: str, reason: str, cause: Cause, which: Collection[str] | None = None
    ) -> int:
        """Take somebody out of every plan, or out of the enrolments with these ids."""
        count = 0
        for enrolment in list(self.waiting.get(number, ())):
            if which is None or enrolment.id in which:
                self.move(enrolment, Ended(reason=reason), cause)
                count += 1
        return count

    def _take(self, plan: Plan, came_to: Advance, cause: Cause) -> tuple[Enrolment, str | None]:
        """Note what an advance came to; return the enrolment, and why its question was stopped."""
        enrolment, batch = came_to.enrolment, self.batch
        batch.transitions += came_to.transitions
        if came_to.facets or came_to.tags:
            self._change_contact(enrolment, came_to)
        for goal, value in came_to.goals:
            self._note(enrolment, "goal", {"goal": goal, "plan": plan.name}, value)
        batch.errands += [
            NewErrand(errand=one, enrolment_id=enrolment.id) for one in came_to.errands
        ]
        stopped = None
        for said in came_to.texts:
            message_id, reason = self._say(plan, enrolment, said, cause)
            if said.occasion == enrolment.message_id:  # the question that it waits on
                if message_id:  # else the occasion stays there: that is what was not delivered
                    enrolment = msgspec.structs.replace(enrolment, message_id=message_id)
                else:
                    stopped = reason
        self._put(enrolment)
        return enrolment, stopped

    def _put(self, enrolment: Enrolment) -> None:
        """Keep an enrolment as it stands now."""
        entered = self._entered.get(enrolment.id)
        if entered is not None:
            self._entered[enrolment.id] = msgspec.structs.replace(entered, enrolment=enrolment)
        else:
            self._moved[enrolment.id] = enrolment
        some = self.waiting.get(enrolment.number, [])
        places = [place for place, one in enumerate(some) if one.id == enrolment.id]
        for place in places:
            if enrolment.is_over:
                del some[place]
            else:
                some[place] = enrolment

    def remember(self, enrolment: Enrolment) -> None:
        """Note the turn that an enrolment was read at; whoever moved it meanwhile wins."""
        self._turns.setdefault(enrolment.id, enrolment.turn)

    def run_over(self, enrolment: Enrolment, account: str, ours: str) -> None:
        """Say what a conversation runs over, once the person has answered to it."""
        enrolment = self.latest(enrolment)
        if not enrolment.account and account:
            self._put(msgspec.structs.replace(enrolment, account=account, ours=ours))

    def _change_contact(self, enrolment: Enrolment, came_to: Advance) -> None:
        contact = self._by_id[enrolment.contact_id]
        self.batch.changed.append(
            ContactChange(contact_id=contact.id, facets=came_to.facets, tags=came_to.tags)
        )
        facets = {
            name: value
            for name, value in (dict(contact.facets) | dict(came_to.facets)).items()
            if value is not None
        }
        contact = msgspec.structs.replace(contact, facets=facets, tags=contact.tags | came_to.tags)
        self._by_id[contact.id] = contact
        for address in contact.addresses:
            self.contacts[address] = contact

    def _note(
        self, enrolment: Enrolment, event: str, data: Mapping[str, object], value: float | None
    ) -> None:
        self.batch.interactions.append(
            Interaction(
                id=new_id(self.now),
                contact_id=enrolment.contact_id,
                channel="sms",
                event=event,
                at=self.now,
                value=value,
                data=data,
                ref=enrolment.id,
            )
        )

    def _end(self, enrolment: Enrolment, what: Input, outcome: Outcome, path: str) -> Advance:
        """End what no plan can lead on: its version or its person is gone."""
        over = msgspec.structs.replace(
            enrolment,
            state=outcome.value,
            turn=enrolment.turn + 1,
            waiting=Waiting.NOTHING,
            due_at=None,
            waits_since=None,
            ended_at=self.now,
        )
        transition = Transition(
            enrolment_id=enrolment.id,
            turn=over.turn,
            from_step=enrolment.step,
            to_step=outcome.value,
            path=path,
            cause=str(what.__struct_config__.tag),
            at=self.now,
        )
        self.batch.transitions.append(transition)
        self._put(over)
        return Advance(enrolment=over, transitions=(transition,))

    # Texts.

    def _say(
        self, plan: Plan, enrolment: Enrolment, said: PlanText, cause: Cause
    ) -> tuple[str, str]:
        """Judge a plan's text; return the id of its message, or `''` and why there is none."""
        # An account's name is the route to it alone: a conversation stays where it began.
        route = enrolment.account or said.route or plan.route or self.desk.terms.route
        job = self.job(enrolment.subject)
        draft = plan_draft(plan, enrolment, said, job, cause, route)
        return self.say(draft, account=enrolment.account, ours=enrolment.ours)

    def say(self, draft: Draft, *, account: str = "", ours: str = "") -> tuple[str, str]:
        """Judge a draft; return the id of its message, or `''` and why there is none."""
        decisions = judge([draft], self._facts, self.desk.policy, self.now, self._order)
        for decision in decisions:
            self.batch.decisions.append(decision)
            if decision.verdict is Verdict.STOP:
                return "", decision.reason
            self._queue(decision, account, ours)
        return self.batch.messages[draft.key].id, ""

    def say_all(self, drafts: Sequence[Draft]) -> list[Decision]:
        """Judge the drafts of rules."""
        decisions = judge(drafts, self._facts, self.desk.policy, self.now, self._order)
        self.batch.decisions += decisions
        for decision in decisions:
            if decision.verdict is not Verdict.STOP:
                self._queue(decision, "", "")
        return decisions

    def _queue(self, decision: Decision, account: str, ours: str) -> None:
        ticket = self._ticket
        message = to_message(
            decision, new_id(self.now), self.now, run=ticket.run, guarded=ticket.guarded
        )
        if account:
            message = msgspec.structs.replace(message, account=account, sender=ours)
        if account in self.desk.terms.twiml_accounts and _may_go_in_call(decision, message):
            message = msgspec.structs.replace(message, not_before=self.now + IN_CALL)
            self.in_call.setdefault(decision.draft.event.id, []).append(decision.draft.key)
        self.batch.messages[decision.draft.key] = message

    # Consent.

    def opt_out(self, change: ConsentChange, cause: Cause) -> None:
        """Record an opt-out; end what is under way, and what waits to go out."""
        number, scope = change.recipient, change.scope
        self.batch.consents.append(change)
        self.batch.cancel.append(CancelTexts(number=number, scope=scope))
        self._drop_own(number, scope)
        person = self.person(number)
        if scope == EVERYTHING:
            person = msgspec.structs.replace(
                person,
                opted_out=True,
                opted_out_source=change.source,
                opted_out_at=change.at,
                marketing_since=None,
            )
        else:
            since = None if scope == MARKETING else person.marketing_since
            person = msgspec.structs.replace(
                person, refuses=person.refuses | {scope}, marketing_since=since
            )
        self._facts.people[number] = person
        self.end_all(number, "opted_out", cause, which=self._in_scope(number, scope))

    def opt_in(self, change: ConsentChange) -> None:
        """Record that somebody wants texts again, or asks for marketing."""
        self.batch.consents.append(change)
        person = self.person(change.recipient)
        if change.scope == EVERYTHING:
            person = msgspec.structs.replace(person, opted_out=False, refuses=frozenset())
        elif change.scope == MARKETING:
            person = msgspec.structs.replace(
                person, marketing_since=change.at, refuses=person.refuses - {MARKETING}
            )
        self._facts.people[change.recipient] = person

    def doubt(self, number: str) -> None:
        """A text may be an opt-out: what goes out to this person waits for a clerk."""
        self._facts.people[number] = msgspec.structs.replace(self.person(number), in_doubt=True)

    def _in_scope(self, number: str, scope: str) -> set[str] | None:
        if scope == EVERYTHING:
            return None
        some = self.waiting.get(number, ())
        if scope == MARKETING:
            plans = [(one, self.plan_of(one)) for one in some]
            return {one.id for one, plan in plans if plan and plan.purpose is Purpose.MARKETING}
        ours = scope.removeprefix("sender:")
        return {one.id for one in some if one.ours == ours}

    def _drop_own(self, number: str, scope: str) -> None:
        """Cancel this very portion's texts to somebody who says STOP a moment later."""
        for key, message in self.batch.messages.items():
            if key.recipient != number or key.kind == "consent":
                continue
            if scope == MARKETING and message.purpose != Purpose.MARKETING:
                continue
            if scope.startswith("sender:") and message.sender != scope.removeprefix("sender:"):
                continue
            self.batch.messages[key] = msgspec.structs.replace(
                message, state=MessageState.CANCELLED, gate="opted_out", reason="opted_out"
            )

    # By hand.

    def cancel_texts_of(self, enrolment: Enrolment) -> None:
        """Cancel what waits to go out of an enrolment: somebody decided otherwise."""
        self.batch.cancel.append(CancelTexts(subject=enrolment.id, reason="by_hand"))

    def know_version(self, plan: Plan) -> None:
        """Store a version of a plan with those who are put on it."""
        self._versions[plan.version] = plan.content

    # The end.

    def finish(self) -> ConversationBatch:
        """Return the batch of everything that this portion came to."""
        self.batch.moved = [
            MovedEnrolment(one, self._turns[one.id], self._versions.get(one.version, b""))
            for one in self._moved.values()
        ]
        self.batch.entered = list(self._entered.values())
        return self.batch


def _may_go_in_call(decision: Decision, message: Message) -> bool:
    """Say whether a text may answer in the call that brought the reply: the same phone, now."""
    return (
        decision.draft.event.name == "reply"
        and message.state is MessageState.QUEUED
        and message.recipient == decision.draft.recipient
    )
