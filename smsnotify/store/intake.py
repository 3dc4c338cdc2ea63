"""Saving what a chunk of events came to: one transaction, and the UNIQUE key has the last word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.base.ids import new_id
from smsnotify.model.decision import Decision, Earlier, MessageKey, Verdict
from smsnotify.model.message import Message, MessageState
from smsnotify.store.addresses import contact_ids
from smsnotify.store.batch import Batch
from smsnotify.store.books import save_jobs
from smsnotify.store.counters import charge_kept
from smsnotify.store.digests import join, note_windows
from smsnotify.store.first_texts import forget_first_texts, note_first_texts
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import to_micros
from smsnotify.store.interactions import note_interactions
from smsnotify.store.keys import GIVES_WAY, KEY_COLUMNS, taken
from smsnotify.store.links import add_links
from smsnotify.store.numbers import enter_late
from smsnotify.store.rows import MESSAGE_COLUMNS, message_row
from smsnotify.store.rowset import is_postgres, packed, words
from smsnotify.store.statements import insert_rows
from smsnotify.store.wakeups import announce

_EVENT_COLUMNS: Final = ("id", "subject", "name", "event_id", "time", "raw", "received_at")
_DECISION_COLUMNS: Final = (
    *KEY_COLUMNS,
    "verdict",
    "reason",
    "gate",
    "detail",
    "recipient",
    "job",
    "event",
    "event_id",
    "attempt",
    "message_id",
    "not_before",
    "decided_at",
)
_NOTHING: Final = "DO NOTHING"
# A text that took the place of one that the volume guard had held back has another id.
_NEWEST_MESSAGE: Final = (
    f"({', '.join((*KEY_COLUMNS, 'verdict', 'reason'))}) DO UPDATE "
    "SET message_id = excluded.message_id "
    "WHERE excluded.message_id <> '' AND decisions.message_id <> excluded.message_id"
)
_once = itemgetter(slice(0, 9))
_numbers_of = itemgetter(
    *map(MESSAGE_COLUMNS.index, ("id", "recipient_hash", "recipient", "intended"))
)


def save(connection: Connection, hashed: RecipientHash, batch: Batch) -> dict[MessageKey, Earlier]:
    """Keep a batch; return the keys that were taken, with the message that has each.

    A message whose key was taken is not kept, and its decision is recorded as the duplicate that
    it is. Rows go in sorted by key: two processes with the same news wait for each other.

    Raises:
        OvertakenError: others have reached a cap; the transaction must be undone.
    """
    save_jobs(connection, batch.jobs, to_micros(batch.at))
    _save_events(connection, batch)
    _make_room(connection, batch.replaces)
    add_links(connection, batch.links, batch.at)
    _save_tracked(connection, batch)
    lost = save_texts(connection, hashed, batch)
    charge_kept(connection, hashed, batch.charges, lost, batch.at)
    return lost


def save_texts(
    connection: Connection, hashed: RecipientHash, batch: Batch
) -> dict[MessageKey, Earlier]:
    """Keep a batch's messages and decisions; return the keys that were taken, as `save` does."""
    at = to_micros(batch.at)
    messages, placed = batch.messages, list[tuple[str, str]]()
    if batch.waiting:
        messages, placed = join(connection, hashed, batch)
    lost = _save_messages(connection, hashed, messages)
    note_windows(connection, placed)
    _note_first_texts(connection, batch)
    rows = [_decision_row(decision, hashed, batch, lost, at) for decision in batch.decisions]
    rows.sort(key=_once)
    insert_rows(connection, "decisions", _DECISION_COLUMNS, rows, _NEWEST_MESSAGE)
    if any(message.state is MessageState.QUEUED for message in batch.messages.values()):
        announce(connection)
    return lost


