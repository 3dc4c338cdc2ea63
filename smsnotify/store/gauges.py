"""Figures of the outbox that are cheap enough to be asked for every few seconds.

Each comes out of a partial index; nothing here reads what is settled, however much that is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.model.rule import Priority
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.pauses import Paused, paused

_NAMES: Final = {priority.rank: priority.value for priority in Priority}


class Gauges(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How much is open, in one mode.

    `depth` is (state, priority) → messages held, queued, sending and unknown; `oldest_due_at` is
    by priority, of what is queued and may leave; `oldest_unknown_at` is when the oldest unknown
    message became so; `unsettled` is by account: handed over, and no final word yet.
    """

    depth: dict[tuple[str, str], int]
    oldest_due_at: dict[str, datetime]
    oldest_unknown_at: datetime | None
    unsettled: dict[str, int]
    paused: Paused


def gauges(connection: Connection, mode: str, now: datetime) -> Gauges:
    """Read the figures."""
    values = {"mode": mode, "now": to_micros(now)}
    depth: dict[tuple[str, str], int] = {}
    for states in ("= 'queued'", "= 'held'", "IN ('sending', 'unknown')"):
        rows = connection.execute(
            text(
                "SELECT state, priority, count(*) FROM messages "  # noqa: S608 - constants
                f"WHERE state {states} AND mode = :mode GROUP BY state, priority"
            ),
            values,
        )
        depth |= {(str(state), _NAMES[rank]): int(count) for state, rank, count in rows}
    oldest = connection.execute(
        text(
            "SELECT priority, min(due_at) FROM messages "
            "WHERE state = 'queued' AND mode = :mode AND due_at <= :now GROUP BY priority"
        ),
        values,
    )
    unknown = connection.execute(
        text(
            "SELECT min(updated_at) FROM messages "
            "WHERE state IN ('sending', 'unknown') AND state = 'unknown' AND mode = :mode"
        ),
        values,
    )
    unsettled = connection.execute(
        text(
            "SELECT account, count(*) FROM messages WHERE state IN ('accepted', 'sent') "
            "GROUP BY account"
        )
    )
    return Gauges(
        depth=depth,
        oldest_due_at={_NAMES[rank]: from_micros(int(at)) for rank, at in oldest},
        oldest_unknown_at=from_micros(unknown.scalar()),
        unsettled={str(account): int(count) for account, count in unsettled},
        paused=paused(connection),
    )
