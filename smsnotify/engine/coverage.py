"""What tests have touched: ways of plans, rules, what rules ask, and the gates that they set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from smsnotify.engine.playing import Played
from smsnotify.gates.asked import EVERYDAY, asked_gates
from smsnotify.plans.book import Book
from smsnotify.plans.engine import paths_of
from smsnotify.rules.noting import conditions_of

ANY_RULE: Final = "any rule"


class Covered(msgspec.Struct, frozen=True):
    """How much of one kind of thing the tests touched, and what not.

    `of` is `plan` (with its name: the ways `step → path`), `rules`, `conditions` or `gates`.
    """

    of: str
    taken: int
    ways: int
    missed: tuple[str, ...]
    plan: str = ""


def coverage(book: Book, played: Sequence[Played]) -> list[Covered]:
    """Say for every plan that is on which ways the tests took."""
    taken = frozenset().union(*(one.ways for one in played))
    found = []
    for plan in book.plans.enabled:
        ways = [(step.name, path) for step in plan.steps.values() for path in paths_of(step)]
        missed = [f"{step} → {path}" for step, path in ways if (plan.name, step, path) not in taken]
        found.append(_covered("plan", len(ways), missed, plan.name))
    return found


def rule_coverage(book: Book, played: Sequence[Played]) -> list[Covered]:
    """Say what the tests showed of the rules that are on.

    A rule counts when it decided anything, or began a plan; a condition, when an event met it and
    another did not; a gate, when it stopped or held a text of a rule that sets it. Gates that any
    text can meet count once for all rules.
    """
    conditions = [
        (rule.terms.name, asked) for rule in book.rules.rules for asked in conditions_of(rule)
    ]
    gates = [
        *((ANY_RULE, gate) for gate in EVERYDAY),
        *(
            (rule.terms.name, gate)
            for rule in book.rules.rules
            for gate in asked_gates(rule.terms, to_staff=not rule.recipient_fields)
        ),
    ]
    return [
        _covered("rules", len(book.rules.rules), list(_silent(book, played))),
        _covered("conditions", len(conditions), list(_one_sided(conditions, played))),
        _covered("gates", len(gates), list(_idle(gates, played))),
    ]


def _covered(of: str, count: int, missed: list[str], plan: str = "") -> Covered:
    return Covered(of, count - len(missed), count, tuple(missed), plan)


def _silent(book: Book, played: Sequence[Played]) -> Iterator[str]:
    spoken = frozenset().union(*(one.rules for one in played))
    begun = {way[0] for one in played for way in one.ways}
    for rule in book.rules.rules:
        if rule.terms.name not in spoken and rule.terms.start_plan not in begun:
            yield rule.terms.name


def _one_sided(conditions: Sequence[tuple[str, str]], played: Sequence[Played]) -> Iterator[str]:
    noted = frozenset().union(*(one.noted for one in played))
    for rule, asked in conditions:
        held, failed = (rule, asked, True) in noted, (rule, asked, False) in noted
        if not (held and failed):
            never = "looked at" if not (held or failed) else "unmet" if held else "met"
            yield f"{rule}: {asked} (never {never})"


def _idle(gates: Sequence[tuple[str, str]], played: Sequence[Played]) -> Iterator[str]:
    at_work = frozenset().union(*(one.gates for one in played))
    at_work |= {(ANY_RULE, gate) for _, gate in at_work}
    return (f"{rule}: {gate}" for rule, gate in gates if (rule, gate) not in at_work)
