"""What plans want done in the world: noted with the step that wants it, done after it.

A claim pushes the errand's time forward, so that nobody else takes it meanwhile: a worker that
dies leaves nothing but an errand that is due again a little later. Each claim is one attempt, and
only the newest attempt may say that an errand must be tried again or has failed.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from smsnotify.base.ids import new_id
from smsnotify.store.conversation_batch import NewErrand
from smsnotify.store.instants import to_micros
from smsnotify.store.reader import Reader
from smsnotify.store.rowset import (
    execute,
    is_postgres,
    packed,
    statement,
    words,
)
from smsnotify.store.statements import write_rows

DUE: Final = "due"
DONE: Final = "done"
FAILED: Final = "failed"


class StoredErrand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An errand as the books have it. `state` is `due`, `done` or `failed`.

    `attempts` counts claims; `due_at` is when it may be tried, again or at first.
    """

    id: str
    enrolment_id: str
    mode: str
    kind: str
    key: str
    data: dict[str, Any]
    state: str
    attempts: int
    due_at: datetime
    created_at: datetime
    done_at: datetime | None
    error: str


class SettledErrand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an attempt came to: `done`, `failed` for good, or `due` again at `due_at`.

    `attempts` is the claim's; when another one came after it, only `done` counts.
    """

    id: str
    attempts: int
    state: str
    error: str = ""
    due_at: datetime | None = None


_NEW: Final = {
    "id": "text",
    "enrolment_id": "text",
    "kind": "text",
    "key": "text",
    "data": "text",
    "due_at": "int",
    "mode": "text",
    "created_at": "int",
}


_ADD: Final = (
    f"INSERT INTO errands ({', '.join(_NEW)}) SELECT {', '.join(f'r.{name}' for name in _NEW)} "
    "FROM {rows} WHERE true ON CONFLICT (key) DO NOTHING"
)


def add_errands(
    connection: Connection, errands: Sequence[NewErrand], mode: str, now: datetime
) -> int:
    """Note errands, once a key; return how many were new."""
    at = to_micros(now)
    rows = [
        (
            new_id(now),
            one.enrolment_id,
            one.errand.kind,
            one.errand.key,
            packed(dict(one.errand.data)) if one.errand.data else "{}",
            to_micros(one.due_at or now),
            mode,
            at,
        )
        for one in sorted(errands, key=lambda one: one.errand.key)
    ]
    return write_rows(connection, _ADD, _NEW, rows)


_ERRANDS: Final = Reader("errands", StoredErrand)
_IS_DUE: Final = "state = 'due' AND mode = :mode AND due_at <= :now"


def errands_due(connection: Connection, mode: str, now: datetime, limit: int) -> list[StoredErrand]:
    """Return what is to be done at `now`, the longest due first; nothing is claimed."""
    values: dict[str, object] = {"mode": mode, "now": to_micros(now), "limit": limit}
    return _ERRANDS.read(connection, f"WHERE {_IS_DUE} ORDER BY due_at, id LIMIT :limit", values)


@cache
def _claim_statement(postgres: bool, some_kinds: bool) -> str:
    which = f"{_IS_DUE} AND kind IN ({words(postgres, 'kinds')})" if some_kinds else _IS_DUE
    due = f"SELECT id FROM errands WHERE {which} ORDER BY due_at, id LIMIT :limit"
    found = f"= ANY(ARRAY({due} FOR UPDATE SKIP LOCKED))" if postgres else f"IN ({due})"
    return statement(
        postgres,
        "UPDATE errands SET due_at = :until, attempts = attempts + 1 "
        f"WHERE id {found} RETURNING id",
    )


def claim_errands(
    connection: Connection,
    mode: str,
    now: datetime,
    lasting: timedelta,
    limit: int,
    kinds: Collection[str] = (),
) -> list[StoredErrand]:
    """Take errands that are due, for a while; two workers never take the same one.

    `kinds` keeps to some kinds; nothing means all.
    """
    postgres = is_postgres(connection)
    values: dict[str, object] = {"mode": mode, "now": to_micros(now), "limit": limit}
    values["until"] = to_micros(now + lasting)
    if kinds:
        values["kinds"] = packed(sorted(kinds))
    rows = execute(connection, _claim_statement(postgres, bool(kinds)), values).fetchall()
    if not rows:
        return []
    which = f"WHERE id IN ({words(postgres, 'ids')}) ORDER BY id"
    return _ERRANDS.read(connection, which, {"ids": packed([row[0] for row in rows])})


_SETTLED: Final = {
    "id": "text",
    "attempts": "int",
    "state": "text",
    "error": "text",
    "due_at": "int",
    "now": "int",
}
_SETTLE: Final = (
    "UPDATE errands SET state = r.state, error = r.error, "
    "due_at = COALESCE(r.due_at, errands.due_at), "
    "done_at = CASE WHEN r.state = 'due' THEN NULL ELSE r.now END "
    "FROM {rows} WHERE errands.id = r.id AND errands.state <> 'done' "
    "AND (r.state = 'done' OR (errands.state = 'due' AND errands.attempts = r.attempts))"
)


def settle_errands(connection: Connection, settled: Sequence[SettledErrand], now: datetime) -> int:
    """Write what attempts came to; return how many counted."""
    at = to_micros(now)
    rows = [
        (one.id, one.attempts, one.state, one.error, to_micros(one.due_at), at) for one in settled
    ]
    return write_rows(connection, _SETTLE, _SETTLED, rows)


def list_errands(
    connection: Connection, mode: str, states: Collection[str], limit: int
) -> list[StoredErrand]:
    """Return errands in some states, the newest first."""
    which = words(is_postgres(connection), "states")
    values: dict[str, object] = {"mode": mode, "limit": limit, "states": packed(sorted(states))}
    return _ERRANDS.read(
        connection,
        f"WHERE mode = :mode AND state IN ({which}) ORDER BY id DESC LIMIT :limit",
        values,
    )
