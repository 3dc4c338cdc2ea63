"""Reads rule files and folders, and finds everything that is wrong with them in one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from smsnotify.base.errors import RuleFileError
from smsnotify.model.job import JOB_FIELDS, Kind
from smsnotify.model.problem import Problem
from smsnotify.rules.ages import check_ages
from smsnotify.rules.build import build_rule
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.rules.files import RESERVED_FIELDS, RuleFile, read_files
from smsnotify.rules.overlap import find_overlaps
from smsnotify.rules.per_country import check_countries
from smsnotify.rules.problems import Reporter
from smsnotify.rules.quiet import check_shared_quiet_hours
from smsnotify.rules.schema import FIELD_KINDS
from smsnotify.rules.vocabulary import Vocabulary, vocabulary
from smsnotify.rules.wordings import check_shared_language


class Built(NamedTuple):
    """What files came to: the rules that are right, each with its place, and the words known."""

    rules: list[tuple[Reporter, int, CompiledRule]]
    words: Vocabulary


def check_rules(
    paths: Sequence[Path], *, country: str = ""
) -> tuple[RuleSet | None, list[Problem]]:
    """Read rule files and folders; return the rules and every problem, in the files' order.

    A folder stands for its `*.yaml` and `*.yml` files, without `*.test.yaml`. `country` (ISO 2)
    reads fixed numbers in national form. The rules are None when any problem is an error.
    Custom fields and events of one file are known in all of them; `defaults` are per file. Plans
    are passed over: `plans.load.check_book` reads both.
    """
    problems: list[Problem] = []
    files = read_files(paths, problems)
    built = build_rules(files, country)
    problems += problems_of(files)
    if is_wrong(problems):
        return None, problems
    return rule_set(files, built), problems


def load_rules(paths: Sequence[Path], *, country: str = "") -> RuleSet:
    """Read rule files that must be right.

    Raises:
        RuleFileError: with every problem; its message names the first error.
    """
    rules, problems = check_rules(paths, country=country)
    if rules is not None:
        return rules
    raise refusal(problems)


def refusal(problems: Sequence[Problem], command: str = "rules validate") -> RuleFileError:
    """Return the error of files that have problems; `command` is what lists them all."""
    errors = [problem for problem in problems if problem.severity == "error"]
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return RuleFileError(
        f"{first.place}: {first.message}{more}",
        problems=tuple(problems),
        hint=first.hint or f"sms-notify {command} lists everything",
    )


def is_wrong(problems: Sequence[Problem]) -> bool:
    """Tell whether any problem is an error."""
    return any(problem.severity == "error" for problem in problems)


def problems_of(files: Sequence[RuleFile]) -> list[Problem]:
    """Return the problems within files, each file's in the order of its lines."""
    return [
        problem
        for file in files
        for problem in sorted(file.report.problems, key=lambda one: (one.line, one.column))
    ]


def build_rules(files: Sequence[RuleFile], country: str) -> Built:
    """Compile the rules of files; what is wrong goes to the files' reports."""
    _check_custom_fields(files)
    words = vocabulary(_custom_fields(files), _custom_events(files), country)
    _check_ids(files)
    built: list[tuple[Reporter, int, CompiledRule]] = []
    for file in files:
        built += _build_file(file, words)
    for report, index, message, hint in find_overlaps(built):
        report.warn(("rules", index), "overlap", message, hint)
    return Built(built, words)


def rule_set(
    files: Sequence[RuleFile], built: Built, plan_fields: frozenset[str] = frozenset()
) -> RuleSet:
    """Put rules together; `plan_fields` are the job fields that plans read besides."""
    return RuleSet(
        [rule for _, _, rule in built.rules],
        custom_fields=_custom_fields(files),
        custom_events=_custom_events(files),
        files=[file.report.file for file in files],
        plan_fields=plan_fields,
        language_fields=[file.head.defaults.language_field or "" for file in files],
    )


def _build_file(file: RuleFile, words: Vocabulary) -> Iterator[tuple[Reporter, int, CompiledRule]]:
    check_ages(file.head.defaults, words, file.report)
    check_shared_quiet_hours(file.head.defaults, words, file.report)
    check_countries(file.head.defaults.countries, file.report, ("defaults", "countries"))
    check_shared_language(file.head.defaults, words, file.report)
    for index, keys in file.rules:
        rule = build_rule(keys, file.head.defaults, words, file.report, ("rules", index))
        if rule is not None:
            yield file.report, index, rule


def _custom_fields(files: Sequence[RuleFile]) -> dict[str, Kind]:
    return {
        name: FIELD_KINDS[kind]
        for file in files
        for name, kind in file.head.custom_fields.items()
        if name.isidentifier() and name not in JOB_FIELDS and name not in RESERVED_FIELDS
    }


def _custom_events(files: Sequence[RuleFile]) -> set[str]:
    return {name for file in files for name in file.head.custom_events}


def _check_custom_fields(files: Sequence[RuleFile]) -> None:
    first: dict[str, tuple[str, str]] = {}
    for file in files:
        for name, kind in file.head.custom_fields.items():
            known, where = first.setdefault(name, (kind, file.report.file))
            if known != kind:
                file.report.error(
                    ("custom_fields", name),
                    "doubled",
                    f"the field {name!r} is a {kind} here and a {known} in {where}",
                )


def _check_ids(files: Sequence[RuleFile]) -> None:
    first: dict[str, str] = {}
    for file in files:
        report = file.report
        for index, keys in file.rules:
            rule_id = keys.id or keys.name
            if rule_id is None:
                continue
            path = ("rules", index, "id" if keys.id else "name")
            line, column = report.place(path)
            known = first.setdefault(rule_id, f"{report.file}:{line}:{column}")
            if known != f"{report.file}:{line}:{column}":
                report.error(
                    path,
                    "duplicate_id",
                    f"the rule id {rule_id!r} is taken: {known} has it already",
                    "give one of them an id of its own",
                )
