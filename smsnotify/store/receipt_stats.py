"""What providers told us, in figures: doubts and what ended them, words, and how late they come."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.store.instants import to_micros
from smsnotify.store.order import first_id

NO_WORD: Final = timedelta(hours=72)
"""A message that a provider took so long ago, without a final word: none will come any more.

8x8 waits up to 48 hours for an operator's word.
Source: https://developer.8x8.com/connect/docs/delivery-receipts-for-outbound-sms (July 2026)
"""

_WINDOW: Final = timedelta(days=30)  # as long as attempts and receipts are kept
_NEWEST: Final = 2000


class Lag(msgspec.Struct, frozen=True, gc=False):
    """Seconds from handing a text over until its `delivered` came in, over `count` texts."""

    count: int
    median_s: float
    p95_s: float


class ReceiptStats(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Figures of the messages of the last 30 days.

    `tried`: handed to a provider at least once; `doubted`: of these, those that were `unknown` at
    some time; `doubts` is what ended that: `receipt`, `lookup`, `answer` (a late one), `person`,
    `resent` (the rule wished it), or `open`. `words` and `undocumented` (raw words) count
    receipts, replays left out; `outcomes` the same by what they did; `lags` is by account.
    `no_word` counts messages without a final word for 72 hours.
    """

    tried: int
    doubted: int
    doubts: dict[str, int]
    words: dict[str, int]
    undocumented: dict[str, int]
    outcomes: dict[str, int]
    lags: dict[str, Lag]
    no_word: int

    @property
    def unknown_share(self) -> float:
        """The part of the tried messages that was in doubt at some time, from 0 to 1."""
        return self.doubted / self.tried if self.tried else 0.0

    def as_json(self) -> dict[str, object]:
        """Fields for the line of `outbox stats`."""
        return {
            "tried": self.tried,
            "unknown_share": round(self.unknown_share, 6),
            "unknown_settled_by": self.doubts,
            "receipts": self.words,
            "undocumented": self.undocumented,
            "receipt_outcomes": self.outcomes,
            "receipt_lag": msgspec.to_builtins(self.lags),
            "no_word": self.no_word,
        }


def receipt_stats(connection: Connection, now: datetime, mode: str = "") -> ReceiptStats:
    """Count what providers said, of one mode or of all."""
    values: dict[str, Any] = {"first": first_id(now - _WINDOW), "mode": mode}
    doubts = _doubts(connection, values)
    words, undocumented, outcomes = _words(connection, values)
    return ReceiptStats(
        tried=_tried(connection, values),
        doubted=sum(doubts.values()),
        doubts=doubts,
        words=words,
        undocumented=undocumented,
        outcomes=outcomes,
        lags=_lags(connection, values),
        no_word=count_no_word(connection, now, mode),
    )


def count_no_word(connection: Connection, now: datetime, mode: str = "") -> int:
    """Count messages that a provider took and has not told the end of for 72 hours."""
    counted = connection.execute(
        text(
            "SELECT count(*) FROM messages WHERE state IN ('accepted', 'sent') "
            # A mail server takes a mail and never says more.
            f"AND channel <> 'email' AND updated_at < :before AND {_MODE}"
        ),
        {"before": to_micros(now - NO_WORD), "mode": mode},
    )
    return int(counted.scalar_one())


_MODE: Final = "(:mode = '' OR mode = :mode)"
_TRIED: Final = "SELECT message_id FROM attempts WHERE message_id >= :first"


def _tried(connection: Connection, values: dict[str, Any]) -> int:
    counted = connection.execute(
        text(f"SELECT count(*) FROM messages WHERE id >= :first AND attempts > 0 AND {_MODE}"),
        values,
    )
    return int(counted.scalar_one())


def _doubts(connection: Connection, values: dict[str, Any]) -> dict[str, int]:
    rows = connection.execute(
        text(
            "SELECT state, doubt_ended_by, count(*) FROM messages "
            f"WHERE id IN ({_TRIED} AND result = 'unknown') AND {_MODE} GROUP BY 1, 2"
        ),
        values,
    )
    counts: Counter[str] = Counter()
    for state, ended_by, count in rows:
        counts["open" if state == "unknown" else ended_by or "resent"] += count
    return dict(counts)


def _words(
    connection: Connection, values: dict[str, Any]
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    words: Counter[str] = Counter()
    undocumented: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    rows = connection.execute(
        text(
            "SELECT state, CASE WHEN state = '' THEN raw_word ELSE '' END, outcome, count(*) "
            "FROM receipts WHERE id >= :first AND (:mode = '' OR message_id = '' OR message_id IN "
            "(SELECT id FROM messages WHERE mode = :mode)) GROUP BY 1, 2, 3"
        ),
        values,
    )
    for state, raw_word, outcome, count in rows:
        outcomes[outcome] += count
        if state:
            words[state] += count
        else:
            undocumented[raw_word] += count
    return dict(words), dict(undocumented), dict(outcomes)


def _lags(connection: Connection, values: dict[str, Any]) -> dict[str, Lag]:
    rows = connection.execute(
        text(
            "SELECT receipts.account, receipts.received_at - attempts.at FROM receipts "
            "JOIN messages ON messages.id = receipts.message_id "
            "JOIN attempts ON attempts.message_id = messages.id "
            "AND attempts.number = messages.attempts "
            "WHERE receipts.state = 'delivered' AND receipts.source = 'receipt' "
            f"AND receipts.outcome = 'moves' AND receipts.id >= :first AND {_MODE} "
            f"ORDER BY receipts.id DESC LIMIT {_NEWEST}"
        ),
        values,
    )
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for account, lag in rows:
        seconds[account].append(max(lag, 0) / 1_000_000)
    return {account: _lag(told) for account, told in sorted(seconds.items())}


def _lag(seconds: list[float]) -> Lag:
    p95 = quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    return Lag(len(seconds), round(median(seconds), 3), round(p95, 3))
