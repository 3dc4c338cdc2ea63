"""`rules test` and `plans test`: play `*.test.yaml`, print what differs, end with 1."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk

if TYPE_CHECKING:
    from smsnotify.engine.playing import Covered, Difference, Failure, Played
    from smsnotify.plans.cases import Case

FAILED: Final = 1
WRONG: Final = 2


def run_cases(
    desk: Desk,
    files: Sequence[Path],
    *,
    only: str = "",
    of: str = "plans",
    junit: Path | None = None,
) -> None:
    """Play the tests of these files, or of those beside the rule files.

    `of` says whose coverage is told at the end: `plans` or `rules`. `junit` is a file that gets
    the results as XML too.

    Raises:
        UsageError: there are no tests.
        RuleFileError: the rule files are wrong.
        StoppedError: the file for the results cannot be written.
        typer.Exit: 1 when a test failed, 2 when a test file is wrong.
    """
    from smsnotify.engine.playing import coverage, play, rules_spoken
    from smsnotify.plans.cases import read_cases, test_files
    from smsnotify.wiring import build
    from smsnotify.wiring.conversations import conversation_terms

    found = test_files(tuple(desk.rule_paths)) if not files else _asked(files)
    if not found:
        raise UsageError(
            "there are no tests",
            hint="they stand beside rules.yaml, in rules.test.yaml or rules.NAME.test.yaml",
        )
    read = [read_cases(path) for path in found]
    problems = [problem for _, some in read for problem in some]
    if problems:
        show.problems(problems)
        raise typer.Exit(WRONG)
    cases = [case for some, _ in read for case in some if only.lower() in case.name.lower()]
    if not cases:
        raise UsageError(
            f"no test has {only!r} in its name", hint="take --only out to see them all"
        )
    settings = desk.settings
    book, policy, terms = desk.book, build.policy(settings), conversation_terms(settings)
    played: list[Played] = []
    for case in cases:
        played.append(play(case, book, policy, terms))
        _tell(
            desk, played[-1], is_first=len(played) == 1 or cases[len(played) - 2].file != case.file
        )
    if junit is not None:
        from smsnotify.cli.junit import write_junit

        write_junit(junit, played)
    failed = sum(one.failure is not None for one in played)
    _sum_up(desk, len(played), failed)
    if not only and of == "plans":
        _tell_coverage(desk, coverage(book, played))
    elif not only:
        _tell_rules(desk, rules_spoken(book, played))
    if failed:
        raise typer.Exit(FAILED)


def _asked(files: Sequence[Path]) -> list[Path]:
    from smsnotify.plans.cases import test_files

    return [each for path in files for each in (test_files((path,)) if path.is_dir() else [path])]


def _tell(desk: Desk, played: Played, *, is_first: bool) -> None:
    case, failure = played.case, played.failure
    if desk.json:
        show.emit_json(_as_json(case, failure))
        return
    if is_first:
        show.say(case.file, "bold")
    if failure is None:
        show.say(f"  ok    {case.name}", "green")
        return
    show.say(f"  FAIL  {case.name}", "red")
    show.say(f"        {case.file}:{failure.line}: {failure.step}")
    for difference in failure.differences:
        for line in _lines(difference):
            show.say(f"          {line}")


def _lines(difference: Difference) -> Iterator[str]:
    """Say one difference; two texts stand under each other, with marks where they part."""
    about, expected, got = difference.about, difference.expected, difference.got
    if not expected or not got:
        yield f"{about}: {expected or got}"
    elif "\n" in expected + got or len(expected) + len(got) > 30:
        yield f"{about}:"
        for line in difflib.ndiff(expected.splitlines(), got.splitlines()):
            yield f"  {line.rstrip()}"
    else:
        yield f"{about}: expected {expected}, got {got}"


def _as_json(case: Case, failure: Failure | None) -> dict[str, object]:
    """The outside shape: `{"type": "test", "name": …, "passed": …, …}`."""
    row: dict[str, object] = {
        "type": "test",
        "file": case.file,
        "line": case.line,
        "name": case.name,
        "passed": failure is None,
        "failed_line": failure.line if failure else None,
        "failed_step": failure.step if failure else "",
        "differences": [],
    }
    if failure is not None:
        row["differences"] = [
            {"about": one.about, "expected": one.expected, "got": one.got}
            for one in failure.differences
        ]
    return row


def _sum_up(desk: Desk, count: int, failed: int) -> None:
    if desk.json:
        return
    noun = "test" if count == 1 else "tests"
    told = f", {failed} failed" if failed else ""
    show.say(f"{count} {noun}: {count - failed} passed{told}")


def _tell_coverage(desk: Desk, covered: Sequence[Covered]) -> None:
    for one in covered:
        if desk.json:
            show.emit_json(
                {
                    "type": "coverage",
                    "plan": one.plan,
                    "taken": one.taken,
                    "ways": one.ways,
                    "missed": one.missed,
                }
            )
            continue
        missed = f"; never: {', '.join(one.missed)}" if one.missed else ""
        show.say(f"plan {one.plan}: {one.taken} of {one.ways} ways taken{missed}")


def _tell_rules(desk: Desk, spoken: Mapping[str, bool]) -> None:
    """Say which rules that are on decided nothing in any test."""
    silent = [name for name, has_spoken in spoken.items() if not has_spoken]
    if desk.json:
        taken = len(spoken) - len(silent)
        show.emit_json(
            {"type": "coverage", "plan": "", "taken": taken, "ways": len(spoken), "missed": silent}
        )
        return
    never = f"; never: {', '.join(silent)}" if silent else ""
    show.say(f"rules: {len(spoken) - len(silent)} of {len(spoken)} tested{never}")
