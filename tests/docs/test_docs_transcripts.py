"""What README and tutorial show is what their commands print."""

from __future__ import annotations

import pytest
from doc_pages import ROOT
from generate import TRANSCRIPTS
from generators.transcripts import Step, normal, rewritten, run_page

EXIT_CODES = {
    "README.md": [(0, 1), (0,), (0,)],
    "docs/tutorial/first-text.md": [
        (0,),
        (0,),
        (0,),
        (0,),
        (0,),
        (0,),
        (0,),
        (0,),
        (0,),
        (0,),
        (0, 0),
    ],
    "docs/tutorial/conversation.md": [(0,), (0, 0), (0,), (0,), (0,), (0,)],
}


@pytest.mark.parametrize("name", EXIT_CODES)
def test_the_page_shows_what_its_commands_print(name: str) -> None:
    steps = run_page((ROOT / name).read_text(encoding="utf-8"), copies=TRANSCRIPTS[ROOT / name])
    assert [step.codes for step in steps] == EXIT_CODES[name]
    for step in steps:
        assert step.shown is not None, step.commands.text
        assert normal(step.printed) == normal(step.shown.text), step.commands.text


def test_every_page_with_a_transcript_is_compared() -> None:
    assert {ROOT / name for name in EXIT_CODES} == set(TRANSCRIPTS)


def test_the_readme_runs_its_own_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n$ make test " in readme
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").endswith("\nmake test\n")


def test_a_page_that_lies_is_noticed_and_can_be_rewritten() -> None:
    page = '```sh\nsms-notify segments "Hi"\n```\n\n```text\nencoding  UCS-2\n```\n'
    (step,) = run_page(page)
    assert isinstance(step, Step)
    assert step.shown is not None
    assert normal(step.printed) != normal(step.shown.text)
    told = rewritten(page)
    assert "GSM-7" in told
    assert rewritten(told) == told


def test_a_page_may_run_nothing_but_the_program() -> None:
    with pytest.raises(ValueError, match="may not run"):
        run_page("```sh\ncurl https://example.com\n```\n")


def test_a_page_saves_files_and_walks_into_folders() -> None:
    page = (
        "```sh\nmkdir a\ncd a\n```\n\nSave this as `t.txt`:\n\n```text\nHi\n```\n\n"
        "```sh\nsms-notify process t.txt --dry-run --rules none.yaml\n```\n"
    )
    first, second = run_page(page)
    assert first.codes == ()
    assert second.codes == (2,)
