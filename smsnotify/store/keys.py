"""Who has which key already."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Final

from sqlalchemy import Connection, TextClause, text

from smsnotify.model.decision import Earlier, MessageKey
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.rowset import is_postgres, packed, words
from smsnotify.store.words import UNCHANGED, VOLUME_GUARD

KEY_COLUMNS: Final = (
    "subject",
    "mode",
    "kind",
    "rule",
    "occasion",
    "channel",
    "recipient_hash",
)
"""The columns of a key, in the order of the UNIQUE index: the subject first."""

GUARDED: Final = f"state = 'held' AND gate = '{VOLUME_GUARD}'"
"""SQL: held back by a run's volume guard."""

GIVES_WAY: Final = f"(({GUARDED}) OR (state = 'cancelled' AND gate = '{UNCHANGED}'))"
"""SQL: nobody had it, and a later text of the same key takes its place."""


@cache
def _statement(postgres: bool) -> TextClause:
    return text(
        f"SELECT {', '.join(KEY_COLUMNS)}, id, state, gate, run FROM messages "
        f"WHERE subject IN ({words(postgres, 'subjects')})"
    )


def taken(
    connection: Connection, hashed: RecipientHash, keys: Collection[MessageKey]
) -> dict[MessageKey, Earlier]:
    """Return the keys that have a message, and which one.

    Asks by subject: that is what the index begins with, and a job has few messages.
    """
    if not keys:
        return {}
    subjects = packed(list({key.subject for key in keys}))
    rows = connection.execute(_statement(is_postgres(connection)), {"subjects": subjects})
    stored = {tuple(row[:7]): Earlier(*row[7:]) for row in rows}
    if not stored:
        return {}
    with_rows = {known[0] for known in stored}
    found: dict[MessageKey, Earlier] = {}
    for key in keys:
        if key.subject in with_rows:
            earlier = stored.get((*key[:6], hashed(key.recipient)))
            if earlier is not None:
                found[key] = earlier
    return found


def has_guarded(connection: Connection) -> bool:
    """Return True when a volume guard holds anything back."""
    found = connection.execute(text(f"SELECT EXISTS (SELECT 1 FROM messages WHERE {GUARDED})"))
    return bool(found.scalar())
