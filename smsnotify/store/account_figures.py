"""How each account did lately: tries by what they came to, and how long answers took."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.order import first_id

HOUR: Final = timedelta(hours=1)
_YOUNG: Final = timedelta(hours=3)
_MINUTES: Final = 5


class LastHour(msgspec.Struct, kw_only=True):
    """Tries of one account in the last hour, of texts that are not older than three hours.

    `results` counts by what they came to, `errors` by word, `a_minute` is the pace of the last
    five minutes, `latency_ms` the mean from request to answer.
    """

    tries: int = 0
    results: dict[str, int] = {}
    errors: dict[str, int] = {}
    a_minute: float = 0.0
    latency_ms: float | None = None
    last_at: datetime | None = None

    @property
    def accepted_share(self) -> float | None:
        """The part that a provider took, from 0 to 1; None without a try."""
        return self.results.get("accepted", 0) / self.tries if self.tries else None


def by_hour(connection: Connection, start: datetime, end: datetime, mode: str) -> list[int]:
    """Return how many messages were queued in each hour from `start` to before `end`."""
    hours = [0] * max(-(-(end - start) // HOUR), 1)
    rows = connection.execute(
        text(
            "SELECT (created_at - :start) / 3600000000 AS hour, count(*) FROM messages "
            "WHERE id >= :first AND id < :beyond AND mode = :mode AND created_at >= :start "
            "GROUP BY 1"
        ),
        {
            "start": to_micros(start),
            "first": first_id(start),
            "beyond": first_id(end),
            "mode": mode,
        },
    )
    for hour, count in rows:
        if 0 <= hour < len(hours):
            hours[int(hour)] += int(count)
    return hours


def last_hour(connection: Connection, now: datetime) -> dict[str, LastHour]:
    """Return the figures by account; one without a try is absent."""
    rows = connection.execute(
        text(
            "SELECT account, result, error, count(*), sum(latency_ms), max(at), "
            "sum(CASE WHEN at >= :lately THEN 1 ELSE 0 END) FROM attempts "
            "WHERE message_id >= :first AND at >= :since GROUP BY account, result, error"
        ),
        {
            "first": first_id(now - _YOUNG),
            "since": to_micros(now - HOUR),
            "lately": to_micros(now - timedelta(minutes=_MINUTES)),
        },
    )
    found: dict[str, LastHour] = {}
    latencies: dict[str, int] = {}
    for account, result, error, count, latency, last, lately in rows:
        one = found.setdefault(str(account), LastHour())
        one.tries += int(count)
        one.results[result] = one.results.get(result, 0) + int(count)
        if error:
            one.errors[error] = one.errors.get(error, 0) + int(count)
        one.a_minute += int(lately) / _MINUTES
        at = from_micros(int(last))
        one.last_at = at if one.last_at is None else max(one.last_at, at)
        latencies[account] = latencies.get(account, 0) + int(latency)
    for account, one in found.items():
        one.latency_ms = latencies[account] / one.tries
    return found
