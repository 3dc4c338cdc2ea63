"""`demo`: the example, on its own, in a folder that is gone afterwards."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from place import Place


@pytest.fixture
def temporary(bare: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = bare / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_it_shows_the_phones_and_leaves_nothing(bare: Place, temporary: Path) -> None:
    done = bare.run("demo")
    assert done.code == 0
    assert "What the phones show" in done.out
    assert "sms-notify process events.jsonl --as-of" in done.out
    assert "  | " in done.out
    assert "Nothing left this machine" in done.out
    assert "sms-notify sandbox --demo" in done.out
    assert "a real run keeps rejected lines in events.jsonl.rejected.jsonl" in done.err
    assert str(temporary) not in done.out + done.err
    assert list(temporary.iterdir()) == []
    assert [path.name for path in bare.folder.iterdir()] == ["tmp"]


def test_it_minds_no_settings_of_the_folder_that_it_is_called_in(
    bare: Place, temporary: Path
) -> None:
    (bare / "sms-notify.toml").write_text("mode = 7", encoding="utf-8")
    assert bare.run("demo").code == 0


def test_as_json_it_is_a_run_like_any_other(bare: Place, temporary: Path) -> None:
    done = bare.json("demo")
    assert done.code == 0
    assert {row["type"] for row in done.json} == {"decision", "rejected", "summary"}
    assert done.summary["sent"] > 10
    assert list(temporary.iterdir()) == []
