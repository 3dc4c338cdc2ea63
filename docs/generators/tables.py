"""Markdown tables and the small things that go into their cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; line ends in cells become spaces, and `|` is escaped."""
    lines = [_line(columns), _line(["---"] * len(columns))]
    return "\n".join([*lines, *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    told = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(told) + " |"


def code(text: object) -> str:
    """Return text as code in a cell; nothing stays nothing."""
    return f"`{text}`" if str(text) else ""
