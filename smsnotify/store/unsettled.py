"""Messages that a provider took and has not told the end of: who is asked about next.

`due_at` of such a message is when it was handed over or last asked about, so that a run that was
cut short goes on where it ended, and two at once ask about different ones.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, TextClause, text

from smsnotify.store.instants import to_micros
from smsnotify.store.rowset import is_postgres, packed, source, words


class Unsettled(msgspec.Struct, frozen=True, gc=False):
    """A message to ask about; `due_at` is what it had before it was taken."""

    id: str
    recipient: str
    body: str
    encoding: str
    sender: str
    provider_message_id: str
    due_at: int


class Span(NamedTuple):
    """Which messages: not heard of since `until`, but not for longer than since `since`."""

    mode: str
    since: datetime
    until: datetime


_make: Callable[..., Unsettled] = Unsettled
_FIELDS: Final = ", ".join(Unsettled.__struct_fields__)

# The first condition is the partial index's own: without it the index is not found.
_IN_SPAN: Final = (
    "state IN ('accepted', 'sent') AND account = :account AND mode = :mode "
    "AND due_at <= :until AND due_at >= :since AND updated_at >= :since "
    "AND provider_message_id <> ''"
)


def _values(account: str, span: Span) -> dict[str, object]:
    return {
        "account": account,
        "mode": span.mode,
        "since": to_micros(span.since),
        "until": to_micros(span.until),
    }


@cache
def _find_statement(postgres: bool) -> TextClause:
    lock = " FOR UPDATE SKIP LOCKED" if postgres else ""
    return text(
        f"SELECT {_FIELDS} FROM messages WHERE {_IN_SPAN} ORDER BY due_at LIMIT :limit{lock}"
    )


@cache
def _note_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET due_at = :now "
        f"WHERE id IN ({words(postgres, 'ids')}) AND state IN ('accepted', 'sent')"
    )


def take_unsettled(
    connection: Connection, account: str, span: Span, now: datetime, limit: int
) -> list[Unsettled]:
    """Return those of an account that nobody asked about for longest, noted as asked about."""
    postgres = is_postgres(connection)
    values = _values(account, span) | {"limit": limit}
    found = [_make(*row) for row in connection.execute(_find_statement(postgres), values)]
    if found:
        noted = {"now": to_micros(now), "ids": packed([one.id for one in found])}
        connection.execute(_note_statement(postgres), noted)
    return found


@cache
def _put_back_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET due_at = r.due_at "
        f"FROM {source(postgres, {'id': 'text', 'due_at': 'int'})} "
        "WHERE messages.id = r.id AND messages.state IN ('accepted', 'sent')"
    )


def put_back(connection: Connection, messages: Collection[Unsettled]) -> None:
    """Undo the note for messages that were not asked about after all."""
    if messages:
        rows = packed([{"id": one.id, "due_at": one.due_at} for one in messages])
        connection.execute(_put_back_statement(is_postgres(connection)), {"rows": rows})


def count_unsettled(connection: Connection, account: str, span: Span) -> int:
    """Return how many there are to ask about."""
    statement = text(f"SELECT count(*) FROM messages WHERE {_IN_SPAN}")
    return int(connection.execute(statement, _values(account, span)).scalar_one())
