"""Each test that a how-to page shows passes with the rules of that page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.playing import play
from smsnotify.model.facts import Policy
from smsnotify.plans.case_names import CaseNames
from smsnotify.plans.cases import read_cases
from smsnotify.plans.load import load_book

PAGES = sorted((Path(__file__).parents[2] / "docs" / "how-to").glob("*.md"))
BLOCK = re.compile(r"^```(?:yaml|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
POLICY = Policy(
    country="SG", timezone="Asia/Singapore", countries=frozenset({"SG", "IN", "MY", "US"})
)


def pages() -> list[tuple[str, str, str]]:
    """Return the pages with tests: name, the page's first rules, the tests."""
    found = []
    for page in PAGES:
        blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
        rules = next((one for one in blocks if re.search("^rules:", one, re.MULTILINE)), "")
        found += [(page.stem, rules, one) for one in blocks if one.startswith("tests:")]
    return found


def test_some_pages_show_tests() -> None:
    assert {"caps", "languages", "mute-by-event", "registered-texts"} <= {one[0] for one in pages()}


@pytest.mark.parametrize(("page", "rules", "tests"), pages(), ids=lambda value: value[:20])
def test_the_tests_of_a_page_pass(page: str, rules: str, tests: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(rules, encoding="utf-8")
    file = tmp_path / "rules.test.yaml"
    file.write_text(tests, encoding="utf-8")
    book = load_book([tmp_path / "rules.yaml"], country="SG")
    cases, problems = read_cases(file, CaseNames(book))
    assert problems == []
    for case in cases:
        assert play(case, book, POLICY, ConversationTerms()).failure is None, page