def _note_first_texts(connection: Connection, batch: Batch) -> None:
    """Note whose first text leaves now; what waits is noted when it is released."""
    note_first_texts(
        connection,
        [
            batch.messages[one.draft.key].id
            for one in batch.decisions
            if one.first_text and one.verdict is Verdict.SEND and one.draft.key in batch.messages
        ],
    )


def _save_tracked(connection: Connection, batch: Batch) -> None:
    if batch.tracked:
        ids = contact_ids(connection, {one.address for one in batch.tracked}, batch.at)
        note_interactions(
            connection,
            [
                msgspec.structs.replace(one.interaction, contact_id=ids[one.address])
                for one in batch.tracked
            ],
        )


def _save_events(connection: Connection, batch: Batch) -> None:
    at = to_micros(batch.at)
    rows = [
        (
            new_id(batch.at),
            event.subject,
            event.name,
            event.event_id,
            to_micros(event.time),
            event.raw,
            at,
        )
        for event in batch.events
    ]
    insert_rows(connection, "events", _EVENT_COLUMNS, rows)


def _make_room(connection: Connection, replaced: Sequence[str]) -> None:
    """Take away what is still held back or cancelled; what went out meanwhile keeps its key."""
    if replaced:
        forget_first_texts(connection, replaced)
        which = words(is_postgres(connection), "ids")
        statement = text(f"DELETE FROM messages WHERE id IN ({which}) AND {GIVES_WAY}")  # noqa: S608 - our own names
        connection.execute(statement, {"ids": packed(list(replaced))})


def _save_messages(
    connection: Connection, hashed: RecipientHash, messages: Mapping[MessageKey, Message]
) -> dict[MessageKey, Earlier]:
    rows = [message_row(key, hashed(key.recipient), message) for key, message in messages.items()]
    rows.sort()
    # Those whose key is taken are entered for nothing: it costs a row, and misleads nobody.
    enter_late(connection, hashed, [_numbers_of(row) for row in rows])
    if insert_rows(connection, "messages", MESSAGE_COLUMNS, rows, _NOTHING) == len(rows):
        return {}
    statement = text(
        f"SELECT id FROM messages WHERE id IN ({words(is_postgres(connection), 'ids')})"  # noqa: S608 - our own names
    )
    ids = packed([message.id for message in messages.values()])
    kept = set(connection.execute(statement, {"ids": ids}).scalars())
    lost = [key for key, message in messages.items() if message.id not in kept]
    return taken(connection, hashed, lost)


def _decision_row(
    decision: Decision,
    hashed: RecipientHash,
    batch: Batch,
    lost: Mapping[MessageKey, Earlier],
    at: int,
) -> tuple[Any, ...]:
    draft = decision.draft
    event, key = draft.event, draft.key
    verdict: str = decision.verdict
    reason, gate, detail = decision.reason, decision.gate, decision.detail
    not_before = to_micros(decision.not_before)
    earlier = lost.get(key)
    if decision.verdict is Verdict.STOP:
        message_id = _duplicate_of(decision, batch, earlier)
    elif earlier is not None:
        verdict, reason, gate, not_before = Verdict.STOP, "duplicate", "duplicate", None
        detail, message_id = f"already {earlier.state} as {earlier.id}", earlier.id
    else:
        message_id = batch.messages[key].id if key in batch.messages else ""
    return (
        *key[:6],
        hashed(key.recipient),
        verdict,
        reason,
        gate,
        detail,
        draft.recipient,
        event.job.number,
        event.name,
        event.id,
        event.job.attempt_number,
        message_id,
        not_before,
        at,
    )


def _duplicate_of(decision: Decision, batch: Batch, earlier: Earlier | None) -> str:
    """A duplicate points at the earlier message, which may be one of this very batch."""
    if decision.reason != "duplicate":
        return ""
    if earlier is not None:
        return earlier.id
    if decision.earlier is not None and decision.earlier.id:
        return decision.earlier.id
    message = batch.messages.get(decision.draft.key)
    return message.id if message is not None else ""
