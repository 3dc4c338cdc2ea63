"""Messages that the provider may or may not have: found, looked up, adopted or freed."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Connection, TextClause, text

from smsnotify.store.claims import LEASE_IS_FREE
from smsnotify.store.instants import from_micros
from smsnotify.store.receipts import apply_early
from smsnotify.store.rowset import is_postgres, packed, source, state_of_found, words


class CutOff(msgspec.Struct, frozen=True, gc=False):
    """A row that a dead worker left as `sending`; `sent_at` is when it was marked so."""

    id: str
    account: str
    on_unknown: str
    attempts: int
    sent_at: datetime


class Doubtful(msgspec.Struct, frozen=True, gc=False):
    """An `unknown` message that is due for a look.

    `tried_at` is when the request went out, `since` when the message became unknown.
    """

    id: str
    recipient: str
    body: str
    encoding: str
    sender: str
    account: str
    provider_message_id: str
    looks: int
    since: datetime
    tried_at: datetime


class Ruling(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a look came to: the state to go to, looks done so far, and when to look again."""

    id: str
    state: str
    provider_message_id: str = ""
    error: str = ""
    error_text: str = ""
    looks: int = 0
    due_at: int


_cut_off: Callable[..., CutOff] = CutOff
_doubtful: Callable[..., Doubtful] = Doubtful

_RULING: Final = {
    "id": "text",
    "state": "text",
    "provider_message_id": "text",
    "error": "text",
    "error_text": "text",
    "looks": "int",
    "due_at": "int",
}

# Workers' clocks may differ by as much, in microseconds.
_CLOCKS_AGREE: Final = 5_000_000
# The partial index is only found when its own condition stands in the query.
_UNSETTLED: Final = "state IN ('sending', 'unknown')"


@cache
def _cut_off_statement(postgres: bool) -> TextClause:
    lock = " FOR UPDATE SKIP LOCKED" if postgres else ""
    return text(
        "SELECT id, account, on_unknown, attempts, updated_at FROM messages "
        f"WHERE {_UNSETTLED} AND state = 'sending' AND mode = :mode AND {LEASE_IS_FREE} "
        f"ORDER BY due_at LIMIT :limit{lock}"
    )


def find_cut_off(connection: Connection, *, mode: str, wall: int, limit: int) -> list[CutOff]:
    """Find rows in flight whose worker no longer renews its lease; locks them on PostgreSQL."""
    values = {"mode": mode, "wall": wall, "limit": limit}
    rows = connection.execute(_cut_off_statement(is_postgres(connection)), values)
    return [_cut_off(*row[:4], from_micros(row[4])) for row in rows]


@cache
def _take_over_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET state = r.state, error = r.error, error_text = r.error_text, "
        "due_at = r.due_at, looks = 0, lease_owner = '', lease_until = NULL, "
        "updated_at = CASE WHEN r.state = 'unknown' THEN :wall ELSE :now END "
        f"FROM {source(postgres, _RULING)} "
        f"WHERE messages.id = r.id AND {state_of_found(postgres)} = 'sending' "
        f"AND {LEASE_IS_FREE}"
    )


def take_over(connection: Connection, rows: Sequence[Ruling], *, now: int, wall: int) -> None:
    """Move rows found by `find_cut_off`, in the same transaction, out of `sending`."""
    if rows:
        values = {"rows": packed(rows), "now": now, "wall": wall}
        connection.execute(_take_over_statement(is_postgres(connection)), values)


@cache
def _doubtful_statement(postgres: bool) -> TextClause:
    lock = " FOR UPDATE OF messages SKIP LOCKED" if postgres else ""
    return text(
        "SELECT messages.id, messages.recipient, messages.body, messages.encoding, "
        "messages.sender, messages.account, messages.provider_message_id, messages.looks, "
        "messages.updated_at, "
        "COALESCE(attempts.at, messages.updated_at) AS tried_at FROM messages "
        "LEFT JOIN attempts ON attempts.message_id = messages.id "
        "AND attempts.number = messages.attempts "
        f"WHERE {_UNSETTLED} AND state = 'unknown' AND mode = :mode AND due_at <= :now "
        f"AND {LEASE_IS_FREE} ORDER BY due_at LIMIT :limit{lock}"
    )


@cache
def _lease_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET lease_owner = :owner, lease_until = :until "
        f"WHERE id IN ({words(postgres, 'ids')}) AND state = 'unknown'"
    )


