"""The day so far, as those see it who run the desk."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Final

import msgspec

from smsnotify.engine.account_health import health_of
from smsnotify.engine.reporting import local_days, make_report
from smsnotify.model.message import Message
from smsnotify.model.report import Price, Report
from smsnotify.store.gauges import Gauges
from smsnotify.store.outbox import Wanted
from smsnotify.store.replies import StoredReply, WantedReplies
from smsnotify.store.store import Store

_NEWEST: Final = 8
_LOST: Final = frozenset({"failed", "undelivered", "expired", "unknown"})


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """Figures since midnight where the firm is, what is open now, and the newest troubles.

    `by_hour` counts texts since midnight, the hour that runs too; `weak` are accounts that do not
    do well, with the word for it.
    """

    report: Report
    gauges: Gauges
    by_hour: list[int]
    weak: dict[str, str]
    troubles: list[Message]
    replies: list[StoredReply]

    def depth(self, state: str) -> int:
        """Return how many messages are held, queued, sending or unknown now."""
        return sum(count for (one, _), count in self.gauges.depth.items() if one == state)


def today_of(
    store: Store, mode: str, zone: tzinfo, price: Price, currency: str, now: datetime
) -> Today:
    """Read the day so far, in one mode."""
    day = now.astimezone(zone).date()
    days = local_days(day, day, zone)
    figures = store.report_figures(days, mode)
    lost = Wanted(mode=mode, states=_LOST, since=days[0].start)
    waiting = WantedReplies(states=frozenset({"inbox", "doubtful"}))
    return Today(
        report=make_report(figures, price, currency),
        gauges=store.gauges(mode, now),
        by_hour=store.messages_by_hour(days[0].start, now + timedelta(microseconds=1), mode),
        weak={
            name: word
            for name, hour in sorted(store.last_hour(now).items())
            if (word := health_of(hour)) in ("failing", "shaky")
        },
        troubles=store.list_messages(lost, _NEWEST),
        replies=store.list_replies(waiting, _NEWEST),
    )


def is_stale(last_tick: datetime | None, now: datetime) -> bool:
    """Say whether nobody does the clock's work: reminders and held texts wait for it."""
    return last_tick is None or now - last_tick > timedelta(minutes=10)
