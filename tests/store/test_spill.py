"""A dictionary in a file: what was put last is found, and memory stays as it is."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.store import spill
from smsnotify.store.spill import Spill

Pairs = list[tuple[str, int]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 9)), max_size=20)))
def test_it_answers_like_a_dictionary(portions: list[Pairs]) -> None:
    # The smallest table: everything meets everything.
    kept, plain = Spill[str](tuple[str, int]), dict[str, int]()
    for pairs in portions:
        asked = [key for key, _ in pairs]
        expected = {key: (key, plain[key]) for key in asked if key in plain}
        assert kept.get(asked) == expected
        assert set(expected) <= set(kept.maybe(asked))
        kept.put(pairs)
        plain |= pairs
    assert kept.get(list(plain)) == {key: (key, value) for key, value in plain.items()}


def test_keys_of_one_hash_do_not_hide_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "SLOTS", 2)
    kept = Spill[str](tuple[str, int])
    kept.put([(str(n), n) for n in range(50)])
    assert kept.get([str(n) for n in range(60)]) == {str(n): (str(n), n) for n in range(50)}


@pytest.mark.parametrize("has_pread", [True, False])
def test_records_survive_the_way_into_the_file(
    monkeypatch: pytest.MonkeyPatch, has_pread: bool
) -> None:
    if not has_pread:
        monkeypatch.delattr("os.pread")
    monkeypatch.setattr(spill, "_IN_MEMORY", 100)
    kept = Spill[str](tuple[str, str])
    for n in range(300):
        kept.put([(str(n % 100), "x" * n)])
    for n in range(200, 300):
        assert kept.get([str(n % 100)]) == {str(n % 100): (str(n % 100), "x" * n)}
    assert [len(record[1]) for record in kept.records()] == list(range(300))
    kept.close()


def test_a_record_longer_than_a_read_is_read_whole() -> None:
    kept = Spill[str](tuple[str, str])
    kept.put([("a", "x" * 100_000), ("b", "")])
    assert len(kept.get(["a"])["a"][1]) == 100_000


def test_the_table_of_places_grows_when_the_file_does() -> None:
    kept = Spill[str](tuple[str, int], fits_small=20)
    for n in range(40):
        kept.put([(str(n), n)])
    assert kept.get([str(n) for n in range(40)]) == {str(n): (str(n), n) for n in range(40)}


def test_memory_does_not_grow_with_what_is_kept() -> None:
    kept = Spill[str](tuple[str, str])
    kept.put([("first", "")])
    tracemalloc.start()
    for start in range(0, 60_000, 2_000):
        kept.put([(f"key {n}", "a value of some length " * 4) for n in range(start, start + 2_000)])
        if start == 10_000:
            before = tracemalloc.get_traced_memory()[0]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    kept.close()
    assert grown < 2_000_000


def test_a_full_temporary_folder_is_told_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    kept = Spill[str](tuple[str, str])
    with pytest.raises(StoreUnavailableError, match="temporary folder") as told:
        kept.put([("a", "x" * 2_000_000)])
    assert "TMPDIR" in told.value.hint
