"""Silences: kept with author and reason, ended by time or by hand, and what each one stopped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from smsnotify.model.silence import Silence
from smsnotify.store.base import Books
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.statements import insert_rows

_COLUMNS: Final = (
    "id",
    "group_name",
    "rule",
    "reason",
    "author",
    "starts_at",
    "ends_at",
    "created_at",
)
_SELECTED: Final = f"SELECT {', '.join(_COLUMNS)}, expired_at FROM silences"  # noqa: S608 - constants


class SilenceBooks(Books):
    """The part of `Store` about silences; every method is one transaction of its own."""

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        """Return the silences that run at an instant, the oldest first."""
        with self.read() as connection:
            return _running(connection, now)

    def add_silence(self, silence: Silence) -> None:
        """Keep a new silence."""
        with self.begin() as connection:
            row = (
                silence.id,
                silence.group,
                silence.rule,
                silence.reason,
                silence.author,
                to_micros(silence.starts_at),
                to_micros(silence.ends_at),
                to_micros(silence.created_at),
            )
            insert_rows(connection, "silences", _COLUMNS, [row], "DO NOTHING")

    def list_silences(self) -> list[Silence]:
        """Return all silences, those that are over too, the oldest first."""
        with self.read() as connection:
            return [_read(row) for row in connection.execute(text(f"{_SELECTED} ORDER BY id"))]

    def silences_called(self, id_start: str) -> list[Silence]:
        """Return the silences whose id begins so."""
        return [one for one in self.list_silences() if one.id.startswith(id_start)]

    def expire_silence(self, silence_id: str, now: datetime) -> bool:
        """End a silence before its time; False when it has ended already."""
        with self.begin() as connection:
            done = connection.execute(
                text(
                    "UPDATE silences SET expired_at = :now "
                    "WHERE id = :id AND expired_at IS NULL AND ends_at > :now"
                ),
                {"id": silence_id, "now": to_micros(now)},
            )
            return done.rowcount > 0

    def silenced(self, silences: Sequence[Silence], mode: str) -> dict[str, int]:
        """Return how many texts each of them stopped, in one mode; none is absent."""
        if not silences:
            return {}
        since = min(min(one.starts_at, one.created_at) for one in silences)
        with self.read() as connection:
            rows = connection.execute(
                text(
                    "SELECT substr(detail, 1, 26), count(*) FROM decisions "
                    "WHERE reason = 'silenced' AND mode = :mode AND decided_at >= :since "
                    "GROUP BY substr(detail, 1, 26)"
                ),
                {"mode": mode, "since": to_micros(since)},
            )
            return {row[0]: row[1] for row in rows}


def _running(connection: Connection, now: datetime) -> tuple[Silence, ...]:
    rows = connection.execute(
        text(
            f"{_SELECTED} WHERE starts_at <= :now AND ends_at > :now "
            "AND (expired_at IS NULL OR expired_at > :now) ORDER BY id"
        ),
        {"now": to_micros(now)},
    )
    return tuple(map(_read, rows))


def _read(row: Any) -> Silence:
    return Silence(
        id=row.id,
        group=row.group_name,
        rule=row.rule,
        reason=row.reason,
        author=row.author,
        starts_at=from_micros(row.starts_at),
        ends_at=from_micros(row.ends_at),
        created_at=from_micros(row.created_at),
        expired_at=from_micros(row.expired_at),
    )
