"""Reads rule files and folders, and finds everything that is wrong with them in one run."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from smsnotify.base.errors import RuleFileError
from smsnotify.model.event import EVENT_NAMES
from smsnotify.model.job import JOB_FIELDS, Job, Kind
from smsnotify.model.problem import Problem
from smsnotify.rules.build import build_rule, check_quiet_hours
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.rules.overlap import find_overlaps
from smsnotify.rules.problems import Reporter, validate
from smsnotify.rules.schema import FIELD_KINDS, HeadKeys, RuleKeys
from smsnotify.rules.vocabulary import Vocabulary, vocabulary
from smsnotify.rules.yaml_nodes import MapNode, plain
from smsnotify.rules.yaml_positions import YamlError, decode_text, read_yaml

_ENDINGS: Final = (".yaml", ".yml")
_TEST_ENDINGS: Final = (".test.yaml", ".test.yml")
_RESERVED: Final = frozenset({*dir(Job), "loop", "jobs", "true", "false", "none"})
"""Names that mean something else in a job or in a template."""


class _RuleFile(msgspec.Struct):
    """A file whose shape was read; what its rules mean is checked when all files are known."""

    report: Reporter
    head: HeadKeys
    rules: list[tuple[int, RuleKeys]]


def check_rules(
    paths: Sequence[Path], *, country: str = ""
) -> tuple[RuleSet | None, list[Problem]]:
    """Read rule files and folders; return the rules and every problem, in the files' order.

    A folder stands for its `*.yaml` and `*.yml` files, without `*.test.yaml`. `country` (ISO 2)
    reads fixed numbers in national form. The rules are None when any problem is an error.
    Custom fields and events of one file are known in all of them; `defaults` are per file.
    """
    problems: list[Problem] = []
    files: list[_RuleFile] = []
    for path in _files(paths, problems):
        read = _read(path, problems)
        if read is not None:
            files.append(read)
    rules = _build(files, country)
    for file in files:
        problems += sorted(file.report.problems, key=lambda known: (known.line, known.column))
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    return (
        RuleSet(
            rules,
            custom_fields=_custom_fields(files),
            custom_events=_custom_events(files),
            files=[file.report.file for file in files],
        ),
        problems,
    )


def load_rules(paths: Sequence[Path], *, country: str = "") -> RuleSet:
    """Read rule files that must be right.

    Raises:
        RuleFileError: with every problem; its message names the first error.
    """
    rules, problems = check_rules(paths, country=country)
    if rules is not None:
        return rules
    errors = [problem for problem in problems if problem.severity == "error"]
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise RuleFileError(
        f"{first.place}: {first.message}{more}",
        problems=tuple(problems),
        hint=first.hint or "sms-notify rules validate lists everything",
    )


def _files(paths: Sequence[Path], problems: list[Problem]) -> Iterator[Path]:
    if not paths:
        problems.append(
            Problem(
                code="no_rules",
                message="no rule file is named",
                hint='rules = ["rules.yaml"] in the settings, or --rules FILE',
            )
        )
    seen: set[Path] = set()
    for path in paths:
        found = [path]
        if path.is_dir():
            found = sorted(each for each in path.iterdir() if _is_rule_file(each))
            if not found:
                problems.append(
                    Problem(
                        file=str(path),
                        code="no_rules",
                        message="there is no rule file in this folder",
                        hint="rule files end in .yaml or .yml, and not in .test.yaml",
                    )
                )
        for each in found:
            if each.resolve() not in seen:
                seen.add(each.resolve())
                yield each


def _is_rule_file(path: Path) -> bool:
    name = path.name.lower()
    return (
        name.endswith(_ENDINGS)
        and not name.endswith(_TEST_ENDINGS)
        and not name.startswith(".")
        and path.is_file()
    )


def _read(path: Path, problems: list[Problem]) -> _RuleFile | None:
    """Read one file's shape. A problem that leaves nothing to look at goes to `problems`."""
    file = str(path)
    try:
        text = decode_text(path.read_bytes())
        document = read_yaml(text)
    except OSError as error:
        told = (error.strerror or "it cannot be opened").lower()
        missing = isinstance(error, FileNotFoundError)
        problems.append(
            Problem(
                file=file,
                code="unreadable",
                message=f"the file cannot be read: {told}",
                hint="sms-notify init writes a first set of rules" if missing else "",
            )
        )
        return None
    except YamlError as error:
        problems.append(_at(file, error))
        return None
    if document.root is None:
        problems.append(_empty(file, "the file is empty"))
        return None
    report = Reporter(file, text, document.root)
    report.problems += [_at(file, doubled) for doubled in document.problems]
    if not isinstance(document.root, MapNode):
        report.error((), "bad_type", "a rule file is a mapping", "it begins with rules:")
        return _RuleFile(report, HeadKeys(), [])
    return _RuleFile(report, _read_head(report, document.root), _read_rules(report, document.root))


