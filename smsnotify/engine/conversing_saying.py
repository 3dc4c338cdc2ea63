"""Texts of a portion of conversations: judged by the same gates, queued in the same batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.ids import new_id
from smsnotify.engine.conversing_known import Desk, Known
from smsnotify.engine.conversing_terms import IN_CALL
from smsnotify.engine.counting import asked_for, learn_counts
from smsnotify.engine.decide import judge
from smsnotify.engine.keep import Ticket, opt_out_pages
from smsnotify.engine.outgoing import to_message
from smsnotify.model.decision import Decision, Draft, MessageKey, Verdict
from smsnotify.model.message import Message, MessageState

NO_TICKET: Final = Ticket()


class Saying(Known):
    """Judges and queues; texts go into the outbox under a run's ticket."""

    def __init__(self, desk: Desk, now: datetime, ticket: Ticket = NO_TICKET) -> None:
        """Nobody is known yet, and nothing is said."""
        super().__init__(desk, now)
        self._ticket = ticket
        # Answers that may go out in the provider's own call, by the reply's id.
        self.in_call: dict[str, list[MessageKey]] = {}

    def say(self, draft: Draft, *, account: str = "", ours: str = "") -> tuple[str, str]:
        """Judge a draft; return the id of its message, or `''` and why there is none."""
        decisions = self._judge([draft])
        for decision in decisions:
            self.batch.decisions.append(decision)
            if decision.verdict is Verdict.STOP:
                return "", decision.reason
            self._queue(decision, account, ours)
        return self.batch.messages[draft.key].id, ""

    def say_all(self, drafts: Sequence[Draft]) -> list[Decision]:
        """Judge the drafts of rules."""
        decisions = self._judge(drafts)
        self.batch.decisions += decisions
        for decision in decisions:
            if decision.verdict is not Verdict.STOP:
                self._queue(decision, "", "")
        return decisions

    def _judge(self, drafts: Sequence[Draft]) -> list[Decision]:
        facts, desk = self._facts, self.desk
        run = self._ticket.run
        learn_counts(
            facts, asked_for(drafts, desk.policy), desk.store, desk.policy, self.now, run=run
        )
        decisions = judge(drafts, facts, desk.policy, self.now)
        if facts.counts is not None:
            self.batch.charges = facts.counts.charges
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
        self.batch.links += opt_out_pages([decision], self.desk.store)


def _may_go_in_call(decision: Decision, message: Message) -> bool:
    """Say whether a text may answer in the call that brought the reply: the same phone, now."""
    return (
        decision.draft.event.name == "reply"
        and message.state is MessageState.QUEUED
        and message.recipient == decision.draft.recipient
    )
