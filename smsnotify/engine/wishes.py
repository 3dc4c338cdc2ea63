"""Carrying out what a person wants who does not say it in a reply: a page, a call, a letter.

A reply goes the way of conversations; both write the same things in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.errors import OvertakenError, PlanError
from smsnotify.model.contact import ConsentChange
from smsnotify.model.decision import Mode
from smsnotify.model.enrolment import Enrolment, Transition, Waiting
from smsnotify.model.facts import EVERYTHING, MARKETING
from smsnotify.model.plan import Outcome
from smsnotify.model.rule import Purpose
from smsnotify.plans.content import unpack
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
    out: dict[str, set[str]] = {}
    for one in changes:
        if one.opted_out:
            out.setdefault(one.recipient, set()).add(one.scope)
    sells = _Sells(store)
    for mode in Mode:
        for number, waiting in store.waiting_enrolments(list(out), mode).items():
            for enrolment in waiting:
                scopes = out[number]
                if not scopes.isdisjoint((EVERYTHING, f"sender:{enrolment.ours}")) or (
                    MARKETING in scopes and sells.is_marketing(enrolment.version)
                ):
                    yield MovedEnrolment(_over(enrolment, now), enrolment.turn)


class _Sells:
    """Says of versions of plans whether they are marketing, each read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, bool] = {}

    def is_marketing(self, version: str) -> bool:
        """Say whether a version is; what cannot be read is left to the gates."""
        if version not in self._known:
            self._known[version] = self._read(version) == Purpose.MARKETING
        return self._known[version]

    def _read(self, version: str) -> object:
        content = self._store.plan_content(version)
        try:
            return unpack(content).plan.get("purpose") if content is not None else None
        except PlanError:
            return None


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
