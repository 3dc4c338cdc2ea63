"""People in plans while a portion of conversations is worked: they come in, move on, and leave."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from smsnotify.base.ids import new_id
from smsnotify.engine.accounts import DEFAULT_ROUTE
from smsnotify.engine.conversing_known import Desk
from smsnotify.engine.conversing_saying import NO_TICKET, Saying
from smsnotify.engine.conversing_texts import Cause, plan_draft
from smsnotify.engine.keep import Ticket
from smsnotify.model.contact import NOBODY_KNOWN, Interaction, email_of
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
from smsnotify.model.job import Job
from smsnotify.model.plan import Outcome, Plan
from smsnotify.model.reading import OPT_OUT_MARK
from smsnotify.model.rule import EMAIL
from smsnotify.plans.engine import advance, enrol
from smsnotify.plans.view import PlanView
from smsnotify.store.conversation_batch import (
    ContactChange,
    EnteredPlan,
    NewErrand,
)
from smsnotify.store.enrolments import EntryKey


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


class Moving(Saying):
    """Gives enrolments their inputs, and notes what those come to."""

    def __init__(self, desk: Desk, now: datetime, ticket: Ticket = NO_TICKET) -> None:
        """Nobody is known yet: `know`. Texts go into the outbox under `ticket`."""
        super().__init__(desk, now, ticket)
        self._moved: dict[str, Enrolment] = {}
        self._entered: dict[str, EnteredPlan] = {}
        self._versions: dict[str, bytes] = {}

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
                opt_out_link=OPT_OUT_MARK if self.desk.policy.public_url else "",
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
        job = self.job(enrolment.subject)
        if said.channel == EMAIL:
            route = said.route or plan.route or DEFAULT_ROUTE
            address = email_of(self._by_id.get(enrolment.contact_id, NOBODY_KNOWN))
            mail = plan_draft(plan, enrolment, said, job, cause, route=route, address=address)
            return self.say(mail)
        # An account's name is the route to it alone: a conversation stays where it began.
        route = enrolment.account or said.route or plan.route or self.desk.terms.route
        draft = plan_draft(plan, enrolment, said, job, cause, route=route)
        return self.say(draft, account=enrolment.account, ours=enrolment.ours)
