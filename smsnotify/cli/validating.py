"""What `rules validate` and `plans validate` print, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import typer

from smsnotify.cli.desk import Desk, LazyBook
from smsnotify.model.problem import Problem
from smsnotify.rules.compile import RuleSet

WRONG: Final = 2


def tell_problems(desk: Desk, book: LazyBook | None, found: Sequence[Problem]) -> None:
    """Print every problem, then what was read or how many mistakes there are.

    Raises:
        typer.Exit: 2, when something is wrong.
    """
    if desk.json:
        from smsnotify.cli.show import emit_json, problem_json

        for problem in found:
            emit_json(problem_json(problem))
    elif found:
        from smsnotify.cli.show import problems

        problems(found)
    wrong = sum(problem.severity == "error" for problem in found)
    doubts = len(found) - wrong
    told = f"{_counted(book)}: in order" if book else ""
    desk.note(told or f"{wrong} {'mistake' if wrong == 1 else 'mistakes'}")
    if doubts:
        desk.note(f"{doubts} {'warning' if doubts == 1 else 'warnings'}")
    if wrong:
        raise typer.Exit(WRONG)


def advice_of_settings(rules: RuleSet, settings: Any) -> list[Problem]:
    """Return what rules lint says of rules and settings without an event."""
    from smsnotify.engine.coach_rules import about_settings
    from smsnotify.wiring.build import policy
    from smsnotify.wiring.senders import deaf_sender_of

    countries, deaf_sender = policy(settings).countries, deaf_sender_of(settings)
    return [one for rule in rules.rules for one in about_settings(rule, countries, deaf_sender)]


def _counted(book: LazyBook) -> str:
    """Say how many rules and plans there are: `8 rules, 7 of them on; 2 plans, 2 of them on`."""
    rules, plans = book.rules, book.plans
    parts = []
    if rules.all or not plans:
        parts.append(f"{len(rules.all)} rules, {len(rules.rules)} of them on")
    if plans:
        noun = "plan" if len(plans.all) == 1 else "plans"
        parts.append(f"{len(plans.all)} {noun}, {len(plans.enabled)} of them on")
    return "; ".join(parts)
