"""Everything that the books say of a job or of a number: for `why`."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.model.message import Message
from smsnotify.store.batch import StoredJob
from smsnotify.store.books import jobs_by_subject, subjects_called
from smsnotify.store.digests import carried
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import from_micros
from smsnotify.store.receipts import StoredReceipt, receipts_of
from smsnotify.store.rows import SELECTED, read_message
from smsnotify.store.rowset import is_postgres, packed, words
from smsnotify.store.texted import messages_to

MOST: Final = 500
"""How many messages, decisions and events a story tells at most, the newest."""


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as it is kept; `raw` is the line that it came in."""

    id: str
    subject: str
    name: str
    event_id: str
    time: datetime | None
    raw: bytes
    received_at: datetime


class StoredDecision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A decision as it is kept; `message_id` is its message, or the one that it doubles."""

    subject: str
    mode: str
    kind: str
    rule: str
    occasion: str
    channel: str
    recipient: str
    verdict: str
    gate: str
    reason: str
    detail: str
    job: str
    event: str
    event_id: str
    attempt: int
    message_id: str
    not_before: datetime | None
    decided_at: datetime


class Story(msgspec.Struct, frozen=True, gc=False):
    """What happened and what was decided, oldest first.

    A text that another one carries brings that along; `carries` are the jobs that a text tells of
    beside its own, by its id.
    """

    jobs: list[StoredJob]
    events: list[StoredEvent]
    decisions: list[StoredDecision]
    messages: list[Message]
    receipts: list[StoredReceipt] = []
    carries: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        """False when the books know nothing."""
        return bool(self.jobs or self.events or self.decisions or self.messages)


_DECISION_FIELDS: Final = StoredDecision.__struct_fields__


def story_of_job(connection: Connection, name: str) -> Story:
    """Tell all of the jobs that people call `name`: a D.O. number, an id or a subject."""
    subjects = subjects_called(connection, name)
    if not subjects:
        return Story([], [], [], [])
    which = f"subject IN ({words(is_postgres(connection), 'subjects')})"
    values = {"subjects": packed(subjects)}
    jobs = jobs_by_subject(connection, subjects)
    messages = _with_carriers(connection, _messages(connection, which, values))
    return Story(
        [jobs[subject] for subject in subjects if subject in jobs],
        _events(connection, which, values),
        _decisions(connection, which, values),
        messages,
        _receipts(connection, messages),
        _carries(connection, messages),
    )


def story_of_number(connection: Connection, hashed: RecipientHash, number: str) -> Story:
    """Tell what was decided and sent for a recipient, and what went to that number instead."""
    messages = messages_to(connection, hashed, [number], MOST)[::-1]
    return Story(
        [],
        [],
        _decisions(connection, "recipient_hash = :hash", {"hash": hashed(number)}),
        messages,
        _receipts(connection, messages),
        _carries(connection, messages),
    )


def _events(connection: Connection, which: str, values: dict[str, Any]) -> list[StoredEvent]:
    rows = connection.execute(
        text(
            "SELECT id, subject, name, event_id, time, raw, received_at FROM events "
            f"WHERE {which} ORDER BY id DESC LIMIT {MOST}"
        ),
        values,
    ).all()
    return [
        StoredEvent(
            row.id,
            row.subject,
            row.name,
            row.event_id,
            from_micros(row.time),
            bytes(row.raw),
            from_micros(row.received_at),
        )
        for row in reversed(rows)
    ]


def _decisions(connection: Connection, which: str, values: dict[str, Any]) -> list[StoredDecision]:
    rows = connection.execute(
        text(
            f"SELECT {', '.join(_DECISION_FIELDS)} FROM decisions "
            f"WHERE {which} ORDER BY decided_at DESC, verdict DESC LIMIT {MOST}"
        ),
        values,
    ).all()
    return [_decision(tuple(row)) for row in reversed(rows)]


def _decision(row: tuple[Any, ...]) -> StoredDecision:
    values = dict(zip(_DECISION_FIELDS, row, strict=True))
    values["not_before"] = from_micros(values["not_before"])
    values["decided_at"] = from_micros(values["decided_at"])
    return StoredDecision(**values)


def _messages(connection: Connection, which: str, values: dict[str, Any]) -> list[Message]:
    rows = connection.execute(
        text(f"SELECT {SELECTED} FROM messages WHERE {which} ORDER BY id DESC LIMIT {MOST}"),
        values,
    ).all()
    return [read_message(row) for row in reversed(rows)]


def _receipts(connection: Connection, messages: list[Message]) -> list[StoredReceipt]:
    return receipts_of(connection, [message.id for message in messages]) if messages else []


def _with_carriers(connection: Connection, messages: list[Message]) -> list[Message]:
    carriers = {message.carried_by for message in messages} - {""}
    missing = carriers.difference(message.id for message in messages)
    if not missing:
        return messages
    which = f"id IN ({words(is_postgres(connection), 'ids')})"
    found = _messages(connection, which, {"ids": packed(sorted(missing))})
    return sorted(messages + found, key=lambda message: message.id)


def _carries(connection: Connection, messages: list[Message]) -> dict[str, list[str]]:
    carriers = {message.id for message in messages if message.digest and not message.carried_by}
    found: dict[str, list[str]] = {}
    for one in carried(connection, carriers) if carriers else ():
        found.setdefault(one.carried_by, []).append(one.job or one.subject)
    return found
