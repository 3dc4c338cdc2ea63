"""Keys whose value may differ by event: `max_age: {heading_to: 30m, default: 24h}`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

from pydantic_core import PydanticCustomError

from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.scalars import did_you_mean
from smsnotify.rules.vocabulary import Vocabulary

DEFAULT: Final = "default"
"""Stands for every event that is not named."""

T = TypeVar("T")


def read_by_event(
    written: dict[str, Any],
    read: Callable[[object], T],
    words: Vocabulary,
    report: Reporter,
    path: Path,
    events: Collection[str] | None = None,
) -> dict[str, T]:
    """Return the values by event name, and under `default`; what is wrong goes to `report`.

    `events` are those that the rule listens to; None in `defaults`, where all are possible.
    """
    found: dict[str, T] = {}
    key = path[-1]
    for name, value in written.items():
        place = (*path, name)
        if name != DEFAULT and name not in words.events:
            report.error(
                place,
                "unknown_event",
                f"unknown event {name!r}",
                did_you_mean(name, {*words.events, DEFAULT}),
                key=True,
            )
            continue
        if events is not None and name != DEFAULT and name not in events:
            report.warn(
                place,
                "no_effect",
                f"{key} for {name!r} changes nothing: the rule does not listen to it",
                "take it out, or add the event to events",
                key=True,
            )
        try:
            found[name] = read(value)
        except PydanticCustomError as error:
            told = error.context or {}
            report.error(place, str(told["code"]), f"{name}: {told['message']}", str(told["hint"]))
    return found
