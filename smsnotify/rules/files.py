"""Finds rule files and reads their shape; what is in them is checked when all are known."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from smsnotify.model.event import EVENT_NAMES
from smsnotify.model.job import JOB_FIELDS, Job
from smsnotify.model.problem import Problem
from smsnotify.model.reading import OPT_OUT_LINK
from smsnotify.rules.caps import check_caps
from smsnotify.rules.marketing import check_marketing_hours
from smsnotify.rules.problems import Reporter, validate
from smsnotify.rules.quiet import check_quiet_hours
from smsnotify.rules.schema import HeadKeys, RuleKeys
from smsnotify.rules.yaml_nodes import MapNode, plain
from smsnotify.rules.yaml_positions import YamlError, decode_text, read_yaml

_ENDINGS: Final = (".yaml", ".yml")
_TEST_ENDINGS: Final = (".test.yaml", ".test.yml")
RESERVED_FIELDS: Final = frozenset(
    {*dir(Job), OPT_OUT_LINK, "loop", "jobs", "true", "false", "none"}
)
"""Names that mean something else in a job or in a template."""

_SPACES: Final = ("contact__", "replies__")
"""What `contact.NAME` and `replies.STEP` are read from."""

LISTS: Final = ("rules", "plans")
"""Keys of a rule file whose entries are validated one by one, each by the floor that knows them."""


class RuleFile(msgspec.Struct):
    """A file whose shape was read. Its plans are left to whoever knows plans."""

    report: Reporter
    head: HeadKeys
    rules: list[tuple[int, RuleKeys]]


def read_files(paths: Sequence[Path], problems: list[Problem]) -> list[RuleFile]:
    """Read files and folders; what leaves nothing to look at goes to `problems`.

    A folder stands for its `*.yaml` and `*.yml` files, without `*.test.yaml`.
    """
    found = (_read(path, problems) for path in _files(paths, problems))
    return [file for file in found if file is not None]


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


def _read(path: Path, problems: list[Problem]) -> RuleFile | None:
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
        return RuleFile(report, HeadKeys(), [])
    return RuleFile(report, _read_head(report, document.root), _read_rules(report, document.root))


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
    data = {key: plain(node) for key, node in root.values.items() if key not in LISTS}
    head = validate(HeadKeys, data, report, ())
    if head.defaults.caps is not None:
        check_caps(head.defaults.caps, report, ("defaults", "caps"))
    if head.defaults.quiet_hours is not None:
        check_quiet_hours(head.defaults.quiet_hours, report, ("defaults", "quiet_hours"))
    if head.defaults.marketing_hours is not None:
        check_marketing_hours(
            head.defaults.marketing_hours, report, ("defaults", "marketing_hours")
        )
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
    elif name in RESERVED_FIELDS or keyword.issoftkeyword(name) or name.startswith(_SPACES):
        report.error(
            path, "bad_name", f"{name!r} has a meaning of its own and cannot name a field", key=True
        )


def _read_rules(report: Reporter, root: MapNode) -> list[tuple[int, RuleKeys]]:
    if "rules" not in root.values:
        if "plans" not in root.values:
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
