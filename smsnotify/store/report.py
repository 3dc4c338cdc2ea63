"""The figures of a period, read in one go; ids ascend with time, so a day is a range of ids."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.model.jobstate import JobState
from smsnotify.model.report import (
    DeliveryTime,
    Figures,
    FirstAttempts,
    Funnel,
    PlanCount,
    Rating,
    TextCount,
)
from smsnotify.store.funnel import funnels
from smsnotify.store.order import first_id
from smsnotify.store.rowset import is_postgres

_HANDED: Final = "'accepted', 'sent', 'delivered', 'read'"
_OVER: Final = frozenset({"completed", "completed_partial", "failed", "return"})
_DONE: Final = frozenset({"completed", "completed_partial"})
_decode_state: Final = msgspec.json.Decoder(JobState).decode


class Day(msgspec.Struct, frozen=True):
    """A local day and the instants that bound it: from `start`, before `end`."""

    day: date
    start: datetime
    end: datetime


class _Rated(msgspec.Struct):
    """The few fields of a job that tell of a rating."""

    assign_to: Any = None
    group_name: Any = None
    goods_service_rating: Any = None
    driver_rating: Any = None


_decode_rated: Final = msgspec.json.Decoder(_Rated).decode


def report_figures(connection: Connection, days: Sequence[Day], mode: str) -> Figures:
    """Read the figures of consecutive days, in one mode; all but `delivery_times`."""
    bounds = _bounds(days, mode)
    opt_outs, opt_ins = _consents(connection, bounds)
    reminded, not_reminded, completed = _first_attempts(connection, bounds)
    return Figures(
        days=tuple(day.day for day in days),
        texts=tuple(_texts(connection, days, mode)),
        opt_outs=opt_outs,
        opt_ins=opt_ins,
        replies=_replies(connection, bounds),
        plans=tuple(_plans(connection, bounds)),
        funnels=_funnels(connection, days, mode),
        ratings=tuple(_ratings(connection, bounds)),
        reminded=reminded,
        not_reminded=not_reminded,
        completed_jobs=completed,
    )


def _bounds(days: Sequence[Day], mode: str) -> dict[str, Any]:
    return {
        "first": first_id(days[0].start),
        "beyond": first_id(days[-1].end),
        "mode": mode,
        "first_day": days[0].day.isoformat(),
        "last_day": f"{days[-1].day.isoformat()}~",
    }


def _texts(connection: Connection, days: Sequence[Day], mode: str) -> Iterator[TextCount]:
    statement = text(
        "SELECT rule, kind, account, country, state, error, count(*), sum(segments), "
        "sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END) FROM messages "
        "WHERE id >= :first AND id < :beyond AND mode = :mode AND carried_by = '' "
        "GROUP BY rule, kind, account, country, state, error"
    )
    for day in days:
        rows = connection.execute(
            statement, {"first": first_id(day.start), "beyond": first_id(day.end), "mode": mode}
        )
        for rule, kind, account, country, state, error, count, segments, handed in rows:
            yield TextCount(
                day.day, rule, kind, account, country, state, error, count, segments, handed
            )


def delivery_times(
    connection: Connection, days: Sequence[Day], mode: str
) -> tuple[DeliveryTime, ...]:
    """Read how long delivered texts of consecutive days took, in one mode.

    Whole seconds are counted, so that a million texts come back as a few thousand rows.
    """
    return tuple(_times(connection, _bounds(days, mode)))


def _times(connection: Connection, bounds: dict[str, Any]) -> Iterator[DeliveryTime]:
    whole = "CAST(floor((messages.told_at - attempts.at) / 1000000.0) AS bigint)"
    if not is_postgres(connection):
        whole = "(messages.told_at - attempts.at) / 1000000"
    rows = connection.execute(
        text(
            f"SELECT messages.account, messages.country, {whole} AS seconds, count(*) "
            "FROM messages JOIN attempts ON attempts.message_id = messages.id "
            "AND attempts.number = messages.attempts "
            "WHERE messages.id >= :first AND messages.id < :beyond AND messages.mode = :mode "
            "AND messages.state = 'delivered' AND messages.told_at IS NOT NULL "
            "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ),
        bounds,
    )
    seconds: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for account, country, lag, count in rows:
        seconds[account, country].append((max(int(lag), 0), int(count)))
    for (account, country), counted in sorted(seconds.items()):
        total = sum(count for _, count in counted)
        yield DeliveryTime(
            account, country, total, _quantile(counted, total, 50), _quantile(counted, total, 95)
        )


def _quantile(counted: Sequence[tuple[int, int]], total: int, percent: int) -> int:
    """Return the smallest value that so many percent of all reach; `counted` is in order."""
    wanted = total * percent / 100
    seen = 0
    for value, count in counted:
        seen += count
        if seen >= wanted:
            return value
    return counted[-1][0]


def _consents(
    connection: Connection, bounds: dict[str, Any]
) -> tuple[dict[str, int], dict[str, int]]:
    rows = connection.execute(
        text(
            "SELECT opted_out, source, count(*) FROM consents WHERE id >= :first AND id < :beyond "
            "GROUP BY 1, 2 ORDER BY 2"
        ),
        bounds,
    )
    outs: dict[str, int] = {}
    ins: dict[str, int] = {}
    for opted_out, source, count in rows:
        (outs if opted_out else ins)[source] = count
    return outs, ins


def _replies(connection: Connection, bounds: dict[str, Any]) -> dict[str, int]:
    rows = connection.execute(
        text(
            "SELECT verdict, state, count(*) FROM replies "
            "WHERE id >= :first AND id < :beyond GROUP BY 1, 2 ORDER BY 1, 2"
        ),
        bounds,
    )
    counts: Counter[str] = Counter()
    for verdict, state, count in rows:
        counts[verdict or state] += count
    return dict(counts)


def _plans(connection: Connection, bounds: dict[str, Any]) -> Iterator[PlanCount]:
    rows = connection.execute(
        text(
            "SELECT plan, state, count(*), sum(goal_value) FROM enrolments "
            "WHERE id >= :first AND id < :beyond AND mode = :mode GROUP BY 1, 2 ORDER BY 1, 2"
        ),
        bounds,
    )
    for plan, state, count, value in rows:
        yield PlanCount(plan, state, count, float(value or 0))


def _funnels(connection: Connection, days: Sequence[Day], mode: str) -> tuple[Funnel, ...]:
    """Count the plans of those who came in since the first day."""
    by_plan = funnels(connection, mode, since=days[0].start)
    return tuple(by_plan[name] for name in sorted(by_plan))


def _ratings(connection: Connection, bounds: dict[str, Any]) -> list[Rating]:
    """Take the newest word of each job that was rated in the period."""
    rows = connection.execute(
        text(
            "SELECT snapshot FROM jobs WHERE subject IN (SELECT subject FROM events "
            "WHERE name = 'feedback' AND id >= :first AND id < :beyond)"
        ),
        bounds,
    )
    counted: Counter[tuple[str, str]] = Counter()
    goods: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    stars: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for (snapshot,) in rows:
        try:
            job = _decode_rated(bytes(snapshot))
        except msgspec.DecodeError:
            continue
        who = (str(job.assign_to or ""), str(job.group_name or ""))
        counted[who] += 1
        for given, kept in ((job.goods_service_rating, goods), (job.driver_rating, stars)):
            if (read := _stars(given)) is not None:
                kept[who].append(read)
    return [
        Rating(*who, count, _mean(goods[who]), _mean(stars[who]))
        for who, count in sorted(counted.items())
    ]


def _stars(given: object) -> float | None:
    try:
        return float(str(given))
    except ValueError:
        return None


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 2) if values else None


def _first_attempts(
    connection: Connection, bounds: dict[str, Any]
) -> tuple[FirstAttempts, FirstAttempts, int]:
    """Compare first attempts of the period's jobs with and without a reminder before them.

    Most jobs are in the same state as many others: those are counted by the database.
    """
    rows = connection.execute(
        text(
            "SELECT state, EXISTS (SELECT 1 FROM messages WHERE messages.subject = jobs.subject "
            f"AND mode = :mode AND kind = 'pre_job' AND (messages.state IN ({_HANDED}) "
            # One text may remind of several jobs.
            "OR messages.carried_by <> '' AND EXISTS (SELECT 1 FROM messages AS carriers "
            f"WHERE carriers.id = messages.carried_by AND carriers.state IN ({_HANDED})))), "
            "count(*) "
            "FROM jobs WHERE date >= :first_day AND date < :last_day GROUP BY 1, 2"
        ),
        bounds,
    )
    jobs: Counter[bool] = Counter()
    failed: Counter[bool] = Counter()
    completed = 0
    for written, was_reminded, count in rows:
        state = _decode_state(bytes(written))
        completed += count if state.phase in _DONE else 0
        if state.attempt > 1 or state.phase in _OVER:
            jobs[bool(was_reminded)] += count
            # A second attempt tells that the first one came to nothing.
            if state.attempt > 1 or state.phase not in _DONE:
                failed[bool(was_reminded)] += count
    return (
        FirstAttempts(jobs[True], failed[True]),
        FirstAttempts(jobs[False], failed[False]),
        completed,
    )
