"""`plans test`: what a failing dialogue looks like, exit codes, wrong test files, coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

Cli = Any

RULES = """\
plans:
  - name: quote
    enter: {keywords: [HELLO]}
    steps:
      - ask:
          send: "Hi {{ contact.first_name | default('there') }}! Reply QUOTE for 10 % off."
          wait: {for: 3d, replies: {QUOTE: done}}
      - done: {set: {tier: gold}, send: "Thank you!", end: finished}
"""


@pytest.fixture
def tests(folder: Path) -> Path:
    """A plan, and a place for its tests."""
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return folder / "rules.test.yaml"


def write(path: Path, steps: str) -> None:
    lines = "\n".join(f"      - {line}" for line in steps.strip().splitlines())
    path.write_text(f"tests:\n  - name: the way\n    steps:\n{lines}\n", encoding="utf-8")


def test_dialogues_that_hold_end_with_0_and_tell_the_ways(cli: Cli, tests: Path) -> None:
    steps = "{says: HELLO, expect: {contains: Hi there}}\n{says: quote, expect: Thank you!}"
    write(tests, steps)
    done = cli("plans", "test")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        str(tests),
        "  ok    the way",
        "1 test: 1 passed",
        "plan quote: 2 of 4 ways taken; never: ask → no_reply, ask → not_delivered",
    ]


def test_a_text_that_differs_is_shown_with_marks_and_ends_with_1(cli: Cli, tests: Path) -> None:
    write(tests, '{says: HELLO, expect: "Hi Ann! Reply QUOTE for 10 % off."}')
    done = cli("plans", "test")
    assert done.code == 1
    assert (
        done.out.splitlines()[1:-2]
        == [
            "  FAIL  the way",
            f"        {tests}:4: customer says 'HELLO'",
            "          the text:",
            "            - Hi Ann! Reply QUOTE for 10 % off.",
            "            ?    ^^",
            "            + Hi there! Reply QUOTE for 10 % off.",
            "            ?    ^^ ++",
        ]
        or "- Hi Ann! Reply QUOTE" in done.out
    )
    assert "1 test: 0 passed, 1 failed" in done.out


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{says: HELLO}", "a text that nobody expected: send quote: Hi there!"),
        ("{says: what, expect: Hello}", "a text that did not come: send Hello"),
        (
            "{says: HELLO, expect: {contains: Hi}, outcome: finished}",
            "expected finished, got waiting",
        ),
        ("{says: HELLO, expect: {contains: Hi}, step: done}", "step: expected done, got ask"),
        ("{says: what, read_as: branch}", "read_as: expected branch, got unmatched"),
        ("{says: HELLO, expect: {verdict: hold, contains: Hi}}", "expected hold, got send"),
        ("{says: HELLO, expect: {matches: '^Bye'}}", "a pattern in the text:"),
        ("{says: HELLO, expect: {contains: Hi}, contact: {tier: gold}}", "contact.tier: gold"),
        ("{says: HELLO, expect: {contains: Hi}, actions: [{do: x}]}", "actions: {'do': 'x'}"),
        ("{fail: true}", "no text is on its way"),
        ("{event: complete}", "unknown event 'complete'"),
        ("{events: [{event: 7, job: {}}]}", "event 1 cannot be read"),
    ],
)
def test_every_difference_is_told(cli: Cli, tests: Path, step: str, told: str) -> None:
    write(tests, step)
    done = cli("plans", "test")
    assert done.code == 1
    assert told in done.out


def test_a_wrong_test_file_is_told_with_its_place_and_ends_with_2(cli: Cli, tests: Path) -> None:
    write(tests, "{say: HELLO}\n{says: HELLO, wait: 3d}\n{wait: soon}\n{expect: Hi}")
    done = cli("plans", "test")
    assert done.code == 2
    told = done.out.splitlines()
    assert f"error: {tests}:4:10: unknown key 'say' (did you mean says?)" in told
    assert any("a step is one thing that happens" in line and ":5:" in line for line in told)
    assert any("nothing happens in this step" in line and ":7:" in line for line in told)
    write(tests, '{says: HELLO, expect: {matches: "(a+)+"}}\n{wait: 9999d}\n{says: x, sender: me}')
    told = cli("plans", "test").out.splitlines()
    assert ["repeats what repeats" in told[0], "ten years" in told[1]] == [True, True]
    assert "'me' is no number in full" in told[2]
    write(tests, "{enrol: qoute}\n{says: HELLO, expect: {rule: qote, contains: Hi}}")
    assert cli("plans", "test").out.splitlines() == [
        f"error: {tests}:4:17: there is no plan 'qoute' (did you mean quote?)",
        f"error: {tests}:5:38: there is no rule 'qote' (did you mean quote?)",
    ]
    tests.write_text("rules: []\n", encoding="utf-8")
    assert "the file has no tests (it begins with tests:)" in cli("plans", "test").out
    tests.write_text("tests: [\n", encoding="utf-8")
    assert cli("plans", "test").code == 2


def test_without_tests_there_is_a_word_of_help(cli: Cli, tests: Path) -> None:
    done = cli("plans", "test")
    assert (done.code, "rules.NAME.test.yaml" in done.err) == (2, True)
    write(tests, "{says: HELLO, expect: {contains: Hi}}")
    assert "no test has 'nothing'" in cli("plans", "test", "--only", "nothing").err
    missing = cli("plans", "test", "gone.test.yaml")
    assert (missing.code, "cannot be read" in missing.out) == (2, True)


def test_only_some_tests_and_json(cli: Cli, tests: Path) -> None:
    write(tests, "{says: HELLO, expect: Bye}")
    rows = cli("plans", "test", "--json", "--only", "WAY").json
    (row,) = rows
    assert (row["type"], row["name"], row["passed"]) == ("test", "the way", False)
    assert row["failed_line"] == 4
    assert row["differences"][0]["expected"] == "Bye"
    rows = cli("plans", "test", "--json").json
    assert rows[1]["type"] == "coverage"
    assert rows[1]["ways"] == 4


def test_nothing_is_stored_and_nobody_is_texted(cli: Cli, tests: Path) -> None:
    write(tests, "{says: HELLO, expect: {contains: Hi}}")
    before = sorted(tests.parent.iterdir())
    assert cli("plans", "test").code == 0
    assert sorted(tests.parent.iterdir()) == before


def test_a_plan_can_be_talked_to(cli: Cli, tests: Path) -> None:
    said = "HELLO", "/fail", "HELLO", "what?", "/wait 1d", "/nonsense", "/wait never"
    script = "\n".join([*said, "quote, please", "/quit", "HELLO"])
    done = cli("plans", "simulate", "quote", "--contact", "name=Ann Tan", stdin=script)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "  [it is Mon 2026-03-02 12:00]"
    assert "< Hi Ann! Reply QUOTE for 10 % off." in lines
    assert "  [quote: exited]" in lines
    assert "  (nobody knows this answer: it waits in the inbox)" in lines
    assert "  /wait 'never' is no time" in lines
    assert lines[-3:] == ["< Thank you!", "  [quote: finished]", "> /quit"]


def test_simulate_refuses_what_makes_no_sense(cli: Cli, tests: Path) -> None:
    assert "there is no plan 'qoute'" in cli("plans", "simulate", "qoute").err
    assert cli("plans", "simulate", "quote", "--contact", "tier").code == 2
    assert cli("plans", "simulate", "quote", "--at", "someday").code == 2


def test_a_script_may_be_a_file(cli: Cli, tests: Path) -> None:
    script = tests.parent / "dialogue.txt"
    script.write_text("HELLO\nQUOTE\n", encoding="utf-8")
    done = cli("plans", "simulate", "quote", "--script", str(script))
    assert done.out.endswith("> QUOTE\n< Thank you!\n  [quote: finished]\n")
    assert cli("plans", "simulate", "quote", "--script", "gone.txt").code == 2


def test_results_are_written_for_a_ci_too(cli: Cli, tests: Path, folder: Path) -> None:
    write(tests, '{says: HELLO, expect: "Hi <Ann>!"}')
    assert cli("plans", "test", "--junit", "results.xml").code == 1
    root = Xml.parse(folder / "results.xml").getroot()  # our own file
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    (case,) = suite
    assert (case.get("name"), case.get("file")) == ("the way", str(tests))
    assert "Hi <Ann>!" in str(case[0].text)
    assert cli("rules", "test", "--junit", "no/such/folder/results.xml").code == 3
