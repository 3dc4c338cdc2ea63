"""Reads rule files whole, rules and plans, and finds everything that is wrong in one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from smsnotify.model.problem import Problem
from smsnotify.plans.book import Book, PlanSet
from smsnotify.plans.build import PlacedPlan, build_plan
from smsnotify.plans.check import check_plans, check_start
from smsnotify.plans.consent_words import USUAL_WORDS, ConsentWords
from smsnotify.plans.read import PlanDraft, read_plans
from smsnotify.rules.files import RuleFile, read_files
from smsnotify.rules.load import build_rules, is_wrong, problems_of, refusal, rule_set


def check_book(
    paths: Sequence[Path], *, country: str = "", consent: ConsentWords = USUAL_WORDS
) -> tuple[Book | None, list[Problem]]:
    """Read rule files and folders; return rules and plans and every problem, in files' order.

    A file holds `rules:`, `plans:` or both. Everything that `rules.load.check_rules` says of
    rules holds here. `consent` are the words of STOP, START and HELP, the settings' own too. The
    book is None when any problem is an error.
    """
    problems: list[Problem] = []
    files = read_files(paths, problems)
    built = build_rules(files, country)
    drafts = [draft for file in files for draft in read_plans(file)]
    _check_names(drafts)
    placed = [plan for draft in drafts if (plan := build_plan(draft, built.words)) is not None]
    names = frozenset(draft.keys.name for draft in drafts if draft.keys.name)
    check_plans(placed, names, consent)
    _check_starts(files, placed, names)
    problems += problems_of(files)
    if is_wrong(problems):
        return None, problems
    plans = PlanSet([one.plan for one in placed])
    return Book(rule_set(files, built, plans.job_fields), plans), problems


def load_book(paths: Sequence[Path], country: str = "") -> Book:
    """Read rule files that must be right.

    Raises:
        RuleFileError: with every problem; its message names the first error.
    """
    book, problems = check_book(paths, country=country)
    if book is not None:
        return book
    raise refusal(problems)


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
            if keys.start_plan is None or keys.start_plan in broken:
                continue
            check_start(keys.start_plan, enabled, names, file.report, at, is_on=keys.enabled)
