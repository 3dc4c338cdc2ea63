"""Reads `*.test.yaml`: what happens, and what must come of it; every mistake with its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from smsnotify.model.problem import Problem
from smsnotify.plans.case_keys import CaseKeys, CaseStepKeys, is_whole_number
from smsnotify.plans.case_names import CaseNames
from smsnotify.rules.problems import Path as Place
from smsnotify.rules.problems import Reporter, validate
from smsnotify.rules.yaml_nodes import MapNode, plain
from smsnotify.rules.yaml_positions import YamlError, decode_text, read_yaml

_HAPPENS: Final = ("says", "events", "file", "event", "wait", "enrol", "fail")
_LONGEST_WAIT: Final = timedelta(days=3660)
ENDINGS: Final = (".test.yaml", ".test.yml")


class Case(msgspec.Struct, frozen=True):
    """A test as it is written, the one at `place` in its file. `lines`: where its steps stand."""

    file: str
    line: int
    place: int
    keys: CaseKeys
    steps: tuple[CaseStepKeys, ...]
    lines: tuple[int, ...]

    @property
    def name(self) -> str:
        """What the test is called."""
        return self.keys.name or f"the test of line {self.line}"


def test_files(paths: tuple[Path, ...]) -> list[Path]:
    """Return the test files beside rule files: of `rules.yaml`, `rules.test.yaml` and
    `rules.NAME.test.yaml`; of a folder, all in it."""
    found: dict[Path, None] = {}
    for path in paths:
        folder = path if path.is_dir() else path.parent
        stem = "" if path.is_dir() else path.name.rsplit(".", 1)[0] + "."
        names = sorted(folder.iterdir()) if folder.is_dir() else []
        for each in names:
            if each.name.lower().endswith(ENDINGS) and each.name.startswith(stem):
                found.setdefault(each, None)
    return list(found)


def read_cases(path: Path, names: CaseNames | None = None) -> tuple[list[Case], list[Problem]]:
    """Read one test file; the tests that are right, and every mistake in its order.

    With `names`, a rule or plan that there is not is a mistake too.
    """
    file = str(path)
    try:
        text = decode_text(path.read_bytes())
        root = read_yaml(text).root
    except OSError as error:
        told = (error.strerror or "it cannot be opened").lower()
        message = f"the file cannot be read: {told}"
        return [], [Problem(file=file, code="unreadable", message=message)]
    except YamlError as error:
        return [], [
            Problem(
                file=file,
                line=error.line,
                column=error.column,
                code=error.code,
                message=error.message,
                hint=error.hint,
            )
        ]
    if not isinstance(root, MapNode) or "tests" not in root.values:
        message, hint = "the file has no tests", "it begins with tests:"
        return [], [
            Problem(file=file, line=1, column=1, code="no_tests", message=message, hint=hint)
        ]
    report = Reporter(file, text, root)
    for key in root.values:
        if key not in ("tests", "version"):
            report.error((key,), "unknown_key", f"unknown key {key!r}", "tests:", key=True)
    cases = list(_cases(report, plain(root.values["tests"]), names))
    return cases, sorted(report.problems, key=lambda one: (one.line, one.column))


def _cases(report: Reporter, written: object, names: CaseNames | None) -> Iterator[Case]:
    if not isinstance(written, list) or not written:
        report.error(("tests",), "bad_type", "tests must be a list", "begin each with - name:")
        return
    for index, data in enumerate(written):
        path = ("tests", index)
        if not isinstance(data, dict):
            report.error(path, "bad_type", "a test must be a mapping", "- name: …")
            continue
        before = report.errors
        head = {key: value for key, value in data.items() if key != "steps"}
        keys = validate(CaseKeys, head, report, path)
        _check_head(keys, report, path, names)
        steps = tuple(_steps(data.get("steps"), report, (*path, "steps"), names))
        if not steps and report.errors == before:
            report.error(path, "missing_key", "the test has no steps", "steps: [{says: HELLO}]")
        if report.errors == before:
            lines = (report.place((*path, "steps", n))[0] for n in range(len(steps)))
            yield Case(report.file, report.place(path)[0], index, keys, steps, tuple(lines))


def _check_head(keys: CaseKeys, report: Reporter, path: Place, names: CaseNames | None) -> None:
    for number in keys.contacts:
        if not is_whole_number(number):
            hint = 'write "+6591230001"'
            told = f"contacts: {number!r} is no number in full"
            report.error((*path, "contacts", number), "bad_value", told, hint, key=True)
    if names is not None:
        names.check_head(keys, report, path)


def _steps(
    written: object, report: Reporter, path: Place, names: CaseNames | None
) -> Iterator[CaseStepKeys]:
    if not isinstance(written, list):
        if written is not None:
            report.error(path, "bad_type", "steps must be a list", "begin each with - says:")
        return
    for number, data in enumerate(written):
        at = (*path, number)
        if not isinstance(data, dict):
            report.error(at, "bad_type", "a step must be a mapping", "- says: HELLO")
            continue
        before = report.errors
        step = validate(CaseStepKeys, data, report, at)
        if report.errors == before:
            _check_step(step, report, at)
        if names is not None:
            names.check_step(step, report, at, listed=isinstance(data.get("expect"), list))
        yield step


def _check_step(step: CaseStepKeys, report: Reporter, path: Place) -> None:
    happens = [key for key in _HAPPENS if key in step.model_fields_set]
    if len(happens) != 1:
        report.error(
            path,
            "bad_step",
            "a step is one thing that happens" if happens else "nothing happens in this step",
            "says, events, file, event, wait, enrol or fail",
        )
    if step.wait is not None and step.wait > _LONGEST_WAIT:
        report.error((*path, "wait"), "bad_value", "nobody waits longer than ten years", "3d")
