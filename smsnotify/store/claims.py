"""Who works on which message: leases on queued rows, and the mark `sending`.

A lease is apart from the state: a claimed row stays `queued`, so a worker that dies leaves nothing
but leases that end by themselves. Only a row that goes out now is marked `sending`. Every function
works inside the caller's transaction; instants are the tables' microseconds, `now` is the moment
that decides what is due, `wall` the machine's clock, which leases are measured with.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, TextClause, text

from smsnotify.store.instants import from_micros
from smsnotify.store.rowset import is_postgres, packed, source, words

LEASE_S: Final = 30.0
"""How long a claim holds without being renewed."""

_FARTHEST: Final = 600_000_000
# No lease ends ten minutes from now: one that does was given before the clock jumped back.
LEASE_IS_FREE: Final = (
    f"(lease_until IS NULL OR lease_until <= :wall OR lease_until > :wall + {_FARTHEST})"
)
"""SQL: nobody holds the row at `:wall`."""


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A due message under our lease. `account` is who tried last, `error` what came of it."""

    id: str
    priority: int
    due_at: int
    recipient: str
    country: str
    channel: str
    body: str
    encoding: str
    route: str
    account: str
    sender: str
    on_unknown: str
    error: str
    attempts: int
    expires_at: datetime | None

    @property
    def kind(self) -> str:
        """What decides which accounts may serve it: the claim's `skip` is made of these."""
        return f"{self.route}|{self.country}|{self.channel}"


_make: Callable[..., Claimed] = Claimed
_COLUMNS: Final = Claimed.__struct_fields__
_KIND: Final = "route || '|' || country || '|' || channel"


class Start(msgspec.Struct, frozen=True, gc=False):
    """A row about to be in flight, through which account and as which sender."""

    id: str
    account: str
    sender: str = ""


class PutBack(msgspec.Struct, frozen=True, gc=False):
    """A claimed row that is not sent now; `due_at` None leaves it as due as it was."""

    id: str
    due_at: int | None = None


class Backlog(NamedTuple):
    """What is still queued: how many, the next moment one becomes due, and a lease ends."""

    queued: int
    next_due_at: int | None
    next_free_at: int | None


@cache
def _claim_statement(postgres: bool, run: bool, skip: bool) -> TextClause:
    conditions = [
        "state = 'queued' AND mode = :mode AND priority = :priority AND due_at <= :now",
        LEASE_IS_FREE,
    ]
    if run:
        conditions.append("run = :run")
    if skip:
        conditions.append(f"{_KIND} NOT IN ({words(postgres, 'skip')})")
    due = (
        f"SELECT id FROM messages WHERE {' AND '.join(conditions)} ORDER BY due_at, id LIMIT :room"
    )
    returning = ", ".join(f"messages.{name}" for name in _COLUMNS)
    if postgres:
        return text(
            f"WITH due AS MATERIALIZED ({due} FOR UPDATE SKIP LOCKED) "
            "UPDATE messages SET lease_owner = :owner, lease_until = :until "
            f"FROM due WHERE messages.id = due.id RETURNING {returning}"
        )
    return text(
        "UPDATE messages SET lease_owner = :owner, lease_until = :until "
        f"WHERE id IN ({due}) RETURNING {', '.join(_COLUMNS)}"
    )


def claim(
    connection: Connection,
    *,
    owner: str,
    mode: str,
    now: int,
    wall: int,
    until: int,
    limit: int,
    run: str = "",
    skip: Collection[str] = (),
    priorities: Sequence[int] = (0, 1, 2),
) -> list[Claimed]:
    """Lease up to `limit` due messages, the most urgent first, then the longest due.

    `skip` holds kinds (`Claimed.kind`) that nobody can send now; `run` keeps to one run's rows.
    """
    statement = _claim_statement(is_postgres(connection), bool(run), bool(skip))
    values: dict[str, object] = {
        "owner": owner,
        "mode": mode,
        "now": now,
        "wall": wall,
        "until": until,
    }
    if run:
        values["run"] = run
    if skip:
        values["skip"] = packed(list(skip))
    found: list[Claimed] = []
    for priority in priorities:
        room = limit - len(found)
        if room <= 0:
            break
        rows = connection.execute(statement, values | {"priority": priority, "room": room})
        found += sorted((_claimed(row) for row in rows), key=lambda one: (one.due_at, one.id))
    return found


def _claimed(row: Sequence[Any]) -> Claimed:
    *fields, expires_at = row
    return _make(*fields, from_micros(expires_at))


@cache
def _start_statement(postgres: bool) -> TextClause:
    rows = source(postgres, {"id": "text", "account": "text", "sender": "text"})
    return text(
        "UPDATE messages SET state = 'sending', account = r.account, sender = r.sender, "
        "attempts = attempts + 1, lease_until = :until, updated_at = :wall "
        f"FROM {rows} WHERE messages.id = r.id "
        "AND messages.state = 'queued' AND messages.lease_owner = :owner"
    )


def start(
    connection: Connection, starts: Sequence[Start], *, owner: str, wall: int, until: int
) -> set[str]:
    """Mark rows as `sending`; return the ids that may go out.

    A row is missing when somebody cancelled it or took it over meanwhile: it must not be sent.
    """
    if not starts:
        return set()
    rows = packed(starts)
    statement = _start_statement(is_postgres(connection))
    values = {"rows": rows, "owner": owner, "wall": wall, "until": until}
    if connection.execute(statement, values).rowcount == len(starts):
        return {one.id for one in starts}
    ours = text(
        "SELECT id FROM messages WHERE state = 'sending' AND lease_owner = :owner "
        f"AND id IN ({words(is_postgres(connection), 'ids')})"
    )
    ids = packed([one.id for one in starts])
    return set(connection.execute(ours, {"owner": owner, "ids": ids}).scalars())


@cache
def _renew_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET lease_until = :until "
        f"WHERE id IN ({words(postgres, 'ids')}) AND lease_owner = :owner"
    )


def renew(connection: Connection, ids: Collection[str], *, owner: str, until: int) -> None:
    """Hold the leases on these rows for longer."""
    if ids:
        values = {"ids": packed(list(ids)), "owner": owner, "until": until}
        connection.execute(_renew_statement(is_postgres(connection)), values)


@cache
def _put_back_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET lease_owner = '', lease_until = NULL, "
        "due_at = COALESCE(r.due_at, messages.due_at) "
        f"FROM {source(postgres, {'id': 'text', 'due_at': 'int'})} WHERE messages.id = r.id "
        "AND messages.state = 'queued' AND messages.lease_owner = :owner"
    )


def put_back(connection: Connection, rows: Sequence[PutBack], *, owner: str) -> None:
    """Give claimed rows back, so that any worker may have them."""
    if rows:
        values = {"rows": packed(rows), "owner": owner}
        connection.execute(_put_back_statement(is_postgres(connection)), values)


def backlog(connection: Connection, *, mode: str, now: int, wall: int, run: str = "") -> Backlog:
    """Count what is still queued in a mode (and run), leased or not."""
    its_run = " AND run = :run" if run else ""
    statement = text(
        "SELECT count(*), "
        f"min(CASE WHEN {LEASE_IS_FREE} AND due_at > :now THEN due_at END), "
        f"min(CASE WHEN NOT {LEASE_IS_FREE} THEN lease_until END) "
        f"FROM messages WHERE state = 'queued' AND mode = :mode{its_run}"
    )
    values: dict[str, object] = {"mode": mode, "now": now, "wall": wall}
    if run:
        values["run"] = run
    return Backlog(*connection.execute(statement, values).one())
