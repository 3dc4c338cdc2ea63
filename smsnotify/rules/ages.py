"""How old the news of a rule may be, event by event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final

from smsnotify.rules.by_event import DEFAULT, read_by_event
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.scalars_time import read_age
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.vocabulary import Vocabulary

DAY: Final = timedelta(hours=24)

Limit = timedelta | None
"""None is any age."""


def read_ages(
    keys: RuleKeys, defaults: DefaultsKeys, words: Vocabulary, report: Reporter, path: Path
) -> tuple[Limit, Mapping[str, Limit]]:
    """Return what holds for most events of a rule, and what holds for some of them by name.

    The rule's own event, its own default, the file's event, the file's default, 24h: the first of
    these that is written counts.
    """
    at = (*path, "max_age")
    own = _limits(keys.max_age, words, report, at, keys.events)
    if isinstance(keys.max_age, dict) and "pre_job" in keys.max_age:
        _warn_of_reminder(report, (*at, "pre_job"))
    # The file's own mistakes are told once, by `check_ages`.
    shared = _limits(defaults.max_age, words, None, ("defaults", "max_age"), None)
    for shared_event in list(shared):
        if DEFAULT in own:
            del shared[shared_event]
    limits = {DEFAULT: DAY, **shared, **own}
    usual = limits[DEFAULT]
    some = {event: limits[event] for event in keys.events if event in limits}
    return usual, {event: limit for event, limit in some.items() if limit != usual}


def check_ages(defaults: DefaultsKeys, words: Vocabulary, report: Reporter) -> None:
    """Report what is wrong with `max_age` in `defaults`."""
    at = ("defaults", "max_age")
    _limits(defaults.max_age, words, report, at, None)
    if isinstance(defaults.max_age, dict) and "pre_job" in defaults.max_age:
        _warn_of_reminder(report, (*at, "pre_job"))


def _limits(
    written: Any,
    words: Vocabulary,
    report: Reporter | None,
    path: Path,
    events: Collection[str] | None,
) -> dict[str, Limit]:
    if written is None:
        return {}
    if not isinstance(written, dict):
        return {DEFAULT: _limit(written)}
    if report is None:
        return {name: _limit(read_age(age)) for name, age in written.items() if _is_right(age)}
    read = read_by_event(written, read_age, words, report, path, events)
    return {name: _limit(age) for name, age in read.items()}


def _is_right(age: object) -> bool:
    try:
        read_age(age)
    except ValueError:
        return False
    return True


def _limit(age: Any) -> Limit:
    return None if isinstance(age, str) else age


def _warn_of_reminder(report: Reporter, path: Path) -> None:
    report.warn(
        path,
        "no_effect",
        "max_age changes nothing for a reminder",
        "pre_job: {late: drop} drops late ones",
        key=True,
    )