def _at(file: str, error: YamlError) -> Problem:
    return Problem(
        file=file,
        line=error.line,
        column=error.column,
        code=error.code,
        message=error.message,
        hint=error.hint,
    )


def _empty(file: str, message: str) -> Problem:
    return Problem(
        file=file,
        line=1,
        column=1,
        code="no_rules",
        message=message,
        hint="sms-notify rules add writes a rule",
    )


def _read_head(report: Reporter, root: MapNode) -> HeadKeys:
    data = {key: plain(node) for key, node in root.values.items() if key != "rules"}
    head = validate(HeadKeys, data, report, ())
    if head.defaults.quiet_hours is not None:
        check_quiet_hours(head.defaults.quiet_hours, report, ("defaults", "quiet_hours"))
    for index, name in enumerate(head.custom_events):
        if name in EVENT_NAMES:
            report.error(
                ("custom_events", index),
                "doubled",
                f"the event {name!r} is built in",
                "take it out",
            )
    for name in head.custom_fields:
        _check_field_name(name, report)
    return head


def _check_field_name(name: str, report: Reporter) -> None:
    path = ("custom_fields", name)
    if name in JOB_FIELDS:
        report.error(path, "doubled", f"{name!r} is a field of Detrack's", "take it out", key=True)
    elif not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        report.error(
            path,
            "bad_name",
            f"{name!r} cannot name a field",
            "letters, digits and _, not beginning with a digit",
            key=True,
        )
    elif name in _RESERVED or keyword.issoftkeyword(name):
        report.error(
            path, "bad_name", f"{name!r} has a meaning of its own and cannot name a field", key=True
        )


def _read_rules(report: Reporter, root: MapNode) -> list[tuple[int, RuleKeys]]:
    if "rules" not in root.values:
        report.error((), "no_rules", "the file has no rules", "it needs the key rules")
        return []
    written = plain(root.values["rules"])
    if not written:
        report.error(
            ("rules",), "no_rules", "the file has no rules", "sms-notify rules add writes one"
        )
        return []
    if not isinstance(written, list):
        report.error(("rules",), "bad_type", "rules must be a list", "begin each rule with - name:")
        return []
    rules = []
    for index, data in enumerate(written):
        if isinstance(data, dict):
            rules.append((index, validate(RuleKeys, data, report, ("rules", index))))
        else:
            report.error(
                ("rules", index), "bad_type", "a rule must be a mapping", "- name: delivered"
            )
    return rules


def _build(files: Sequence[_RuleFile], country: str) -> list[CompiledRule]:
    _check_custom_fields(files)
    words = vocabulary(_custom_fields(files), _custom_events(files), country)
    _check_ids(files)
    built: list[tuple[Reporter, int, CompiledRule]] = []
    for file in files:
        built += _build_file(file, words)
    for report, index, message, hint in find_overlaps(built):
        report.warn(("rules", index), "overlap", message, hint)
    return [rule for _, _, rule in built]


def _build_file(file: _RuleFile, words: Vocabulary) -> Iterator[tuple[Reporter, int, CompiledRule]]:
    for index, keys in file.rules:
        rule = build_rule(keys, file.head.defaults, words, file.report, ("rules", index))
        if rule is not None:
            yield file.report, index, rule


def _custom_fields(files: Sequence[_RuleFile]) -> dict[str, Kind]:
    return {
        name: FIELD_KINDS[kind]
        for file in files
        for name, kind in file.head.custom_fields.items()
        if name.isidentifier() and name not in JOB_FIELDS and name not in _RESERVED
    }


def _custom_events(files: Sequence[_RuleFile]) -> set[str]:
    return {name for file in files for name in file.head.custom_events}


def _check_custom_fields(files: Sequence[_RuleFile]) -> None:
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


def _check_ids(files: Sequence[_RuleFile]) -> None:
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
