"""Everything that people see: the only module that knows rich.

On a terminal rich draws; a pipe gets plain lines, and `--json` one object a line. Results go to
stdout, everything else to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import msgspec
from rich.align import Align
from rich.box import ROUNDED, SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.prompt import Confirm, Prompt
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from smsnotify.base.printable import one_line, printable
from smsnotify.model.problem import Problem

BUBBLE_WIDTH: Final = 46
DIALOGUE_WIDTH: Final = 72
COLOURS: Final = {
    "send": "green",
    "ok": "green",
    "hold": "yellow",
    "warning": "yellow",
    "stop": "red",
    "error": "red",
    "failed": "red",
}

_LINE_ENDS: Final = "\x85\u2028\u2029"

_encode = msgspec.json.Encoder().encode


@cache
def out() -> Console:
    """Return the console for results; it writes to whatever stdout is at that moment."""
    return Console(highlight=False)


@cache
def err() -> Console:
    """Return the console for everything beside the results."""
    return Console(stderr=True, highlight=False)


def emit_json(value: object) -> None:
    """Print one JSON object as one line on stdout."""
    sys.stdout.write(json_line(value) + "\n")


def json_line(value: object) -> str:
    """Return a value as one line of JSON, whoever cuts the lines.

    Half a surrogate pair is written as an escape, and so are the characters at which some
    programs end a line.
    """
    try:
        line = _encode(value).decode()
    except UnicodeEncodeError:
        import json

        return json.dumps(value, separators=(",", ":"), default=msgspec.to_builtins)
    for end in _LINE_ENDS:
        if end in line:
            line = line.replace(end, f"\\u{ord(end):04x}")
    return line


def say(text: str = "", style: str = "") -> None:
    """Print a line of result."""
    text = printable(text)
    if out().is_terminal:
        out().print(Text(text, style=style), soft_wrap=True)
    else:
        sys.stdout.write(text + "\n")


def mark(word: str) -> str:
    """Return the colour of a verdict or severity, `''` for any other word."""
    return COLOURS.get(word, "")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    styles: Mapping[str, str] | None = None,
    whole: Collection[str] = (),
) -> None:
    """Print rows under headings; a pipe gets them in full width, in columns of spaces.

    `styles` colours a whole row by the text of its first cell. Cells of the columns `whole` stay
    on one line as long as the others can make room.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if not out().is_terminal:
        _plain_table(columns, cells)
        return
    drawn = Table(
        title=title or None,
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in columns:
        drawn.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in cells:
        drawn.add_row(*map(escape, row), style=(styles or {}).get(row[0], ""))
    out().print(drawn)


def pairs(rows: Iterable[tuple[str, object]], *, title: str = "") -> None:
    """Print names and values, one pair a line."""
    told = [(name, _cell(value)) for name, value in rows]
    if title:
        say(title, "bold")
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        say(f"{name:<{width}}  {value}".rstrip())


def bubble(
    body: str, *, recipient: str, footer: str, style: str = "green", right: bool = False
) -> None:
    """Draw one text the way a phone shows it, with what it costs below.

    `right`: at the right of the terminal, as whoever holds the phone sees their own words.
    """
    body, recipient, footer = printable(body), printable(recipient), printable(footer)
    if not out().is_terminal:
        lines = [recipient, *(f"  | {line}" for line in body.splitlines()), f"  {footer}", ""]
        sys.stdout.write("\n".join(lines) + "\n")
        return
    drawn = Panel(
        Text(body),
        title=Text(recipient),
        title_align="left",
        subtitle=Text(footer, style="dim"),
        subtitle_align="right",
        border_style=style,
        box=ROUNDED,
        width=min(BUBBLE_WIDTH, out().width),
    )
    out().print(Align.right(drawn, width=min(DIALOGUE_WIDTH, out().width)) if right else drawn)


def problems(found: Iterable[Problem]) -> None:
    """Print what is wrong in a file: `file:line:column: message`, then what to do."""
    for problem in found:
        say(f"{problem.severity}: {problem}", mark(problem.severity))


def problem_json(problem: Problem) -> dict[str, object]:
    """The outside shape: `{"type": "problem", "severity": …, "file": …, …}`."""
    return {"type": "problem", **msgspec.structs.asdict(problem)}


def tree(label: str, branches: Iterable[Branch]) -> None:
    """Print a tree, such as rules with their conditions."""
    if not out().is_terminal:
        say(one_line(label))
        for branch in branches:
            _plain_branch(branch, 1)
        return
    drawn = Tree(Text(one_line(label), style="bold"))
    for branch in branches:
        _draw_branch(drawn, branch)
    out().print(drawn)


class Branch(msgspec.Struct, frozen=True):
    """A line of a tree and what hangs below it."""

    text: str
    style: str = ""
    below: tuple[Branch, ...] = ()


def ask(question: str, *, default: str = "", choices: Sequence[str] = ()) -> str:
    """Ask for one line on stderr; an empty answer means the default."""
    return Prompt.ask(
        escape(question),
        console=err(),
        default=default,
        choices=list(choices) or None,
        show_default=bool(default),
    ).strip()


def confirm(question: str, *, default: bool = False) -> bool:
    """Ask yes or no on stderr."""
    return Confirm.ask(escape(question), console=err(), default=default)


def can_ask() -> bool:
    """Say whether somebody is there to answer."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


class Bar:
    """A progress line on stderr: what was counted so far, and events a second."""

    def __init__(self, progress: Progress | None, task: Any) -> None:
        """`progress` None counts nothing and draws nothing."""
        self._progress = progress
        self._task = task

    def update(self, done: int, *, total: int | None = None, **counts: int) -> None:
        """Say how far it is; `counts` are shown behind it (`texts=3, held=1`)."""
        if self._progress is not None:
            told = "  ".join(f"{name} {count:,}" for name, count in counts.items())
            self._progress.update(self._task, completed=done, total=total, counts=told)


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Bar]:
    """Show a progress line while the block runs; nothing when stderr is no terminal."""
    if quiet or not err().is_terminal:
        yield Bar(None, None)
        return
    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),  # the name of a file
        BarColumn(bar_width=20),
        TextColumn("{task.completed:,.0f}"),
        _Speed(),
        TextColumn("{task.fields[counts]}"),
        console=err(),
        transient=True,
    )
    with shown:
        yield Bar(shown, shown.add_task(one_line(label), total=None, counts=""))


class _Speed(ProgressColumn):
    def render(self, task: Task) -> RenderableType:
        return Text(f"{task.speed or 0:,.0f}/s", style="dim")


def _cell(value: object) -> str:
    return "" if value is None else printable(str(value))


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [columns, *(list(map(one_line, row)) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        told = "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        sys.stdout.write(told.rstrip() + "\n")


def _plain_branch(branch: Branch, depth: int) -> None:
    say("  " * depth + one_line(branch.text))
    for below in branch.below:
        _plain_branch(below, depth + 1)


def _draw_branch(parent: Tree, branch: Branch) -> None:
    node = parent.add(Text(one_line(branch.text), style=branch.style))
    for below in branch.below:
        _draw_branch(node, below)
