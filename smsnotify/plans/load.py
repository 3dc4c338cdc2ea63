"""Reads rule files whole, rules and plans, and finds everything that is wrong in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from smsnotify.model.problem import Problem
from smsnotify.plans.book import Book, PlanSet
from smsnotify.rules.files import RuleFile, read_files
from smsnotify.rules.load import build_rules, is_wrong, problems_of, refusal, rule_set
from smsnotify.rules.yaml_nodes import MapNode

OwnWords = Mapping[str, Mapping[str, Sequence[str]]]
"""What settings add to STOP, START and HELP: language → `stop`, `start`, `help` → words."""


def check_book(
    paths: Sequence[Path], *, country: str = "", own_words: OwnWords | None = None
) -> tuple[Book | None, list[Problem]]:
    """Read rule files and folders; return rules and plans and every problem, in files' order.

    A file holds `rules:`, `plans:` or both. Everything that `rules.load.check_rules` says of
    rules holds here. `own_words` are words of STOP, START and HELP besides the built-in ones. The
    book is None when any problem is an error.
    """
    problems: list[Problem] = []
    files = read_files(paths, problems)
    built = build_rules(files, country)
    plans = PlanSet()
    if any(map(_speaks_of_plans, files)):
        # Most desks have none, and what knows plans takes as long to load as all the rest.
        from smsnotify.plans.load_plans import build_plans

        plans = build_plans(files, built.words, own_words)
    problems += problems_of(files)
    if is_wrong(problems):
        return None, problems
    return Book(rule_set(files, built, plans.job_fields), plans), problems


def _speaks_of_plans(file: RuleFile) -> bool:
    root = file.report.root
    has_plans = isinstance(root, MapNode) and "plans" in root.values
    return has_plans or any(keys.start_plan is not None for _, keys in file.rules)


def load_book(paths: Sequence[Path], country: str = "", own_words: OwnWords | None = None) -> Book:
    """Read rule files that must be right.

    Raises:
        RuleFileError: with every problem; its message names the first error.
    """
    book, problems = check_book(paths, country=country, own_words=own_words)
    if book is not None:
        return book
    raise refusal(problems)
