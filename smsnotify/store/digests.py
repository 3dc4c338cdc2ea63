"""The windows of digests: who waits behind which door, and who has gone out with whom.

The row of a door is the lock. Whoever lets a text wait there, or ends the window, has that row
first; so a text either leaves with its window or finds it over and begins the next one.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Connection, TextClause, text

from smsnotify.base.ids import new_id
from smsnotify.model.decision import MessageKey
from smsnotify.model.message import Message
from smsnotify.store.batch import Batch
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.keys import GUARDED
from smsnotify.store.rows import SELECTED, read_message
from smsnotify.store.rowset import among, find_by_id, is_postgres, packed
from smsnotify.store.statements import insert_rows, write_rows

MERGED: Final = "merged"
"""The reason of a message that another one carries."""

_DIGEST: Final = "digest"
_COLUMNS: Final = ("door", "id", "ends_at")
# Changes nothing: it waits for whoever has the row, and has it then.
_LOCKING: Final = "(door) DO UPDATE SET door = excluded.door"
# Said in so many words, or no index of some messages serves.
_IN_A_WINDOW: Final = "messages.digest <> ''"
SOMEBODY_WAITS: Final = (
    f"EXISTS (SELECT 1 FROM messages WHERE {_IN_A_WINDOW} AND messages.digest = digests.id "
    "AND messages.state = 'held')"
)


class Window(msgspec.Struct, frozen=True, gc=False):
    """A window that is worked on: its messages as they were read, and whether it ends now."""

    id: str
    members: frozenset[str]
    ends: bool


def _hashed(hashed: RecipientHash, door: str) -> str:
    return hashed(f"door {door}").hex()


def doors(
    connection: Connection, hashed: RecipientHash, wanted: Collection[str]
) -> dict[str, datetime]:
    """Return the doors at which something waits, each with the end of its window."""
    names = {_hashed(hashed, door): door for door in wanted}
    rows = connection.execute(_doors_statement(is_postgres(connection)), _listed("doors", names))
    return {names[name]: from_micros(ends_at) for name, ends_at in rows}


@cache
def _doors_statement(postgres: bool) -> TextClause:
    return text(
        f"SELECT door, ends_at FROM digests WHERE {among(postgres, 'door', 'doors')} "
        f"AND is_open = 1 AND {SOMEBODY_WAITS}"
    )


def _listed(name: str, values: Collection[str]) -> dict[str, str]:
    return {name: packed(sorted(values))}


# Joining.


def join(
    connection: Connection, hashed: RecipientHash, batch: Batch
) -> tuple[dict[MessageKey, Message], list[tuple[str, str]]]:
    """Find each waiting message its window, and keep the doors' rows until the end of the batch.

    Returns the batch's messages, with the time that their windows really end, and (message id,
    window) for `note_windows`, once the messages are in.
    """
    waiting = {key: one for key, one in batch.waiting.items() if key in batch.messages}
    named = {key: _hashed(hashed, one.door) for key, one in waiting.items()}
    lasting = {named[key]: to_micros(batch.at + one.wait) for key, one in waiting.items()}
    fresh = [(door, new_id(batch.at), lasting[door]) for door in sorted(lasting)]
    insert_rows(connection, "digests", _COLUMNS, fresh, _LOCKING)
    windows = _open(connection, fresh)
    messages, placed = dict(batch.messages), []
    for key, door in named.items():
        window, ends_at = windows[door]
        message, leaves_at = messages[key], max(ends_at, batch.at)
        placed.append((message.id, window))
        # Where nothing else holds it, and another process has opened the window or ended it.
        if message.reason == _DIGEST and message.not_before != leaves_at:
            messages[key] = _leaving_at(message, leaves_at)
    return messages, placed


def _leaving_at(message: Message, at: datetime) -> Message:
    expires_at = message.expires_at
    if expires_at is not None and message.not_before is not None:
        expires_at += at - message.not_before
    return msgspec.structs.replace(message, not_before=at, expires_at=expires_at)


def _open(
    connection: Connection, fresh: Sequence[tuple[str, str, int]]
) -> dict[str, tuple[str, datetime]]:
    """Return the window of each door whose row we have; one that is over gives way to ours.

    A statement of its own: it must see what was written while the one before waited.
    """
    ours = {door: (window, ends_at) for door, window, ends_at in fresh}
    rows = connection.execute(
        text(
            f"SELECT door, id, ends_at, is_open = 1 AND {SOMEBODY_WAITS} FROM digests "
            f"WHERE {among(is_postgres(connection), 'door', 'doors')}"
        ),
        _listed("doors", ours),
    ).all()
    found = {door: (window, ends_at) for door, window, ends_at, _ in rows}
    over = [row[0] for row in rows if not row[3] and row[1] != ours[row[0]][0]]
    write_rows(
        connection,
        "UPDATE digests SET id = r.id, ends_at = r.ends_at, is_open = 1 "
        "FROM {rows} WHERE digests.door = r.door",
        {"door": "text", "id": "text", "ends_at": "int"},
        [(door, *ours[door]) for door in over],
    )
    found |= {door: ours[door] for door in over}
    return {door: (window, from_micros(ends_at)) for door, (window, ends_at) in found.items()}


def note_windows(connection: Connection, placed: Sequence[tuple[str, str]]) -> None:
    """Write into messages that are in where they wait; what was not kept is passed over."""
    if not placed:
        return
    find_by_id(connection)
    write_rows(
        connection,
        "UPDATE messages SET digest = r.digest FROM {rows} WHERE messages.id = r.id",
        {"id": "text", "digest": "text"},
        placed,
    )


# Leaving.


def _members(postgres: bool, columns: str) -> str:
    """Return the statement for those in some windows who wait, or whose carrier waits again."""
    within = among(postgres, "messages.digest", "windows")
    carriers = among(postgres, "carriers.digest", "windows")
    return (
        f"SELECT {columns} FROM messages WHERE {_IN_A_WINDOW} AND {within} "
        f"AND (messages.state = 'held' AND NOT ({GUARDED}) "
        f"OR messages.reason = '{MERGED}' AND messages.carried_by IN "
        f"(SELECT carriers.id FROM messages AS carriers WHERE carriers.digest <> '' AND {carriers} "
        "AND carriers.state = 'held')) ORDER BY messages.id"
    )


def members(connection: Connection, windows: Collection[str]) -> list[Message]:
    """Return all whom some windows hold together, in order of arrival."""
    asking = text(_members(is_postgres(connection), SELECTED))
    rows = connection.execute(asking, _listed("windows", windows))
    return [read_message(row) for row in rows]


def leave(connection: Connection, windows: Sequence[Window]) -> frozenset[str]:
    """End windows that are as they were read; return the ids of the others' messages.

    Somebody joined those meanwhile, or was quicker with them: nothing of them may be written.
    """
    if not windows:
        return frozenset()
    postgres = is_postgres(connection)
    ids = _listed("windows", [one.id for one in windows])
    locking = " FOR UPDATE" if postgres else ""
    which = among(postgres, "id", "windows")
    connection.execute(text(f"SELECT id FROM digests WHERE {which} ORDER BY door{locking}"), ids)
    now: defaultdict[str, set[str]] = defaultdict(set)
    asking = text(_members(postgres, "messages.digest, messages.id") + locking)
    for window, message_id in connection.execute(asking, ids):
        now[window].add(message_id)
    changed = [one for one in windows if now[one.id] != one.members]
    ended = {one.id for one in windows if one.ends}.difference(one.id for one in changed)
    connection.execute(
        text(f"UPDATE digests SET is_open = 0 WHERE {which}"), _listed("windows", ended)
    )
    return frozenset().union(*(one.members for one in changed))


def carried(connection: Connection, carriers: Collection[str]) -> list[Message]:
    """Return the messages that others carry, in order of arrival."""
    within = among(is_postgres(connection), "carried_by", "carriers")
    asking = text(
        f"SELECT {SELECTED} FROM messages WHERE {_IN_A_WINDOW} AND digest IN "
        "(SELECT digest FROM messages "
        f"WHERE {among(is_postgres(connection), 'id', 'carriers')} AND digest <> '') "
        f"AND {within} ORDER BY id"
    )
    return [read_message(row) for row in connection.execute(asking, _listed("carriers", carriers))]
