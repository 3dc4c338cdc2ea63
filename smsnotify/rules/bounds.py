"""What bounds a rule beyond the usual: its season, and what else happened to the job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from smsnotify.base.durations import format_duration
from smsnotify.model.event import STATUS_EVENTS
from smsnotify.model.rule import Bounds, Digest, Inhibition
from smsnotify.rules.caps import read_caps
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.scalars import did_you_mean
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.vocabulary import Vocabulary

LOOKS_BACK: Final = timedelta(days=90)
"""How long events and jobs are kept: nothing that is older can be looked at."""

_NONE: Final = Bounds()
_ZONES_APART: Final = timedelta(days=1)  # more than any two zones differ
_NO_JOBS: Final = {
    "pre_job": "the clock makes it, and nothing happens to the job",
    "reply": "it is about a person and not about a job",
}


def read_bounds(
    keys: RuleKeys,
    defaults: DefaultsKeys,
    digest: Digest | None,
    words: Vocabulary,
    report: Reporter,
    path: Path,
) -> Bounds | None:
    """Return the bounds of a rule, None for the many that have none."""
    start, end = keys.active_from, keys.active_until
    if start is not None and end is not None and _is_over(start, end):
        report.error(
            (*path, "active_until"),
            "bad_value",
            "the rule ends before it begins: it would never be active",
            "active_until is later than active_from; a date is the last day",
        )
    inhibited = _inhibition(keys, words, report, path)
    _check_waits(keys, words, report, path)
    bounds = Bounds(
        active_from=start,
        active_until=end,
        inhibited_by=inhibited,
        after=keys.after,
        unless=tuple(keys.unless),
        unchanged=keys.unchanged,
        asks=_asks(keys, inhibited),
        digest=digest,
        caps=read_caps(keys, defaults, report, path),
    )
    return None if bounds == _NONE else bounds


def _is_over(start: datetime, end: datetime) -> bool:
    """Say whether `end` cannot come after `start`, whatever the settings' zone is."""
    if (start.tzinfo is None) == (end.tzinfo is None):
        return end <= start
    plain = [at if at.tzinfo is not None else at.replace(tzinfo=UTC) for at in (start, end)]
    return plain[1] + _ZONES_APART <= plain[0]


def _asks(keys: RuleKeys, inhibited: Inhibition | None) -> frozenset[str]:
    """Return the events that the rule's gates look back at."""
    asked = frozenset[str]() if inhibited is None else frozenset(inhibited.events)
    if keys.unless or keys.unchanged is not None:
        asked |= {*keys.unless, *keys.events}
    if keys.unchanged is not None:
        asked |= STATUS_EVENTS | {"new_attempt"}
    return asked


def _inhibition(
    keys: RuleKeys, words: Vocabulary, report: Reporter, path: Path
) -> Inhibition | None:
    chosen = keys.inhibited_by
    if chosen is None:
        return None
    at = (*path, "inhibited_by")
    if "reply" in keys.events:
        report.error(
            at,
            "not_about_a_job",
            "inhibited_by is for what happens to a job: a reply is about a person",
            "take it out, or give the reply a rule of its own",
            key=True,
        )
    if not chosen.events:
        report.error(
            (*at, "events"),
            "missing_key",
            "inhibited_by names no event",
            "inhibited_by: {events: [completed, failed], within: 2h}",
        )
    _check_events(chosen.events, keys, words, report, (*at, "events"))
    _check_span(chosen.within, report, (*at, "within"))
    return Inhibition(tuple(chosen.events), chosen.within)


def _check_waits(keys: RuleKeys, words: Vocabulary, report: Reporter, path: Path) -> None:
    """Look at what a rule waits for before it texts."""
    _check_span(keys.after, report, (*path, "after"))
    _check_span(keys.unchanged, report, (*path, "for"))
    _check_events(keys.unless, keys, words, report, (*path, "unless"))
    waits = [
        name for name, span in (("after", keys.after), ("for", keys.unchanged)) if span is not None
    ]
    if len(waits) > 1:
        report.error(
            (*path, "for"),
            "two_waits",
            "the rule has after and for: each says when its texts leave",
            "after: sent then; for: sent then if the status is still the same; choose one",
            key=True,
        )
    if keys.unless and not waits:
        report.error(
            (*path, "unless"),
            "unless_without_wait",
            "unless cancels a text that waits, and this rule's texts do not",
            "add after: 30m, or for: 4h",
            key=True,
        )
    for name in waits[:1]:
        _check_can_wait(name, keys, report, (*path, name))


def _check_can_wait(name: str, keys: RuleKeys, report: Reporter, path: Path) -> None:
    if keys.start_plan:
        report.error(
            path,
            "start_plan",
            f"{name} goes with a body: a plan begins at once",
            "let the plan's first step be a delay",
            key=True,
        )
    for event, hint in (
        ("pre_job", "pre_job says when it leaves"),
        ("reply", "a plan can answer later"),
    ):
        if event in keys.events:
            what = "a reminder" if event == "pre_job" else "a reply"
            report.error(
                path,
                "not_about_a_job",
                f"{name} is for what happens to a job: {what} cannot wait for it",
                hint,
                key=True,
            )


def _check_events(
    events: Sequence[str], keys: RuleKeys, words: Vocabulary, report: Reporter, path: Path
) -> None:
    """Report events that nobody knows, that are there twice, or that cannot do what is meant."""
    for index, event in enumerate(events):
        place = (*path, index)
        if event not in words.events:
            hint = did_you_mean(event, words.events)
            report.error(place, "unknown_event", f"unknown event {event!r}", hint)
        elif event in events[:index]:
            report.error(place, "doubled", f"the event {event!r} is in the list twice")
        elif event in keys.events:
            report.error(
                place,
                "own_event",
                f"the rule itself listens to {event!r}: it would be in its own way",
                "name another event, or take it out of the rule's events",
            )
        elif event in _NO_JOBS:
            report.error(
                place,
                "bad_value",
                f"{event!r} cannot stand here: {_NO_JOBS[event]}",
            )


def _check_span(span: timedelta | None, report: Reporter, path: Path) -> None:
    if span is not None and span > LOOKS_BACK:
        report.error(
            path,
            "bad_value",
            f"{format_duration(span)} is too long: events are kept for "
            f"{format_duration(LOOKS_BACK)}",
            f"at most {format_duration(LOOKS_BACK)}",
        )
