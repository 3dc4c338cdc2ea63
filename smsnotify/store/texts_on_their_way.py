"""Texts of conversations that take another way: in a provider's own call, or with another run."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from smsnotify.store.instants import to_micros
from smsnotify.store.rowset import execute, is_postgres, packed, statement, words


def hand_over(connection: Connection, ids: Collection[str], now: datetime) -> set[str]:
    """Mark queued messages that are not due yet as handed over; return which ones.

    Those that are due belong to delivery: it may be sending them at this moment.
    """
    asking = statement(
        is_postgres(connection),
        "UPDATE messages SET state = 'accepted', attempts = 1, updated_at = :now "
        f"WHERE id IN ({words(is_postgres(connection), 'ids')}) AND state = 'queued' "
        "AND due_at > :now AND lease_owner = '' RETURNING id",
    )
    values: dict[str, object] = {"ids": packed(sorted(ids)), "now": to_micros(now)}
    return {str(row[0]) for row in execute(connection, asking, values).fetchall()}


def adopt(connection: Connection, subjects: Collection[str], run: str) -> int:
    """Let a run take over what an earlier one left at its volume guard; return how many texts."""
    asking = statement(
        is_postgres(connection),
        "UPDATE messages SET run = :run WHERE state = 'held' AND gate = 'volume_guard' "
        f"AND run <> :run AND subject IN ({words(is_postgres(connection), 'subjects')})",
    )
    values: dict[str, object] = {"run": run, "subjects": packed(sorted(subjects))}
    return execute(connection, asking, values).rowcount
