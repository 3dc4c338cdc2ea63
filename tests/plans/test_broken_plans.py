"""One broken file per mistake in a plan: exactly these problems, at exactly these places."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsnotify.plans.load import check_book

BROKEN = Path(__file__).parent / "broken"
EXPECTED = (BROKEN / "expected.txt").read_text(encoding="utf-8").splitlines()
FILES = sorted(path.name for path in BROKEN.glob("*.yaml"))


@pytest.mark.parametrize("name", FILES)
def test_a_broken_plan_gets_its_problems(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)

    book, problems = check_book([Path(name)])

    assert book is None
    told = [str(problem) for problem in problems]
    assert told == [line for line in EXPECTED if line.startswith(f"{name}:")]


def test_every_line_of_the_table_of_plans_belongs_to_a_file() -> None:
    assert {line.split(":", 1)[0] for line in EXPECTED} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_problem_of_a_plan_has_a_place_and_a_code(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BROKEN)
    _, problems = check_book([Path(name)])
    lines = Path(name).read_text(encoding="utf-8").splitlines()
    for problem in problems:
        assert problem.code
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1])
