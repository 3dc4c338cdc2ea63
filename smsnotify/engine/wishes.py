"""Carrying out what a person wants who does not say it in a reply: a page, a call, a letter.

A reply goes the way of conversations; both write the same things in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.errors import OvertakenError
from smsnotify.model.contact import ConsentChange
from smsnotify.model.decision import Mode
from smsnotify.model.enrolment import Enrolment, Transition, Waiting
from smsnotify.model.facts import EVERYTHING
from smsnotify.model.plan import Outcome
from smsnotify.store.conversation_batch import CancelTexts, ConversationBatch, MovedEnrolment
from smsnotify.store.store import Store

_TRIES: Final = 5


def carry_out(
    store: Store, changes: Sequence[ConsentChange], now: datetime, *, is_noted: bool = False
) -> None:
    """Record consents; where they are opt-outs, cancel what waits and end what goes on.

    `is_noted`: they are recorded already.

    Raises:
        StoreError: nothing of it is stored.
    """
    for tries_left in reversed(range(_TRIES)):
        moved = list(_ended(store, changes, now))
        batch = ConversationBatch(
            mode=Mode.LIVE,
            consents=[] if is_noted else list(changes),
            cancel=[
                CancelTexts(number=one.recipient, scope=one.scope)
                for one in changes
                if one.opted_out
            ],
            moved=moved,
            transitions=[_transition(one.enrolment, now) for one in moved],
        )
        try:
            store.keep_conversation(batch, now)
        except OvertakenError:
            if not tries_left:
                raise
        else:
            return


def _ended(
    store: Store, changes: Iterable[ConsentChange], now: datetime
) -> Iterator[MovedEnrolment]:
    """Give the enrolments that end with these opt-outs, in every mode."""
    out = {one.recipient: one.scope for one in changes if one.opted_out}
    for mode in Mode:
        for number, waiting in store.waiting_enrolments(list(out), mode).items():
            for enrolment in waiting:
                if out[number] in (EVERYTHING, f"sender:{enrolment.ours}"):
                    yield MovedEnrolment(_over(enrolment, now), enrolment.turn)


def _over(enrolment: Enrolment, now: datetime) -> Enrolment:
    return msgspec.structs.replace(
        enrolment,
        state=Outcome.EXITED,
        turn=enrolment.turn + 1,
        waiting=Waiting.NOTHING,
        waits_since=None,
        due_at=None,
        ended_at=now,
    )


def _transition(enrolment: Enrolment, now: datetime) -> Transition:
    return Transition(
        enrolment_id=enrolment.id,
        turn=enrolment.turn,
        from_step=enrolment.step,
        to_step=Outcome.EXITED,
        path="opted_out",
        cause="ended",
        at=now,
    )
