"""Who has had the words that a first text must carry, and with which message."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, text

from smsnotify.store.hashing import RecipientHash
from smsnotify.store.keys import GUARDED
from smsnotify.store.rowset import is_postgres, packed, words

_PAGE: Final = 500


def greeted(
    connection: Connection,
    hashed: RecipientHash,
    recipients: Collection[str],
    mode: str,
    run: str,
) -> set[str]:
    """Return which recipients have had such words in a mode; a message long pruned counts.

    What waits has told nobody yet, save what the guard of the asking run holds: that leaves as a
    whole.
    """
    names = {hashed(recipient): recipient for recipient in sorted(recipients)}
    mark = "%s" if is_postgres(connection) else "?"
    pages = list(names)
    found: set[str] = set()
    for start in range(0, len(pages), _PAGE):
        page = pages[start : start + _PAGE]
        values: tuple[Any, ...] = (mode, *page, run)
        rows = connection.exec_driver_sql(
            "SELECT first_texts.recipient_hash FROM first_texts "
            "LEFT JOIN messages ON messages.id = first_texts.message_id "
            f"WHERE first_texts.mode = {mark} "
            f"AND first_texts.recipient_hash IN ({', '.join([mark] * len(page))}) "
            "AND (messages.id IS NULL OR NOT ("
            "messages.state IN ('cancelled', 'expired', 'failed', 'undelivered') "
            f"OR messages.state = 'held' AND NOT ({GUARDED} AND messages.run = {mark})))",
            values,
        )
        found.update(names[bytes(one)] for one in rows.scalars())
    return found


def note_first_texts(connection: Connection, messages: Collection[str]) -> None:
    """Note messages that carry such words, as far as they are in the books."""
    if messages:
        which = words(is_postgres(connection), "ids")
        connection.execute(
            text(
                "INSERT INTO first_texts (recipient_hash, mode, message_id) "
                f"SELECT recipient_hash, mode, MIN(id) FROM messages WHERE id IN ({which}) "
                "GROUP BY recipient_hash, mode ORDER BY recipient_hash, mode "
                "ON CONFLICT (recipient_hash, mode) DO UPDATE SET message_id = excluded.message_id"
            ),
            {"ids": packed(sorted(messages))},
        )


def forget_first_texts(connection: Connection, messages: Collection[str]) -> None:
    """Forget what was noted with messages that make room for others."""
    which = words(is_postgres(connection), "ids")
    connection.execute(
        text(
            f"DELETE FROM first_texts WHERE message_id IN ({which}) AND recipient_hash IN "
            f"(SELECT recipient_hash FROM messages WHERE id IN ({which}))"
        ),
        {"ids": packed(sorted(messages))},
    )
