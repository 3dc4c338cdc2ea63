"""What became of what was sent: results and attempts, a batch in one statement each."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Connection

from smsnotify.store.instants import from_micros
from smsnotify.store.receipts import apply_early
from smsnotify.store.rowset import (
    execute,
    is_postgres,
    packed,
    packed_structs,
    source,
    state_of_found,
    statement,
)


class Settled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one try came to: the state that the message goes to, and the row of the try itself.

    `due_at` is since when it is due for the next step. `error` and `error_text` are the message's,
    `tried_error` the try's own word. `number` counts tries from 1; 0 means that none was made.
    """

    id: str
    state: str
    account: str = ""
    provider_message_id: str = ""
    error: str = ""
    error_text: str = ""
    due_at: int = 0
    number: int = 0
    at: int = 0
    latency_ms: int = 0
    result: str = ""
    tried_error: str = ""
    http_status: int = 0
    raw_code: str = ""


_FIELDS: Final = Settled.__struct_fields__
_SETTLED: Final = {
    "id": "text",
    "state": "text",
    "account": "text",
    "provider_message_id": "text",
    "error": "text",
    "error_text": "text",
    "due_at": "int",
    "number": "int",
}
# An answer to an earlier try says nothing of the one that is in doubt now, unless it says yes.
_COUNTS: Final = (
    "(r.number IN (0, messages.attempts) OR r.state IN ('accepted', 'sent', 'delivered'))"
)

# What comes in the same instant is found by the next tick.
_ANY_EARLY: Final = "SELECT EXISTS (SELECT 1 FROM receipts WHERE outcome = 'early')"

# Column of `attempts`: (name in Settled, its kind).
_TRIED: Final = {
    "message_id": ("id", "text"),
    "number": ("number", "int"),
    "account": ("account", "text"),
    "at": ("at", "int"),
    "latency_ms": ("latency_ms", "int"),
    "result": ("result", "text"),
    "error": ("tried_error", "text"),
    "http_status": ("http_status", "int"),
    "raw_code": ("raw_code", "text"),
    "raw_text": ("error_text", "text"),
    "provider_message_id": ("provider_message_id", "text"),
}


def _settling(postgres: bool, rows: str) -> str:
    # A worker that was thought dead may still bring an answer: it counts as long as the message
    # is in doubt, and an acceptance even when the message waits to be sent again. A receipt that
    # came first has moved the row beyond `sending`, and stays.
    state = state_of_found(postgres)
    return (
        "UPDATE messages SET state = r.state, error = r.error, error_text = r.error_text, "
        "provider_message_id = CASE WHEN r.provider_message_id <> '' "
        "THEN r.provider_message_id ELSE messages.provider_message_id END, "
        "doubt_ended_by = CASE WHEN messages.state = 'unknown' THEN 'answer' "
        "ELSE messages.doubt_ended_by END, "
        "due_at = r.due_at, looks = 0, lease_owner = '', lease_until = NULL, "
        "updated_at = CASE WHEN r.state = 'unknown' THEN :wall ELSE :now END "
        f"FROM {rows} WHERE messages.id = r.id AND ("
        f"({state} = 'sending' AND messages.lease_owner = :owner AND {_COUNTS}) "
        f"OR ({state} = 'unknown' AND r.state <> 'unknown' AND {_COUNTS}) "
        f"OR ({state} = 'queued' AND r.state IN ('accepted', 'sent', 'delivered')))"
    )


def _trying(rows: str) -> str:
    names = ", ".join(_TRIED)
    read = ", ".join(f"r.{name}" for name, _ in _TRIED.values())
    return (
        f"INSERT INTO attempts ({names}) SELECT {read} FROM {rows} "
        "WHERE r.number > 0 ON CONFLICT (message_id, number) DO NOTHING"
    )


@cache
def _settle_statement() -> str:
    return statement(False, _settling(False, source(False, _SETTLED, _FIELDS)))


@cache
def _settle_and_note_statement() -> str:
    """PostgreSQL reads the rows once for both, and is asked one time.

    Returns how many messages they changed, and whether any receipt waits for its message.
    """
    rows = source(True, _SETTLED | dict(_TRIED.values()), _FIELDS)
    return statement(
        True,
        f"WITH r AS MATERIALIZED (SELECT * FROM {rows}), "
        f"changed AS ({_settling(True, 'r')} RETURNING 1), tried AS ({_trying('r')}) "
        f"SELECT (SELECT count(*) FROM changed), ({_ANY_EARLY})",
    )


@cache
def _link_statement(postgres: bool) -> str:
    return statement(
        postgres,
        "UPDATE messages SET provider_message_id = r.provider_message_id, account = r.account "
        f"FROM {source(postgres, _SETTLED, _FIELDS)} WHERE messages.id = r.id "
        "AND messages.provider_message_id = '' AND r.provider_message_id <> ''",
    )


def settle(
    connection: Connection, rows: Sequence[Settled], *, owner: str, now: int, wall: int
) -> None:
    """Write what became of rows that `owner` had in flight, and receipts that were here first.

    States are dated by `now`; but a doubt by `wall`, for it is settled by a provider's clock.
    """
    if not rows:
        return
    postgres = is_postgres(connection)
    written = packed_structs(postgres, rows)
    values = {"rows": written, "owner": owner, "now": now, "wall": wall}
    if postgres:
        changed, has_early = execute(connection, _settle_and_note_statement(), values).fetchone()
    else:
        changed = execute(connection, _settle_statement(), values).rowcount
        execute(connection, _tries_statement(postgres), {"rows": written})
        has_early = execute(connection, _ANY_EARLY, {}).fetchone()[0]
    if changed != len(rows):
        execute(connection, _link_statement(postgres), {"rows": written})
    if has_early:  # nearly never: asked above without the query compiler
        ids = {(row.account, row.provider_message_id) for row in rows if row.provider_message_id}
        apply_early(connection, ids, from_micros(wall))


@cache
def _tries_statement(postgres: bool) -> str:
    return statement(postgres, _trying(source(postgres, dict(_TRIED.values()), _FIELDS)))


def note_tries(connection: Connection, rows: Sequence[Settled]) -> None:
    """Write the tries alone: for messages whose state is decided elsewhere."""
    if rows:
        postgres = is_postgres(connection)
        execute(connection, _tries_statement(postgres), {"rows": packed_structs(postgres, rows)})


@cache
def _expire_statement(postgres: bool) -> str:
    return statement(
        postgres,
        "UPDATE messages SET state = 'expired', error = 'expired', lease_owner = '', "
        f"lease_until = NULL, updated_at = :now FROM {source(postgres, {'id': 'text'})} "
        f"WHERE messages.id = r.id AND {state_of_found(postgres)} = 'queued' "
        "AND messages.lease_owner = :owner",
    )


def expire(connection: Connection, ids: Sequence[str], *, owner: str, now: int) -> None:
    """Give up claimed rows whose news is old; they were never sent."""
    if ids:
        rows = packed([{"id": one} for one in ids])
        values = {"rows": rows, "owner": owner, "now": now}
        execute(connection, _expire_statement(is_postgres(connection)), values)
