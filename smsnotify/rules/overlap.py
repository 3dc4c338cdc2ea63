"""Finds rules that would text one person twice for one event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from smsnotify.base.redact import mask_number
from smsnotify.rules.compile import CompiledRule
from smsnotify.rules.problems import Reporter

Placed = tuple[Reporter, int, CompiledRule]
_Target = tuple[str, str]


class _Entry(NamedTuple):
    rule: CompiledRule
    asked: frozenset[tuple[str, str, str]]


def find_overlaps(built: Sequence[Placed]) -> Iterator[tuple[Reporter, int, str, str]]:
    """Yield (report, index, message, hint) for each rule that doubles an earlier one.

    Two enabled rules double when they text the same field or fixed number for the same event and
    whatever job meets the stricter one meets the other too: job type, groups and reasons have
    something in common, and the conditions of one are among those of the other. Reminders at
    different moments are meant, and so are texts that wait differently. Each rule is told of one
    earlier rule at most.
    """
    earlier = _Earlier()
    for report, index, rule in built:
        if not rule.enabled:
            continue
        entry = _Entry(rule, frozenset(each.identity for each in rule.conditions))
        targets = [
            (event, target)
            for event in sorted(rule.events)
            for target in (*rule.recipient_fields, *rule.fixed)
        ]
        found = _first_double(entry, targets, earlier)
        if found is not None:
            other, event, target = found
            yield (
                report,
                index,
                f"the rules {other.terms.name!r} and {rule.terms.name!r} both text "
                f"{_shown(target)} for {event!r}: one person may get two texts",
                "tell them apart by groups, reasons or where, or switch one off",
            )
        for key in targets:
            earlier.add(key, entry)


class _Earlier:
    """Earlier rules by what they listen to and text, narrowed by what they ask.

    A rule whose conditions are among mine is filed under one of mine; a rule that has all of mine
    is filed under the rarest of mine. So a thousand rules that ask different things, even if one
    condition is common to all, are not compared in pairs.
    """

    def __init__(self) -> None:
        self._all: dict[_Target, list[_Entry]] = {}
        self._asking: dict[tuple[_Target, object], list[_Entry]] = {}
        self._filed: dict[tuple[_Target, object], list[_Entry]] = {}

    def add(self, key: _Target, entry: _Entry) -> None:
        self._all.setdefault(key, []).append(entry)
        rarest = self._rarest(key, entry)
        self._filed.setdefault((key, rarest), []).append(entry)
        for asked in entry.asked:
            self._asking.setdefault((key, asked), []).append(entry)

    def comparable(self, key: _Target, entry: _Entry) -> Iterator[_Entry]:
        if not entry.asked:
            yield from self._all.get(key, ())
            return
        for asked in (None, *entry.asked):
            yield from self._filed.get((key, asked), ())
        yield from self._asking.get((key, self._rarest(key, entry)), ())

    def _rarest(self, key: _Target, entry: _Entry) -> object:
        """Return the condition that the fewest earlier rules have; None for no conditions."""
        return min(
            sorted(entry.asked),
            key=lambda asked: len(self._asking.get((key, asked), ())),
            default=None,
        )


def _first_double(
    entry: _Entry, targets: Sequence[_Target], earlier: _Earlier
) -> tuple[CompiledRule, str, str] | None:
    for event, target in targets:
        for other in earlier.comparable((event, target), entry):
            if (entry.asked <= other.asked or other.asked <= entry.asked) and _share_jobs(
                entry.rule, other.rule, event
            ):
                return other.rule, event, target
    return None


def _share_jobs(one: CompiledRule, other: CompiledRule, event: str) -> bool:
    if one.terms.waits != other.terms.waits:
        return False
    if one.job_type != other.job_type and "job" not in (one.job_type, other.job_type):
        return False
    if one.groups and other.groups and one.groups.isdisjoint(other.groups):
        return False
    if event == "failed" and one.reasons and other.reasons:
        return not one.reasons.isdisjoint(other.reasons)
    return event != "pre_job" or one.terms.pre_job == other.terms.pre_job


def _shown(target: str) -> str:
    return mask_number(target) if target.startswith("+") else target
