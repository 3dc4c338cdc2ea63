"""Examples on pages work: rules, settings, events, and every command that is named."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from doc_pages import Page, all_pages
from generators.commands import commands, is_flag

from smsnotify.cli.app import COMMANDS
from smsnotify.cli.globals import global_params
from smsnotify.events.decode import Decoder
from smsnotify.plans.load import check_book
from smsnotify.wiring.settings import check_text

PAGES = {page.name: page for page in all_pages()}
TREE = {called.words: called for called in commands()}
CALL = re.compile(r"(?:^|\$ |\| |[/\\])sms-notify(?:\.exe)? (\S.*)")
INLINE = re.compile(r"(?<!`)`sms-notify ([^`]+)`")


def with_blocks(*languages: str) -> list[str]:
    """Return the names of the pages that have such blocks."""
    return [name for name, page in PAGES.items() if any(page.blocks(*languages))]


def rule_files(page: Page) -> Iterator[str]:
    """Yield the page's rule files; rules that stand alone get a file around them."""
    for block in page.blocks("yaml"):
        content = yaml.safe_load(block.text)
        if isinstance(content, list):
            yield "rules:\n" + block.text
        elif isinstance(content, dict) and ("rules" in content or "plans" in content):
            yield block.text


@pytest.mark.parametrize("name", with_blocks("yaml"))
def test_every_rule_on_a_page_is_right(name: str, tmp_path: Path) -> None:
    for text in rule_files(PAGES[name]):
        file = tmp_path / "rules.yaml"
        file.write_text(text, encoding="utf-8")
        book, problems = check_book([file], country="SG")
        assert [str(problem) for problem in problems] == []
        assert book is not None


def test_the_pages_show_rules() -> None:
    assert len([text for page in PAGES.values() for text in rule_files(page)]) >= 6


@pytest.mark.parametrize("name", with_blocks("toml"))
def test_every_settings_file_on_a_page_is_right(name: str, tmp_path: Path) -> None:
    for block in PAGES[name].blocks("toml"):
        _, problems = check_text(block.text, tmp_path / "sms-notify.toml")
        assert [str(problem) for problem in problems if problem.severity == "error"] == []


def test_every_event_on_a_page_can_be_read() -> None:
    page = PAGES["docs/reference/events.md"]
    lines = re.findall(r"^```json event\n(.*?)\n```$", page.text, re.MULTILINE)
    decoder = Decoder()
    assert len(lines) >= 5
    assert all(decoder.decode(line.encode()) for line in lines)


def named(page: Page) -> Iterator[str]:
    """Yield every call of the program in code, without what the shell makes of it."""
    for block in page.blocks("sh", "console", "cron", "bat"):
        for line in block.text.replace("\\\n", " ").splitlines():
            for found in CALL.finditer(line):
                yield _bare(found[1])
    for found in INLINE.finditer(page.text):
        yield _bare(found[1])


def _bare(call: str) -> str:
    """Cut what comes after the call; a quote that was opened before it is not the call's."""
    bare = re.split(r" [>|<#]| {2}", call)[0].strip()
    return bare.removesuffix('"') if bare.count('"') % 2 else bare


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if any(named(page))])
def test_every_command_on_a_page_is_one(name: str) -> None:
    for line in named(PAGES[name]):
        assert problem_of(line) == "", f"{name}: sms-notify {line}"


def problem_of(line: str) -> str:
    """Return what is wrong with a call of the program, `''` when nothing is."""
    try:
        words = shlex.split(line)
    except ValueError:
        return "a quote is not closed"
    found: tuple[str, ...] = ()
    options = _options(global_params())
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word.startswith("-") and word != "-":
            if word not in options:
                return f"no option {word}"
            if options[word] and not waiting:
                return f"{word} takes a value"
            waiting = waiting[1:] if options[word] else waiting
        elif found in TREE:
            continue
        elif not found and word in COMMANDS:
            found = (word,)
        elif found and (*found, word) in TREE:
            found = (*found, word)
        else:
            return f"no command {' '.join((*found, word))}"
        if found in TREE:
            options = _options([*TREE[found].command.params])
    return ""


def _options(params: Any) -> dict[str, bool]:
    """Return the names of options, and whether each takes a value."""
    extra = {"--help": False, "-h": False, "--install-completion": False}
    return extra | {
        name: not is_flag(param)
        for param in params
        if param.param_type_name == "option"
        for name in (*param.opts, *param.secondary_opts)
    }


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("process --dry-run -v events.jsonl", ""),
        ("--config sms-notify.toml --quiet tick", ""),
        ("contacts import stopped.csv --opted-out", ""),
        ("process --dry-rum events.jsonl", "no option --dry-rum"),
        ("rules valid", "no command rules valid"),
        ("send", "no command send"),
        ("process --as-of", "--as-of takes a value"),
    ],
)
def test_wrong_commands_would_be_noticed(line: str, problem: str) -> None:
    assert problem_of(line) == problem
