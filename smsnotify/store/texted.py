"""Which messages are a number's: those meant for it, and those it got in somebody's stead."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from smsnotify.model.message import Message
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.numbers import ids_of
from smsnotify.store.order import first_id
from smsnotify.store.rows import SELECTED, read_message
from smsnotify.store.rowset import among, execute, is_postgres, packed, statement

_HANDED_OVER = "('accepted', 'sent', 'delivered', 'read', 'sending', 'unknown')"


def newest_messages_to(
    connection: Connection,
    hashed: RecipientHash,
    numbers: Collection[str],
    mode: str,
    since: datetime,
) -> dict[str, Message]:
    """Return the newest text about a job that each of these numbers got since, by number.

    Only what was handed over, or may have been, is anything that somebody could answer.
    """
    ids = ids_of(connection, hashed, numbers, since=first_id(since))
    rows = _messages(
        connection,
        f"mode = :mode AND job <> '' AND state || '' IN {_HANDED_OVER}",
        ids,
        {"mode": mode},
    )
    # In test mode it is the tester's phone that answers.
    wanted = set(numbers)
    return {message.recipient: message for message in rows if message.recipient in wanted}


def messages_to(
    connection: Connection, hashed: RecipientHash, addresses: Collection[str], limit: int
) -> list[Message]:
    """Return the newest messages to these addresses, and meant for them, the newest first."""
    ids = ids_of(connection, hashed, addresses, most=limit)
    return _messages(connection, "1 = 1", ids, {})[::-1]


def _messages(
    connection: Connection, which: str, ids: Sequence[str], values: Mapping[str, object]
) -> list[Message]:
    """Return those of these messages that meet a condition, the oldest first."""
    postgres = is_postgres(connection)
    asking = statement(
        postgres,
        f"SELECT {SELECTED} FROM messages WHERE {among(postgres, 'id', 'ids')} AND {which} "
        "ORDER BY id",
    )
    rows = execute(connection, asking, {**values, "ids": packed(ids)}).fetchall()
    return [read_message(row) for row in rows]
