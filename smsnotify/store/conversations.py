"""Keeping what a conversation came to: one transaction, and whoever was faster wins whole.

Nothing is locked while replies are worked: replies must still be in the state, enrolments at the
turn and addresses as free as they were when they were read. If not, nothing is kept at all.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

import msgspec
from sqlalchemy import Connection

from smsnotify.base.errors import OvertakenError
from smsnotify.model.decision import Earlier, MessageKey
from smsnotify.model.enrolment import Enrolment
from smsnotify.store.batch import Batch
from smsnotify.store.cancelling import cancel_found
from smsnotify.store.choices import clear_choices, open_choice
from smsnotify.store.consents import note_consents
from smsnotify.store.contacts import add_contacts, change_contacts
from smsnotify.store.conversation_batch import ConversationBatch
from smsnotify.store.counters import charge_kept
from smsnotify.store.enrolling import enter, move, note_plans, note_transitions
from smsnotify.store.errands import add_errands
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.intake import save_texts
from smsnotify.store.interactions import note_interactions
from smsnotify.store.links import add_links
from smsnotify.store.replies import work
from smsnotify.store.rowset import (
    among,
    execute,
    find_by_id,
    is_postgres,
    packed,
    statement,
)


def keep(
    connection: Connection,
    hashed: RecipientHash,
    batch: ConversationBatch,
    cancelled: Mapping[str, Sequence[str]],
    now: datetime,
) -> dict[MessageKey, Earlier]:
    """Keep a batch; return the message keys that were taken, with the message that has each.

    `cancelled` is what `cancelling.find_texts` found for the batch.

    Raises:
        OvertakenError: somebody else worked one of the replies, moved one of the enrolments, let
            one of the people in or reached a cap. The transaction must be undone.
    """
    find_by_id(connection)
    _lock(connection, batch)
    _must(work(connection, batch.worked, now), "a reply was worked by another process")
    _must(add_contacts(connection, batch.contacts, now), "an address got its contact elsewhere")
    change_contacts(connection, batch.changed, now)
    if batch.consents:
        note_consents(connection, hashed, batch.consents, now)
    cancel_found(connection, cancelled, now)
    lost: dict[MessageKey, Earlier] = {}
    if batch.decisions or batch.messages:
        texts = Batch([], [], batch.decisions, batch.messages, now)
        lost = save_texts(connection, hashed, texts)
    moved, entered = batch.moved, batch.entered
    if lost:
        earlier = _earlier_ids(batch, lost)
        moved = [
            msgspec.structs.replace(one, enrolment=_waiting_on(one.enrolment, earlier))
            for one in moved
        ]
        entered = [
            msgspec.structs.replace(one, enrolment=_waiting_on(one.enrolment, earlier))
            for one in entered
        ]
    # Who leaves a plan may come in again in the same batch.
    _must(move(connection, moved), "an enrolment was moved by another process")
    note_plans(connection, [*entered, *moved], now)
    _must(enter(connection, entered), "somebody was let into a plan by another process")
    _must(
        note_transitions(connection, batch.transitions),
        "a turn of an enrolment was taken by another process",
    )
    note_interactions(connection, batch.interactions)
    add_errands(connection, batch.errands, batch.mode, now)
    clear_choices(connection, batch.cleared, batch.mode)
    open_choice(connection, batch.choices, batch.mode)
    add_links(connection, batch.links, now)
    charge_kept(connection, hashed, batch.charges, lost, now)
    return lost


def _must(kept: bool, otherwise: str) -> None:
    if not kept:
        raise OvertakenError(otherwise, hint="read what is stored now, and decide again")


def _earlier_ids(batch: ConversationBatch, lost: Mapping[MessageKey, Earlier]) -> dict[str, str]:
    """Return the ids of messages that were not kept, with those that have their keys."""
    return {
        batch.messages[key].id: earlier.id for key, earlier in lost.items() if key in batch.messages
    }


def _waiting_on(enrolment: Enrolment, earlier: Mapping[str, str]) -> Enrolment:
    """Let an enrolment wait on the text that is really there."""
    if enrolment.message_id not in earlier:
        return enrolment
    return msgspec.structs.replace(enrolment, message_id=earlier[enrolment.message_id])


@cache
def _lock_statement(table: str) -> str:
    which = among(True, "id", "ids")
    return statement(True, f"SELECT id FROM {table} WHERE {which} ORDER BY id FOR UPDATE")


def _lock(connection: Connection, batch: ConversationBatch) -> None:
    """On PostgreSQL, take rows in order: two writers of the same ones wait in line."""
    if not is_postgres(connection):
        return
    wanted = {
        "replies": [one.id for one in batch.worked],
        "enrolments": [one.enrolment.id for one in batch.moved],
    }
    for table, ids in wanted.items():
        if len(ids) > 1:
            execute(connection, _lock_statement(table), {"ids": packed(ids)}).fetchall()
