"""One broken file per mistake: exactly these problems, at exactly these places."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsnotify.rules.load import check_rules

BROKEN = Path(__file__).parent / "broken"
EXPECTED = (BROKEN / "expected.txt").read_text(encoding="utf-8").splitlines()
FILES = sorted(path.name for path in BROKEN.glob("*.yaml"))


def expected_for(name: str) -> list[str]:
    return [line for line in EXPECTED if line.startswith(f"{name}:")]


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_gets_its_problems(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)

    rules, problems = check_rules([Path(name)])

    assert rules is None
    assert [str(problem) for problem in problems] == expected_for(name)


def test_every_line_of_the_table_belongs_to_a_file() -> None:
    assert {line.split(":", 1)[0] for line in EXPECTED} == set(FILES)


def test_all_broken_files_together_report_at_least_what_they_report_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(BROKEN)

    _, problems = check_rules([Path(name) for name in FILES])

    told = {str(problem) for problem in problems}
    alone = {line for line in EXPECTED if "is taken" not in line and "unknown field" not in line}
    assert alone <= told
