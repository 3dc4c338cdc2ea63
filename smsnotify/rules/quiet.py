"""A rule's quiet hours, and what becomes of the news that falls into them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import time
from typing import Any, cast

from smsnotify.model.rule import WORTHLESS_LATER, QuietHours, Then
from smsnotify.rules.by_event import DEFAULT, read_by_event
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.scalars_time import read_then
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.schema_parts import QuietHoursKeys
from smsnotify.rules.vocabulary import Vocabulary


def read_quiet_hours(
    keys: RuleKeys, defaults: DefaultsKeys, words: Vocabulary, report: Reporter, path: Path
) -> QuietHours | None:
    """Return the quiet hours of a rule: its own, or the file's."""
    at = (*path, "quiet_hours")
    if "quiet_hours" not in keys.model_fields_set:
        chosen = defaults.quiet_hours
    else:
        chosen = keys.quiet_hours
        if chosen is not None:
            check_quiet_hours(chosen, report, at)
            _check_then(chosen, words, report, at, keys.events)
            if keys.to is not None and keys.to.fixed and not keys.to.fields:
                report.warn(
                    at,
                    "no_effect",
                    "quiet_hours change nothing here: fixed numbers are texted at any hour",
                    "take them out",
                    key=True,
                )
    return None if chosen is None else quiet_hours_of(chosen, keys.events)


def check_shared_quiet_hours(defaults: DefaultsKeys, words: Vocabulary, report: Reporter) -> None:
    """Report what is wrong with `then` in the quiet hours of `defaults`."""
    if defaults.quiet_hours is not None:
        _check_then(defaults.quiet_hours, words, report, ("defaults", "quiet_hours"), None)


def check_quiet_hours(keys: QuietHoursKeys, report: Reporter, path: Path) -> None:
    """Report quiet hours that begin when they end."""
    if keys.start == keys.end:
        report.error(
            path,
            "bad_value",
            "quiet_hours begin and end at the same time",
            "for no quiet hours: quiet_hours: none",
        )


def quiet_hours_of(keys: QuietHoursKeys, events: Iterable[str]) -> QuietHours:
    """Return quiet hours with what becomes of each of these events."""
    found = {event: then_of(keys.then, event) for event in events}
    if len(set(found.values())) == 1:
        return QuietHours(keys.start, keys.end, next(iter(found.values())))
    return QuietHours(keys.start, keys.end, then_of(keys.then, DEFAULT), found)


def then_of(written: Any, event: str) -> Then:
    """Return what becomes of an event: as it is written, else by what it is worth later."""
    if isinstance(written, dict):
        word = written.get(event, written.get(DEFAULT))
        if word in ("hold", "drop"):
            return cast("Then", word)
    elif written is not None:
        return cast("Then", written)
    return "drop" if event in WORTHLESS_LATER else "hold"


def is_quiet_at(at: time, quiet: QuietHours) -> bool:
    """Say whether a local time lies in the quiet hours."""
    if quiet.start < quiet.end:
        return quiet.start <= at < quiet.end
    return at >= quiet.start or at < quiet.end


def _check_then(
    keys: QuietHoursKeys,
    words: Vocabulary,
    report: Reporter,
    path: Path,
    events: Sequence[str] | None,
) -> None:
    if isinstance(keys.then, dict):
        read_by_event(keys.then, read_then, words, report, (*path, "then"), events)
