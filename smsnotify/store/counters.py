"""Counters of caps: few rows, written in the transaction of the messages that they count.

They stand apart from the messages because a count by recipient would need an index there
(docs/explanation/speed.md). Whoever adds to a counter has its row until the end of the
transaction, so what is read back then is final: a cap that others reached meanwhile shows.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final

from sqlalchemy import Connection, text

from smsnotify.base.errors import OvertakenError
from smsnotify.model.counts import Charge, CountKey
from smsnotify.model.decision import MessageKey
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import to_micros
from smsnotify.store.rowset import execute, is_postgres, packed, source, statement, words
from smsnotify.store.statements import insert_rows

log = logging.getLogger(__name__)

_COLUMNS: Final = ("mode", "since", "name", "recipient_hash", "amount", "updated_at")
_ADDING: Final = (
    "(mode, since, name, recipient_hash) DO UPDATE SET "
    "amount = counters.amount + excluded.amount, updated_at = excluded.updated_at"
)
_KEY: Final = {"mode": "text", "since": "int", "name": "text", "recipient_hash": "text"}
_SAME: Final = " AND ".join(f"counters.{name} = r.{name}" for name in _KEY)

_Row = tuple[str, int, str, str]


def read(
    connection: Connection, hashed: RecipientHash, keys: Iterable[CountKey]
) -> dict[CountKey, int]:
    """Return the counters that there are."""
    rows = {_row(key, hashed): key for key in keys}
    if not rows:
        return {}
    wanted = packed([dict(zip(_KEY, row, strict=True)) for row in rows])
    found = execute(connection, _reading(is_postgres(connection)), {"rows": wanted}).fetchall()
    return {rows[tuple(row[:4])]: int(row[4]) for row in found}


def charge(
    connection: Connection, hashed: RecipientHash, charges: Sequence[Charge], at: int
) -> None:
    """Add to counters, and make sure that each charge stays within its limit, one by one.

    Raises:
        OvertakenError: somebody else has reached a cap; the transaction must be undone.
    """
    totals: Counter[CountKey] = Counter()
    for one in charges:
        totals[one.key] += one.amount
    # In one order for all: two processes that count the same wait for each other.
    rows = sorted((*_row(key, hashed), amount, at) for key, amount in totals.items())
    insert_rows(connection, "counters", _COLUMNS, rows, _ADDING)
    limited = {one.key for one in charges if one.hard is not None or one.soft is not None}
    amounts = {
        key: amount - totals[key] for key, amount in read(connection, hashed, limited).items()
    }
    passed: Counter[str] = Counter()
    for one in charges:
        if one.key not in amounts:
            continue
        before = amounts[one.key]
        amount = amounts[one.key] = before + one.amount
        if one.hard is not None and amount > one.hard:
            raise OvertakenError("a cap was reached by another process", hint="decide again")
        if one.soft is not None and before <= one.soft < amount:
            passed[one.name] += 1
    for name, times in passed.items():
        told = f" for {times} recipients" if times > 1 else ""
        log.warning("soft cap passed: %s%s", name, told)


def charge_kept(
    connection: Connection,
    hashed: RecipientHash,
    charges: Mapping[MessageKey, Sequence[Charge]],
    lost: Collection[MessageKey],
    now: datetime,
) -> None:
    """Add what the messages of a batch count, but those whose keys were taken.

    The last thing in a transaction: many wait for the same counter, and nobody who has it must
    wait for anything else.

    Raises:
        OvertakenError: as `charge`.
    """
    kept = [one for key, some in charges.items() if key not in lost for one in some]
    if kept:
        charge(connection, hashed, kept, to_micros(now))


def counted_among(connection: Connection, ids: Collection[str]) -> set[str]:
    """Return those of some guarded messages that no other gate holds: they were counted."""
    if not ids:
        return set()
    which = words(is_postgres(connection), "ids")
    asking = text(f"SELECT id FROM messages WHERE id IN ({which}) AND reason = ''")
    return set(connection.execute(asking, {"ids": packed(list(ids))}).scalars())


def _row(key: CountKey, hashed: RecipientHash) -> _Row:
    recipient = hashed(key.recipient).hex() if key.recipient else ""
    return (key.mode, key.since, key.name, recipient)


@cache
def _reading(postgres: bool) -> str:
    # CROSS JOIN keeps SQLite to the order: each wanted row, then the one that it finds by key.
    columns = ", ".join(f"counters.{name}" for name in _KEY)
    joined = f"{source(postgres, _KEY)} CROSS JOIN counters"
    return statement(postgres, f"SELECT {columns}, counters.amount FROM {joined} WHERE {_SAME}")
