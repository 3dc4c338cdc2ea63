"""Results of tests as JUnit's XML, which every CI reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from smsnotify.base.errors import StoppedError

if TYPE_CHECKING:
    from smsnotify.engine.playing import Played


def write_junit(path: Path, played: Sequence[Played]) -> None:
    """Write one suite a test file.

    Raises:
        StoppedError: the file cannot be written.
    """
    root = Xml.Element("testsuites")
    by_file: dict[str, list[Played]] = {}
    for one in played:
        by_file.setdefault(one.case.file, []).append(one)
    for file, some in by_file.items():
        failed = sum(one.failure is not None for one in some)
        counts = {"name": file, "tests": str(len(some)), "failures": str(failed), "errors": "0"}
        suite = Xml.SubElement(root, "testsuite", counts)
        for one in some:
            _add(suite, one)
    Xml.indent(root)
    try:
        Xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise StoppedError(f"cannot write {path}: {error.strerror}") from None


def _add(suite: Xml.Element, played: Played) -> None:
    case, failure = played.case, played.failure
    at = {"name": _clean(case.name), "classname": case.file, "file": case.file}
    row = Xml.SubElement(suite, "testcase", at | {"line": str(case.line)})
    if failure is None:
        return
    told = Xml.SubElement(row, "failure", {"message": _clean(failure.step)})
    lines = [f"{case.file}:{failure.line}: {failure.step}"]
    lines += [
        f"{one.about}: expected {one.expected or 'nothing'}, got {one.got or 'nothing'}"
        for one in failure.differences
    ]
    told.text = _clean("\n".join(lines))


def _clean(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(char for char in text if char in "\n\t" or char.isprintable())
