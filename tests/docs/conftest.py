"""The pages as fixtures, and the way to the generator that writes parts of them."""

from __future__ import annotations

import pytest
from doc_pages import ROOT


@pytest.fixture(scope="session")
def reference() -> dict[str, str]:
    """The reference pages by file name."""
    folder = ROOT / "docs" / "reference"
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
