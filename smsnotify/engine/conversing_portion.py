"""A portion of conversations while it is worked: what is known, and what it comes to.

Everything stays in memory until the whole portion is kept in one transaction; each person's
inputs are worked in order, and see what the ones before them came to.
"""

from __future__ import annotations

import msgspec

from smsnotify.engine.conversing_known import Desk
from smsnotify.engine.conversing_moving import Entering, Moving
from smsnotify.engine.conversing_saying import NO_TICKET
from smsnotify.engine.conversing_texts import Cause
from smsnotify.model.contact import ConsentChange
from smsnotify.model.enrolment import Enrolment
from smsnotify.model.facts import EVERYTHING, MARKETING
from smsnotify.model.message import MessageState
from smsnotify.model.plan import Plan
from smsnotify.model.rule import Purpose
from smsnotify.store.conversation_batch import CancelTexts, ConversationBatch, MovedEnrolment

__all__ = ["NO_TICKET", "Desk", "Entering", "Portion"]


class Portion(Moving):
    """What is known of some people, and the batch that comes together for them."""

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
