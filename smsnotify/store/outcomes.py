"""What became of what was sent: results and attempts, a batch in one statement each."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Connection, TextClause, text

from smsnotify.model.message import Attempt
from smsnotify.store.instants import to_micros
from smsnotify.store.rowset import is_postgres, packed, source


class Settled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state that a message goes to, and since when it is due for the next step."""

    id: str
    state: str
    account: str = ""
    provider_message_id: str = ""
    error: str = ""
    error_text: str = ""
    due_at: int


_SETTLED: Final = {
    "id": "text",
    "state": "text",
    "account": "text",
    "provider_message_id": "text",
    "error": "text",
    "error_text": "text",
    "due_at": "int",
}

_TRIED: Final = {
    "message_id": "text",
    "number": "int",
    "account": "text",
    "at": "int",
    "latency_ms": "int",
    "result": "text",
    "error": "text",
    "http_status": "int",
    "raw_code": "text",
    "raw_text": "text",
    "provider_message_id": "text",
}


@cache
def _settle_statement(postgres: bool) -> TextClause:
    # A worker that was thought dead may still bring an answer: it counts as long as the message
    # is in doubt, and an acceptance even when the message waits to be sent again. A receipt that
    # came first has moved the row beyond `sending`, and stays.
    return text(
        "UPDATE messages SET state = r.state, error = r.error, error_text = r.error_text, "
        "provider_message_id = CASE WHEN r.provider_message_id <> '' "
        "THEN r.provider_message_id ELSE messages.provider_message_id END, "
        "due_at = r.due_at, looks = 0, lease_owner = '', lease_until = NULL, updated_at = :wall "
        f"FROM {source(postgres, _SETTLED)} WHERE messages.id = r.id AND ("
        "(messages.state = 'sending' AND messages.lease_owner = :owner) "
        "OR (messages.state = 'unknown' AND r.state <> 'unknown') "
        "OR (messages.state = 'queued' AND r.state IN ('accepted', 'sent', 'delivered')))"
    )


@cache
def _link_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET provider_message_id = r.provider_message_id, account = r.account "
        f"FROM {source(postgres, _SETTLED)} WHERE messages.id = r.id "
        "AND messages.provider_message_id = '' AND r.provider_message_id <> ''"
    )


def settle(connection: Connection, rows: Sequence[Settled], *, owner: str, wall: int) -> None:
    """Write what became of rows that `owner` had in flight."""
    if not rows:
        return
    postgres, written = is_postgres(connection), packed(rows)
    values = {"rows": written, "owner": owner, "wall": wall}
    if connection.execute(_settle_statement(postgres), values).rowcount != len(rows):
        connection.execute(_link_statement(postgres), {"rows": written})


@cache
def _attempts_statement(postgres: bool) -> TextClause:
    names = ", ".join(_TRIED)
    read = ", ".join(f"r.{name}" for name in _TRIED)
    return text(
        f"INSERT INTO attempts ({names}) SELECT {read} FROM {source(postgres, _TRIED)} "
        "WHERE true ON CONFLICT (message_id, number) DO NOTHING"
    )


def note_attempts(connection: Connection, tries: Sequence[tuple[int, Attempt]]) -> None:
    """Write one row a try: (its number, counted from 1, and the try)."""
    if tries:
        rows = [_attempt_row(number, attempt) for number, attempt in tries]
        connection.execute(_attempts_statement(is_postgres(connection)), {"rows": packed(rows)})


def _attempt_row(number: int, attempt: Attempt) -> dict[str, object]:
    return {
        "message_id": attempt.message_id,
        "number": number,
        "account": attempt.account,
        "at": to_micros(attempt.at),
        "latency_ms": round(attempt.latency_ms),
        "result": attempt.result,
        "error": attempt.error,
        "http_status": attempt.http_status,
        "raw_code": attempt.raw_code,
        "raw_text": attempt.raw_text,
        "provider_message_id": attempt.provider_message_id,
    }


@cache
def _expire_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET state = 'expired', error = 'expired', lease_owner = '', "
        f"lease_until = NULL, updated_at = :wall FROM {source(postgres, {'id': 'text'})} "
        "WHERE messages.id = r.id AND messages.state = 'queued' AND messages.lease_owner = :owner"
    )


def expire(connection: Connection, ids: Sequence[str], *, owner: str, wall: int) -> None:
    """Give up claimed rows whose news is old; they were never sent."""
    if ids:
        rows = packed([{"id": one} for one in ids])
        values = {"rows": rows, "owner": owner, "wall": wall}
        connection.execute(_expire_statement(is_postgres(connection)), values)
