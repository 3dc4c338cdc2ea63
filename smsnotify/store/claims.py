"""Who works on which message: leases on queued rows, and the mark `sending`.

A lease is apart from the state: a claimed row stays `queued`, so a worker that dies leaves nothing
but leases that end by themselves. Only a row that goes out now is marked `sending`. Every function
works inside the caller's transaction; instants are the tables' microseconds, `now` is the moment
that decides what is due, `wall` the machine's clock, which leases are measured with.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from smsnotify.store.rowset import (
    execute,
    is_postgres,
    packed,
    packed_structs,
    source,
    state_of_found,
    statement,
    words,
)

LEASE_S: Final = 30.0
"""How long a claim holds without being renewed."""

_FARTHEST: Final = 600_000_000
# No lease ends ten minutes from now: one that does was given before the clock jumped back.
LEASE_IS_FREE: Final = (
    f"(lease_until IS NULL OR lease_until <= :wall OR lease_until > :wall + {_FARTHEST})"
)
"""SQL: nobody holds the row at `:wall`."""


class Claimed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A due message under our lease. `account` is who tried last, `error` what came of it.

    Instants are the tables' microseconds.
    """

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
    expires_at: int | None
    title: str = ""
    markup: str = ""

    @property
    def kind(self) -> str:
        """What decides which accounts may serve it: the claim's `skip` is made of these."""
        return f"{self.route}|{self.country}|{self.channel}"


_make: Callable[..., Claimed] = Claimed
_COLUMNS: Final = Claimed.__struct_fields__
_decode: Final = msgspec.json.Decoder(list[Claimed]).decode
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


def _due(postgres: bool, columns: str, run: bool, skip: bool) -> str:
    conditions = [
        "state = 'queued' AND mode = :mode AND priority = :priority AND due_at <= :now",
        LEASE_IS_FREE,
    ]
    if run:
        conditions.append("run = :run")
    if skip:
        conditions.append(f"{_KIND} NOT IN ({words(postgres, 'skip')})")
    where = " AND ".join(conditions)
    return f"SELECT {columns} FROM messages WHERE {where} ORDER BY due_at, id LIMIT :room"


@cache
def _claim_statement(run: bool, skip: bool) -> str:
    """PostgreSQL: rows that another worker is claiming now are passed by.

    The ids come as an array: a join might read the whole table while its figures are old.
    """
    returning = ", ".join(f"messages.{name}" for name in _COLUMNS)
    return statement(
        True,
        f"WITH due AS MATERIALIZED ({_due(True, 'id', run, skip)} FOR UPDATE SKIP LOCKED) "
        "UPDATE messages SET lease_owner = :owner, lease_until = :until "
        f"WHERE id = ANY(ARRAY(SELECT id FROM due)) RETURNING {returning}",
    )


@cache
def _due_statement(run: bool, skip: bool) -> str:
    """SQLite, under its write lock: all due rows as one JSON value.

    RETURNING would give the interpreter lock away and take it back for every row.
    """
    columns = ", ".join(_COLUMNS)
    return (
        f"SELECT json_group_array(json_array({columns})) FROM ({_due(False, columns, run, skip)})"
    )


