"""A rule's caps: how often it may text one person."""

from __future__ import annotations

from typing import Any, Final

from smsnotify.model.caps import Cap, Span
from smsnotify.model.rule import APPRISE
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.schema_parts import CapsKeys
from smsnotify.rules.yaml_nodes import MapNode, find

_SPANS: Final[tuple[tuple[str, Span], ...]] = (("per_hour", "hour"), ("per_day", "day"))
_ANSWERS: Final = frozenset({"reply"})
"""Events whose texts answer a person's own: no cap stops them."""


def read_caps(
    keys: RuleKeys, defaults: DefaultsKeys, report: Reporter, path: Path
) -> tuple[Cap, ...]:
    """Return the caps of a rule: its own, or the file's."""
    at = (*path, "caps")
    own = "caps" in keys.model_fields_set
    chosen = keys.caps if own else defaults.caps
    if own and chosen is not None:
        check_caps(chosen, report, at)
        staff_alone = keys.to is not None and keys.to.fixed and not keys.to.fields
        if staff_alone or (keys.events and _ANSWERS.issuperset(keys.events)):
            why = "fixed numbers are never capped" if staff_alone else "answers are never capped"
            report.warn(
                at, "no_effect", f"caps change nothing here: {why}", "take them out", key=True
            )
    if chosen is None or keys.start_plan or APPRISE in keys.channel:
        return ()
    where = f"rule {keys.id or keys.name}:"
    found = []
    for name, span in _SPANS:
        soft, hard = _limits(getattr(chosen, name))
        if soft is not None or hard is not None:
            found.append(Cap(span=span, soft=soft, hard=hard, where=where))
    return tuple(found)


def check_caps(keys: CapsKeys, report: Reporter, path: Path) -> None:
    """Report caps that say nothing, and an hour's that the day's makes useless."""
    written = find(report.root, path)
    if isinstance(written, MapNode) and not written.values:
        report.error(path, "bad_value", "no cap stands here", "caps: {per_hour: 3, per_day: 6}")
    hour, day = _limits(keys.per_hour)[1], _limits(keys.per_day)[1]
    if hour is not None and day is not None and hour >= day:
        report.warn(
            (*path, "per_hour"),
            "no_effect",
            f"per_hour {hour} changes nothing: per_day is {day}",
            "make it less than per_day, or take it out",
            key=True,
        )


def _limits(written: Any) -> tuple[int | None, int | None]:
    return (None, None) if written is None else written
