"""The page of states says what the lattice does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("states_page", ROOT / "tools" / "states_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(tool: ModuleType) -> None:
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(), "python tools/states_page.py"


def test_every_state_and_every_word_is_on_it(tool: ModuleType) -> None:
    from smsnotify.model.lattice import WORDS
    from smsnotify.model.message import MessageState

    page = tool.page()
    for state in MessageState:
        assert f"\n| `{state}` | " in page
    assert all(f"| `{word}` " in page for word in WORDS)
