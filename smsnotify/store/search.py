"""The outbox as somebody searches it: by number, by job, and by what is the matter.

A job's messages are found by the beginning of their unique key, a number's through
`texted.messages_to`; every other question is asked of a span of time, because ids ascend with it.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.model.message import Message
from smsnotify.store.books import subjects_called
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.order import first_id
from smsnotify.store.rows import SELECTED, read_message
from smsnotify.store.rowset import is_postgres, packed, words
from smsnotify.store.texted import messages_to
from smsnotify.store.unstorable import storable

MOST_OF_ONE: Final = 500
"""So many messages of one number are looked through, the newest."""


class Sought(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is looked for: everything that is given must hold.

    `address` is a number or an email address; `job` whatever people call it; `before` is the id
    behind which an earlier page ended, `since` bounds it where neither is given.
    """

    address: str = ""
    job: str = ""
    rule: str = ""
    account: str = ""
    states: frozenset[str] = frozenset()
    mode: str = ""
    before: str = ""
    since: datetime | None = None

    def fits(self, message: Message) -> bool:
        """Say whether a message of the right number is meant."""
        return (
            (not self.rule or message.rule == self.rule)
            and (not self.account or message.account == self.account)
            and (not self.states or message.state.value in self.states)
            and (not self.mode or message.mode == self.mode)
            and (not self.before or message.id < self.before)
        )


def search(
    connection: Connection, hashed: RecipientHash, sought: Sought, limit: int
) -> list[Message]:
    """Return messages, the newest first."""
    subjects: list[str] | None = None
    if sought.job:
        subjects = subjects_called(connection, storable(sought.job))
        if not subjects:
            return []
    if sought.address:
        most = messages_to(connection, hashed, [sought.address], MOST_OF_ONE)
        kept = [one for one in most if sought.fits(one)]
        wanted = kept if subjects is None else [one for one in kept if one.subject in subjects]
        return wanted[:limit]
    return _selected(connection, sought, subjects, limit)


def _selected(
    connection: Connection, sought: Sought, subjects: Collection[str] | None, limit: int
) -> list[Message]:
    postgres = is_postgres(connection)
    parts, values = ["1 = 1"], dict[str, object]()
    for name in ("rule", "account", "mode"):
        if value := getattr(sought, name):
            parts.append(f"{name} = :{name}")
            values[name] = storable(value)
    if sought.states:
        parts.append(f"state IN ({words(postgres, 'states')})")
        values["states"] = packed(sorted(sought.states))
    if sought.before:
        parts.append("id < :last")
        values["last"] = storable(sought.before)
    if subjects is not None:
        parts.append(f"subject IN ({words(postgres, 'subjects')})")
        values["subjects"] = packed(list(subjects))
    elif sought.since is not None:
        parts.append("id >= :first")
        values["first"] = first_id(sought.since)
    rows = connection.execute(
        text(
            f"SELECT {SELECTED} FROM messages WHERE {' AND '.join(parts)} "
            f"ORDER BY id DESC LIMIT {int(limit)}"
        ),
        values,
    )
    return [read_message(row) for row in rows]


def message_with_provider_id(connection: Connection, provider_id: str) -> str:
    """Return the id of the newest message that a provider knows by that id, `''` for none."""
    found = connection.execute(
        text(
            "SELECT id FROM messages WHERE provider_message_id = :id "
            "AND provider_message_id <> '' ORDER BY id DESC LIMIT 1"
        ),
        {"id": storable(provider_id)},
    )
    return str(found.scalar() or "")
