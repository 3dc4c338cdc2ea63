"""Which messages are a number's: those meant for it, and those it got in somebody's stead."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from smsnotify.model.message import Message
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.order import first_id
from smsnotify.store.rows import SELECTED, read_message
from smsnotify.store.rowset import is_postgres

_PAGE = 500
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
    found: dict[str, Message] = {}
    mark = "%s" if is_postgres(connection) else "?"
    for page in _pages(numbers):
        marks = ", ".join([mark] * len(page))
        # In test mode it is the tester's phone that answers.
        by_number = mode == "test"
        column = "recipient" if by_number else "recipient_hash"
        asked: Sequence[Any] = page if by_number else [hashed(number) for number in page]
        rows = connection.exec_driver_sql(
            f"SELECT {SELECTED} FROM messages WHERE {column} IN ({marks}) AND mode = {mark} "
            f"AND id >= {mark} AND job <> '' AND state || '' IN {_HANDED_OVER} ORDER BY id",
            (*asked, mode, first_id(since)),
        )
        found |= {message.recipient: message for message in map(read_message, rows)}
    return found


def messages_to(
    connection: Connection, hashed: RecipientHash, addresses: Collection[str], limit: int
) -> list[Message]:
    """Return the newest messages to these addresses, and meant for them, the newest first."""
    if not addresses:
        return []
    which, values = belonging(connection, hashed, addresses)
    rows = connection.exec_driver_sql(
        f"SELECT {SELECTED} FROM messages WHERE {which} ORDER BY id DESC LIMIT {int(limit)}",
        values,
    )
    return [read_message(row) for row in rows]


def belonging(
    connection: Connection, hashed: RecipientHash, addresses: Collection[str]
) -> tuple[str, tuple[Any, ...]]:
    """Return the condition that a message is somebody's, for the driver, and its values.

    In test mode somebody else gets a text: it is of the one it was meant for, and of that one.
    """
    ordered = sorted(addresses)
    mark = "%s" if is_postgres(connection) else "?"
    marks = ", ".join([mark] * len(ordered))
    which = f"(recipient_hash IN ({marks}) OR recipient IN ({marks}))"
    return which, (*(hashed(one) for one in ordered), *ordered)


def _pages(numbers: Collection[str]) -> list[list[str]]:
    ordered = sorted(numbers)
    return [ordered[start : start + _PAGE] for start in range(0, len(ordered), _PAGE)]
