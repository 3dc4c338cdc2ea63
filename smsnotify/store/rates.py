"""One rate for the whole fleet: when an account may take its next message, on PostgreSQL.

Each row holds the end of what is booked. A worker books the next few turns with one update at the
end of its transaction, so the row is locked for hardly longer than the commit takes. The server's
clock alone counts: the workers' clocks need not agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec
from sqlalchemy import Connection

from smsnotify.store.rowset import execute, statement

BURST_S: Final = 0.05
"""Turns of a time in which nobody wanted any may be made up for so far back."""


class Booking(msgspec.Struct, frozen=True, gc=False):
    """A wish for `count` turns of an account that takes `per_second` messages a second."""

    account: str
    count: int
    per_second: float


class Turns(msgspec.Struct, frozen=True, gc=False):
    """`count` turns, the first in `starts_in_s` seconds (below 0: it has come), evenly spaced."""

    count: int
    starts_in_s: float


def book(connection: Connection, wishes: Sequence[Booking]) -> dict[str, Turns]:
    """Book turns, by account; call it last in a transaction, for others wait for its end."""
    booked: dict[str, Turns] = {}
    for wish in sorted(wishes, key=lambda one: one.account):  # one order: no deadlock
        lasts = round(wish.count / wish.per_second * 1_000_000)
        values = {
            "account": wish.account,
            "lasts": lasts,
            "burst": round(BURST_S * 1_000_000),
        }
        ends_at, now = execute(connection, _book_statement(), values).fetchone()
        booked[wish.account] = Turns(wish.count, (ends_at - lasts - now) / 1_000_000)
    return booked


@cache
def _book_statement() -> str:
    now = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS bigint)"
    return statement(
        True,
        f"INSERT INTO rates (account, booked_until) VALUES (:account, {now} + :lasts) "  # noqa: S608
        "ON CONFLICT (account) DO UPDATE SET booked_until = "
        f"GREATEST(rates.booked_until, {now} - :burst) + :lasts "
        f"RETURNING booked_until, {now}",
    )