_LEASE_STATEMENT: Final = (
    "UPDATE messages SET lease_owner = :owner, lease_until = :until "
    f"WHERE id IN ({words(False, 'ids')})"
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
    postgres = is_postgres(connection)
    asking = (_claim_statement if postgres else _due_statement)(bool(run), bool(skip))
    values: dict[str, object] = {"mode": mode, "now": now, "wall": wall}
    values["owner"], values["until"] = owner, until
    if run:
        values["run"] = run
    if skip:
        values["skip"] = packed(list(skip))
    found: list[Claimed] = []
    for priority in priorities:
        room = limit - len(found)
        if room <= 0:
            break
        values["priority"], values["room"] = priority, room
        answer = execute(connection, asking, values)
        some = _read(postgres, answer.fetchall())
        found += sorted(some, key=lambda one: (one.due_at, one.id))
    if found and not postgres:
        ids = packed([one.id for one in found])
        execute(connection, _LEASE_STATEMENT, {"owner": owner, "until": until, "ids": ids})
    return found


def _read(postgres: bool, rows: Sequence[Any]) -> list[Claimed]:
    return [_make(*row) for row in rows] if postgres else _decode(rows[0][0])


@cache
def _start_statement(postgres: bool) -> str:
    shape = {"id": "text", "account": "text", "sender": "text"}
    rows = source(postgres, shape, Start.__struct_fields__)
    return statement(
        postgres,
        "UPDATE messages SET state = 'sending', account = r.account, sender = r.sender, "
        "attempts = attempts + 1, lease_until = :until, updated_at = :wall "
        f"FROM {rows} WHERE messages.id = r.id "
        f"AND {state_of_found(postgres)} = 'queued' AND messages.lease_owner = :owner",
    )


def start(
    connection: Connection, starts: Sequence[Start], *, owner: str, wall: int, until: int
) -> set[str] | None:
    """Mark rows as `sending`; return None, or the ids of those that may go out when not all may.

    A row is missing when somebody cancelled it or took it over meanwhile: it must not be sent.
    """
    if not starts:
        return None
    postgres = is_postgres(connection)
    rows = packed_structs(postgres, starts)
    values = {"rows": rows, "owner": owner, "wall": wall, "until": until}
    if execute(connection, _start_statement(postgres), values).rowcount == len(starts):
        return None
    ids = packed([one.id for one in starts])
    found = execute(connection, _started_statement(postgres), {"owner": owner, "ids": ids})
    return {one for (one,) in found.fetchall()}


@cache
def _started_statement(postgres: bool) -> str:
    return statement(
        postgres,
        f"SELECT id FROM messages WHERE {state_of_found(postgres)} = 'sending' "
        "AND lease_owner = :owner "
        f"AND id IN ({words(postgres, 'ids')})",
    )


@cache
def _renew_statement(postgres: bool) -> str:
    return statement(
        postgres,
        "UPDATE messages SET lease_until = :until "
        f"WHERE id IN ({words(postgres, 'ids')}) AND lease_owner = :owner",
    )


def renew(connection: Connection, ids: Collection[str], *, owner: str, until: int) -> None:
    """Hold the leases on these rows for longer."""
    if ids:
        values = {"ids": packed(list(ids)), "owner": owner, "until": until}
        execute(connection, _renew_statement(is_postgres(connection)), values)


@cache
def _put_back_statement(postgres: bool) -> str:
    return statement(
        postgres,
        "UPDATE messages SET lease_owner = '', lease_until = NULL, "
        "due_at = COALESCE(r.due_at, messages.due_at) "
        f"FROM {source(postgres, {'id': 'text', 'due_at': 'int'})} WHERE messages.id = r.id "
        f"AND {state_of_found(postgres)} = 'queued' AND messages.lease_owner = :owner",
    )


def put_back(connection: Connection, rows: Sequence[PutBack], *, owner: str) -> None:
    """Give claimed rows back, so that any worker may have them."""
    if rows:
        values = {"rows": packed(rows), "owner": owner}
        execute(connection, _put_back_statement(is_postgres(connection)), values)


def backlog(connection: Connection, *, mode: str, now: int, wall: int, run: str = "") -> Backlog:
    """Count what is still queued in a mode (and run), leased or not."""
    values: dict[str, object] = {"mode": mode, "now": now, "wall": wall}
    if run:
        values["run"] = run
    counting = _backlog_statement(is_postgres(connection), bool(run))
    return Backlog._make(execute(connection, counting, values).fetchone())


@cache
def _backlog_statement(postgres: bool, run: bool) -> str:
    its_run = " AND run = :run" if run else ""
    return statement(
        postgres,
        "SELECT count(*), "
        f"min(CASE WHEN {LEASE_IS_FREE} AND due_at > :now THEN due_at END), "
        f"min(CASE WHEN NOT {LEASE_IS_FREE} THEN lease_until END) "
        f"FROM messages WHERE state = 'queued' AND mode = :mode{its_run}",
    )
