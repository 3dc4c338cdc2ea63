"""The pages, for the tests about them; makes their generator importable."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "docs"))

from generators.transcripts import Block, blocks  # noqa: E402


class Page(NamedTuple):
    """A Markdown page of the repository."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """The path from the top of the repository."""
        return self.path.relative_to(ROOT).as_posix()

    def blocks(self, *languages: str) -> Iterator[Block]:
        """Yield the fenced blocks in one of these languages, those within lists too."""
        yield from (block for block in blocks(self.text) if block.language in languages)


def all_pages() -> list[Page]:
    """Return every page that users and contributors read."""
    paths = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    return [Page(path, path.read_text(encoding="utf-8")) for path in paths]
