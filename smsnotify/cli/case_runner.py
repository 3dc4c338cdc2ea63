"""`rules test` and `plans test`: play `*.test.yaml`, print what differs, end with 1."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk

if TYPE_CHECKING:
    from smsnotify.engine.comparing import Difference
    from smsnotify.engine.coverage import Covered
    from smsnotify.engine.playing import Failure, Played
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
    update: bool = False,
) -> None:
    """Play the tests of these files, or of those beside the rule files.

    `of` says whose coverage is told at the end: `plans` or `rules`. `junit` is a file that gets
    the results as XML too. `update` writes into the test files what they would have to expect,
    and never passes.

    Raises:
        UsageError: there are no tests, or `junit` and `update` are asked for together.
        RuleFileError: the rule files are wrong.
        StoppedError: the file for the results, or a test file, cannot be written.
        typer.Exit: 1 when a test failed and after an update, 2 when a test file is wrong.
    """
    from smsnotify.engine.coverage import coverage, rule_coverage
    from smsnotify.engine.playing import play
    from smsnotify.plans.case_names import CaseNames
    from smsnotify.plans.cases import read_cases, test_files
    from smsnotify.wiring import build
    from smsnotify.wiring.conversations import conversation_terms

    if update and junit is not None:
        raise UsageError("--update has no results to write", hint="take --junit in a second run")
    found = test_files(tuple(desk.rule_paths)) if not files else _asked(files)
    if not found:
        raise UsageError(
            "there are no tests",
            hint="they stand beside rules.yaml, in rules.test.yaml or rules.NAME.test.yaml",
        )
    names = CaseNames(desk.book)
    read = [read_cases(path, names) for path in found]
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
    if update:
        from smsnotify.cli.case_update import update_cases

        update_cases(desk, [play(case, book, policy, terms, to_end=True) for case in cases])
        raise typer.Exit(FAILED)
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
    if not only:
        look = coverage if of == "plans" else rule_coverage
        _tell_coverage(desk, look(book, played))
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
                    "of": one.of,
                    "plan": one.plan,
                    "taken": one.taken,
                    "ways": one.ways,
                    "missed": one.missed,
                }
            )
            continue
        about, done = _SAID[one.of]
        never = f"; never: {', '.join(one.missed)}" if one.missed else ""
        show.say(f"{about.format(one.plan)}: {one.taken} of {one.ways} {done}{never}")


_SAID: Final = {
    "plan": ("plan {}", "ways taken"),
    "rules": ("rules", "tested"),
    "conditions": ("conditions", "met and unmet"),
    "gates": ("gates", "at work"),
}
"""How the coverage of each kind of thing is told."""
