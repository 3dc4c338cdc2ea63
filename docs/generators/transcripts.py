"""Runs the commands that a page shows, and compares what they print with what the page shows.

A page's blocks, in order:

- ```` ```sh ```` holds commands: `mkdir NAME`, `cd NAME`, or a call of `sms-notify`, one a line;
- ```` ```text ```` right after it holds what they print;
- any other block below a line "Save this as `NAME`" is saved under that name.

The commands run inside this process, in a temporary folder, as on a terminal 80 columns wide.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final, NamedTuple
from unittest.mock import patch

from rich.console import Console

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PROGRAMS: Final = ("sms-notify", ".venv/bin/sms-notify")
SHOWN_FOLDER: Final = "/home/you"

_BLOCK: Final = re.compile(
    r"^(?P<indent> *)```(\S*)[^\n]*\n(.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_SAVED: Final = re.compile(r"[Ss]ave this as `([^`]+)`[^\n]*\n\s*\Z")
_CHANGING: Final = (
    (re.compile(r"\b(sb_)?0[0-9a-hjkmnp-tv-z]{25}\b"), r"\1ID"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "MOMENT"),
    (re.compile(r"\b\d\d:\d\d:\d\d( UTC)?"), "MOMENT"),
    (re.compile(r"\b(now|\d+[smhd] ago)\b"), "AGO"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"[─━]+"), "─"),
    (re.compile(r" $", re.MULTILINE), ""),
)


class Block(NamedTuple):
    """A fenced block: its language, its text, where the text stands, and its file name or `''`."""

    language: str
    text: str
    start: int
    end: int
    saved_as: str


class Step(NamedTuple):
    """Commands, what the page says that they print (None: nothing is shown), and what they did."""

    commands: Block
    shown: Block | None
    printed: str
    codes: tuple[int, ...]


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    found = []
    for match in _BLOCK.finditer(page):
        saved = _SAVED.search(page[: match.start()])
        text = re.sub(rf"^{match['indent']}", "", match[3], flags=re.MULTILINE)
        found.append(Block(match[2], text, match.start(3), match.end(3), saved[1] if saved else ""))
    return found


def run_page(page: str, *, copies: tuple[str, ...] = ()) -> list[Step]:
    """Run every `sh` block of a page in a temporary folder; `copies` are put there first."""
    steps = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(os.path.realpath(name))
        for copied in copies:
            (home / copied).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / copied, home / copied)
        with _desk(home):
            found = blocks(page)
            for place, block in enumerate(found):
                if block.saved_as:
                    Path(block.saved_as).write_text(block.text, encoding="utf-8")
                if block.language != "sh":
                    continue
                printed, codes = _run(block.text)
                following = found[place + 1] if place + 1 < len(found) else None
                shown = following if following and following.language == "text" else None
                steps.append(Step(block, shown, _placed(printed, home), codes))
    return steps


def normal(text: str) -> str:
    """Return a text without what differs from run to run: ids, times, widths of columns."""
    for pattern, stand_in in _CHANGING:
        text = pattern.sub(stand_in, text)
    return text.strip()


def rewritten(page: str, *, copies: tuple[str, ...] = ()) -> str:
    """Return a page that shows what its commands print; what is right already stays."""
    for step in reversed(run_page(page, copies=copies)):
        if step.shown is not None and normal(step.shown.text) != normal(step.printed):
            page = page[: step.shown.start] + step.printed + page[step.shown.end :]
    return page


def _run(commands: str) -> tuple[str, tuple[int, ...]]:
    """Run commands one after the other; return what they print and their exit codes."""
    from smsnotify.cli.main import run

    printed, codes = io.StringIO(), []
    for line in _lines(commands):
        word, *args = shlex.split(line)
        if word == "mkdir":
            Path(args[0]).mkdir()
        elif word == "cd":
            os.chdir(args[0])
        elif word in PROGRAMS:
            with redirect_stdout(printed), redirect_stderr(printed):
                codes.append(run(args))
        else:
            raise ValueError(f"a page may not run {word!r}")
    return printed.getvalue(), tuple(codes)


def _lines(commands: str) -> Iterator[str]:
    """Yield the commands; a line that ends in a backslash goes on in the next."""
    for line in commands.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


def _placed(printed: str, home: Path) -> str:
    """Write paths as if the folder were a user's own, and end with one line end."""
    told = printed.replace(str(home), SHOWN_FOLDER).replace("\\", "/")
    return "\n".join(line.rstrip() for line in told.strip("\n").splitlines()) + "\n"


@contextmanager
def _desk(home: Path) -> Iterator[None]:
    """Stand in an empty folder before a terminal, with no settings of the real user."""
    before = Path.cwd()
    env = {name: value for name, value in os.environ.items() if not name.startswith("SMS_NOTIFY_")}
    with ExitStack() as stack:
        stack.callback(os.chdir, before)
        stack.enter_context(patch.dict(os.environ, env, clear=True))
        stack.enter_context(patch.object(sys, "stdin", _Terminal()))
        stack.enter_context(patch("smsnotify.cli.show.out", _screen))
        stack.enter_context(patch("smsnotify.cli.show.err", _aside))
        stack.enter_context(patch("smsnotify.wiring.find.user_folder", lambda: home / "nowhere"))
        os.chdir(home)
        yield


class _Terminal(io.TextIOWrapper):
    """A standard input at which somebody sits and types nothing."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())

    def isatty(self) -> bool:
        return True


def _screen() -> Console:
    return Console(
        force_terminal=True, color_system=None, width=80, highlight=False, legacy_windows=False
    )


def _aside() -> Console:
    return Console(stderr=True, force_terminal=False, width=80, highlight=False)
