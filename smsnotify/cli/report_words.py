"""The figures of a report as people read them, in the terminal, on the page and in a mail."""

from __future__ import annotations

from typing import Any, Final

from smsnotify.model.report import Funnel

FUNNEL_HEAD: Final = ("plan", "step", "people", "now", "goals' worth")
_MOST_BARS: Final = 31
_SPARKS: Final = "▁▂▃▄▅▆▇█"


def spark(values: tuple[int, ...]) -> str:
    """Draw numbers as a line of bars, the highest being full; many days share a bar."""
    together = -(-len(values) // _MOST_BARS) or 1
    values = tuple(
        sum(values[start : start + together]) for start in range(0, len(values), together)
    )
    top = max(values, default=0)
    if not top:
        return _SPARKS[0] * len(values)
    return "".join(_SPARKS[value * (len(_SPARKS) - 1) // top] for value in values)


def percent(share: float | None) -> str:
    """Write a share for people, `''` for none."""
    return "" if share is None else f"{share:.1%}"


def seconds(value: int | None) -> str:
    """Write a time to deliver for people: `4s`, `3m`, `2h`."""
    if value is None:
        return ""
    return (
        f"{value}s" if value < 120 else f"{value // 60}m" if value < 7200 else f"{value // 3600}h"
    )


def money(value: Any, currency: str) -> str:
    """Write money for people, `''` for what nobody priced."""
    return "" if value is None else f"{value:.2f} {currency}"


def funnel_rows(funnel: Funnel) -> list[tuple[str, str, int, str, str]]:
    """Return a plan as rows: who came in, how far they got, and how it ended."""
    answered = f"{funnel.answered} answered" if funnel.answered else ""
    rows = [(funnel.plan, "entered", funnel.entered, answered, "")]
    for step in funnel.steps():
        waiting = funnel.waiting.get(step, 0)
        rows.append(("", step, funnel.reached[step], f"{waiting} there now" if waiting else "", ""))
    for outcome, count in sorted(funnel.outcomes.items()):
        worth = f"{funnel.goal_value:g}" if outcome == "finished" else ""
        rows.append(("", outcome, count, "", worth))
    return rows


def cost_line(made: Any) -> str:
    """Write what it cost, what a completed job cost, and what nobody priced."""
    told = f"{money(made.cost, made.currency)}{cost_per_job(made)}"
    if made.unpriced:
        told += f" ({made.unpriced} texts have no price in the settings)"
    return told


def cost_per_job(made: Any) -> str:
    """Write what a completed job cost, with a comma before it; `''` when nobody knows."""
    each = made.cost_per_completed_job
    return "" if each is None else f", {each:.3f} a completed job"


def counts(counted: dict[str, int]) -> str:
    """Write counts for people: `3 keyword, 1 link`, or `none`."""
    return ", ".join(f"{count} {name}" for name, count in counted.items()) or "none"