def claim_doubtful(
    connection: Connection, *, owner: str, mode: str, now: int, wall: int, until: int, limit: int
) -> list[Doubtful]:
    """Lease `unknown` messages that are due for a look."""
    postgres = is_postgres(connection)
    values = {"mode": mode, "now": now, "wall": wall, "limit": limit}
    rows = connection.execute(_doubtful_statement(postgres), values)
    found = [_doubtful(*row[:-2], from_micros(row[-2]), from_micros(row[-1])) for row in rows]
    if found:
        ids = packed([one.id for one in found])
        leased = {"owner": owner, "until": until, "ids": ids}
        connection.execute(_lease_statement(postgres), leased)
    return found


def clock_set_back(connection: Connection, *, mode: str, now: int, wall: int) -> None:
    """Make due what became unknown, by its date, in the future; date it anew."""
    statement = text(
        f"UPDATE messages SET due_at = :now, updated_at = :wall WHERE {_UNSETTLED} "
        "AND state = 'unknown' AND mode = :mode AND updated_at > :future AND due_at > :now"
    )
    values = {"mode": mode, "now": now, "wall": wall, "future": wall + _CLOCKS_AGREE}
    connection.execute(statement, values)


@cache
def _rule_statement(postgres: bool) -> TextClause:
    return text(
        "UPDATE messages SET state = r.state, error = r.error, error_text = r.error_text, "
        "provider_message_id = CASE WHEN r.provider_message_id <> '' "
        "THEN r.provider_message_id ELSE messages.provider_message_id END, "
        "told_by = CASE WHEN r.state IN ('unknown', 'queued') THEN messages.told_by "
        "ELSE 'lookup' END, "
        "doubt_ended_by = CASE WHEN r.state = 'unknown' THEN messages.doubt_ended_by "
        "ELSE 'lookup' END, "
        "looks = r.looks, due_at = r.due_at, lease_owner = '', lease_until = NULL, "
        "updated_at = CASE WHEN r.state = 'unknown' THEN messages.updated_at ELSE :now END "
        f"FROM {source(postgres, _RULING)} WHERE messages.id = r.id "
        f"AND {state_of_found(postgres)} = 'unknown' AND messages.lease_owner = :owner"
    )


def rule(
    connection: Connection, rows: Sequence[Ruling], *, owner: str, now: int, wall: int
) -> None:
    """Write what the looks came to; a message that something else settled meanwhile stays."""
    if rows:
        values = {"rows": packed(rows), "owner": owner, "now": now}
        connection.execute(_rule_statement(is_postgres(connection)), values)
        _apply_early(connection, rows, wall)


def _apply_early(connection: Connection, rows: Sequence[Ruling], wall: int) -> None:
    """Apply receipts that came before the look-up found out which message they are about."""
    found = [row.id for row in rows if row.provider_message_id]
    if found:
        statement = text(
            "SELECT account, provider_message_id FROM messages "
            f"WHERE id IN ({words(is_postgres(connection), 'ids')})"
        )
        ids = connection.execute(statement, {"ids": packed(found)})
        apply_early(connection, [(row[0], row[1]) for row in ids], from_micros(wall))


def in_flight(connection: Connection, recipients: Collection[str]) -> set[tuple[str, str]]:
    """Return (number, body) of the texts to these numbers that are being sent now."""
    if not recipients:
        return set()
    statement = text(
        f"SELECT recipient, body FROM messages WHERE {_UNSETTLED} AND state = 'sending' "
        f"AND recipient IN ({words(is_postgres(connection), 'numbers')})"
    )
    rows = connection.execute(statement, {"numbers": packed(list(recipients))})
    return {(row[0], row[1]) for row in rows}


def linked(connection: Connection, provider_ids: Collection[str]) -> set[str]:
    """Return those provider ids that some message already has.

    On PostgreSQL another worker that asks about one of them waits until our transaction ends:
    two equal texts, looked up by two workers, must not adopt the same id.
    """
    if not provider_ids:
        return set()
    postgres = is_postgres(connection)
    ids = {"ids": packed(sorted(provider_ids))}
    if postgres:
        connection.execute(text(_LOCK_IDS), ids)
    statement = text(
        "SELECT provider_message_id FROM messages WHERE provider_message_id <> '' "
        f"AND provider_message_id IN ({words(postgres, 'ids')})"
    )
    return set(connection.execute(statement, ids).scalars())


# In one order everywhere, so that two workers never wait for each other.
_LOCK_IDS: Final = (
    "SELECT pg_advisory_xact_lock(hashtextextended(one.id, 0)) FROM "
    "(SELECT id FROM jsonb_array_elements_text(CAST(:ids AS jsonb)) AS listed(id) "
    "ORDER BY id) AS one"
)
