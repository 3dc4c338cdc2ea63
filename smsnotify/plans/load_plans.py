"""The plans of rule files: read, compiled, and checked as wholes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from smsnotify.plans.book import PlanSet
from smsnotify.plans.build import PlacedPlan, build_plan
from smsnotify.plans.check import check_plans, check_start
from smsnotify.plans.consent_words import USUAL_WORDS, ConsentWords, Lists
from smsnotify.plans.read import PlanDraft, read_plans
from smsnotify.rules.files import RuleFile
from smsnotify.rules.vocabulary import Vocabulary

_NO_STARTS: Final = {
    "reply": "a plan begins with a text by enter: {keywords: […]} or {any_text: true}",
}
"""Events that come about in the middle of a conversation, with what to do instead."""


def build_plans(
    files: Sequence[RuleFile], words: Vocabulary, own_words: Lists | None = None
) -> PlanSet:
    """Return the plans that could be compiled; what is wrong goes to the files' reports.

    `own_words` are words of STOP, START and HELP besides the built-in ones.
    """
    drafts = [draft for file in files for draft in read_plans(file)]
    _check_names(drafts)
    placed = [plan for draft in drafts if (plan := build_plan(draft, words)) is not None]
    names = frozenset(draft.keys.name for draft in drafts if draft.keys.name)
    check_plans(placed, names, ConsentWords(own_words) if own_words else USUAL_WORDS)
    _check_starts(files, placed, names)
    return PlanSet([one.plan for one in placed])


def _check_names(drafts: Iterable[PlanDraft]) -> None:
    first: dict[str, str] = {}
    for draft in drafts:
        name, report = draft.keys.name, draft.report
        if name is None:
            continue
        at = (*draft.path, "name")
        line, column = report.place(at)
        here = f"{report.file}:{line}:{column}"
        known = first.setdefault(name, here)
        if known != here:
            report.error(
                at,
                "duplicate_plan",
                f"the plan name {name!r} is taken: {known} has it already",
                "give one of them a name of its own",
            )


def _check_starts(
    files: Iterable[RuleFile], placed: Iterable[PlacedPlan], names: frozenset[str]
) -> None:
    """Check that every rule with `start_plan` names a plan, and one that is on."""
    enabled = {one.plan.name for one in placed if one.plan.enabled}
    broken = names - {one.plan.name for one in placed}
    for file in files:
        for index, keys in file.rules:
            at = ("rules", index, "start_plan")
            if keys.start_plan is None:
                continue
            for place, event in enumerate(keys.events):
                if event in _NO_STARTS:
                    file.report.error(
                        ("rules", index, "events", place),
                        "start_plan",
                        f"a rule cannot start a plan by the event {event!r}",
                        _NO_STARTS[event],
                    )
            if keys.start_plan in broken:
                continue
            check_start(keys.start_plan, enabled, names, file.report, at, is_on=keys.enabled)
