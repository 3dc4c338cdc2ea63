"""From figures to a report: shares, money, one line a rule and an account."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from smsnotify.model.report import AccountLine, Figures, Price, Report, RuleLine, TextCount
from smsnotify.store.report import Day

_ARRIVED: Final = frozenset({"delivered", "read"})
_LOST: Final = frozenset({"failed", "undelivered", "expired"})
_TAKEN: Final = frozenset({"accepted", "sent", *_ARRIVED, "undelivered"})


def local_days(since: date, until: date, zone: tzinfo) -> list[Day]:
    """Return the days from `since` to `until` with their bounds where the firm is."""
    days: list[Day] = []
    for number in range((until - since).days + 1):
        day = since + timedelta(days=number)
        following = day + timedelta(days=1)
        days.append(
            Day(
                day,
                datetime.combine(day, time(), zone),
                datetime.combine(following, time(), zone),
            )
        )
    return days


def make_report(figures: Figures, price: Price, currency: str) -> Report:
    """Sum up figures. A text costs something once a provider took it."""
    lines = figures.texts
    cost, unpriced = _cost(lines, price)
    completed = figures.completed_jobs
    return Report(
        figures=figures,
        since=figures.days[0],
        until=figures.days[-1],
        currency=currency,
        rules=tuple(_rule_lines(figures, price)),
        accounts=tuple(_account_lines(figures, price)),
        errors=_errors(lines),
        texts=_count(lines),
        by_day=_by_day(lines, figures.days),
        delivered=_count(lines, _ARRIVED),
        failed=_count(lines, _LOST),
        delivered_share=_share(lines),
        cost=cost,
        unpriced=unpriced,
        cost_per_completed_job=cost / completed if completed and cost else None,
    )


def _rule_lines(figures: Figures, price: Price) -> Iterable[RuleLine]:
    by_rule: defaultdict[str, list[TextCount]] = defaultdict(list)
    for line in figures.texts:
        by_rule[line.rule or line.kind].append(line)
    for rule, lines in sorted(by_rule.items(), key=lambda item: (-_count(item[1]), item[0])):
        cost, unpriced = _cost(lines, price)
        yield RuleLine(
            rule=rule,
            texts=_count(lines),
            segments=sum(line.segments for line in lines),
            by_day=_by_day(lines, figures.days),
            delivered=_count(lines, _ARRIVED),
            failed=_count(lines, _LOST),
            cost=None if unpriced and not cost else cost,
            delivered_share=_share(lines),
        )


def _account_lines(figures: Figures, price: Price) -> Iterable[AccountLine]:
    times = {(one.account, one.country): one for one in figures.times}
    by_account: defaultdict[tuple[str, str], list[TextCount]] = defaultdict(list)
    for line in figures.texts:
        if line.account:
            by_account[line.account, line.country].append(line)
    for (account, country), lines in sorted(by_account.items()):
        told = times.get((account, country))
        cost, unpriced = _cost(lines, price)
        yield AccountLine(
            account=account,
            country=country,
            texts=_count(lines),
            delivered=_count(lines, _ARRIVED),
            failed=_count(lines, _LOST),
            delivered_share=_share(lines),
            p50_s=told.p50_s if told else None,
            p95_s=told.p95_s if told else None,
            cost=None if unpriced and not cost else cost,
        )


def _count(lines: Iterable[TextCount], states: frozenset[str] | None = None) -> int:
    return sum(line.count for line in lines if states is None or line.state in states)


def _by_day(lines: Iterable[TextCount], days: tuple[date, ...]) -> tuple[int, ...]:
    counts: Counter[date] = Counter()
    for line in lines:
        counts[line.day] += line.count
    return tuple(counts[day] for day in days)


def _share(lines: Iterable[TextCount]) -> float | None:
    """Return the delivered part of all texts with a final word, from 0 to 1."""
    lines = list(lines)
    arrived, lost = _count(lines, _ARRIVED), _count(lines, _LOST)
    return arrived / (arrived + lost) if arrived + lost else None


def _errors(lines: Iterable[TextCount]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for line in lines:
        if line.state in _LOST:
            counts[line.error or line.state] += line.count
    return dict(counts.most_common())


def _cost(lines: Iterable[TextCount], price: Price) -> tuple[Decimal, int]:
    """Return the money for what providers took, and how many texts have no price."""
    money, unpriced = Decimal(0), 0
    for line in lines:
        if line.state not in _TAKEN or not line.handed or not line.segments:
            continue  # mails and alarms have no segments, and cost nothing
        each = price(line.account, line.country)
        if each is None:
            unpriced += line.count
        else:
            money += each * line.segments
    return money, unpriced
