"""Many rows in few statements: all of them, in their order, whatever their number and texts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from smsnotify.store.open import open_store
from smsnotify.store.rowset import packed
from smsnotify.store.statements import _filled, _portions, insert_rows, write_rows
from smsnotify.store.store import Store
from smsnotify.store.unstorable import storable


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One store for all examples."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('statements') / 'desk.db'}"
    else:
        url = str(request.getfixturevalue("postgres_url"))
    with open_store(url) as opened:
        yield opened


@pytest.mark.parametrize("count", [1, 2, 3, 47, 48, 63, 64, 65, 383, 384, 511, 512, 513, 1100])
def test_every_row_is_in_one_portion(count: int) -> None:
    rows = [(n, "x") for n in range(count)]
    assert [row for some in _portions(rows, 2) for row in some] == rows
    filled = list(_filled(rows, 2))
    assert [row for some, _ in filled for row in some if row[0] is not None] == rows
    assert all(len(some) == size for some, size in filled)
    assert sum(size for _, size in filled) <= 1.34 * count
    assert all(len(some) * 700 < 32_767 for some in _portions(rows, 700))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(st.text(st.characters(), max_size=5), max_size=150),
    numbers=st.lists(st.none() | st.integers(-(2**53), 2**53), min_size=1, max_size=5),
)
@example(
    texts=["\0", "\ud800", "\\u0000", '"', "'); DROP TABLE meta; --", "%s %(a)s :b ?"], numbers=[1]
)
def test_what_is_written_is_there(desk: Store, texts: list[str], numbers: list[int | None]) -> None:
    rows = [(f"{n:05}", told, n, numbers[n % len(numbers)]) for n, told in enumerate(texts)]
    kinds = {"id": "text", "kind": "text", "enrolment_id": "int", "done_at": "int"}
    written = (
        "INSERT INTO errands (id, mode, kind, key, due_at, created_at, done_at) "
        "SELECT r.id, 'live', r.kind, r.id, r.enrolment_id, 0, r.done_at "
        "FROM {rows} WHERE true ON CONFLICT DO NOTHING"
    )
    with desk.begin() as connection:
        connection.execute(text("DELETE FROM errands"))
        assert write_rows(connection, written, kinds, rows) == len(rows)
        assert write_rows(connection, written, kinds, rows) == 0
        kept = connection.execute(
            text("SELECT id, kind, due_at, done_at FROM errands ORDER BY id")
        ).all()
    assert [tuple(row) for row in kept] == [
        (one, storable(told), n, number) for one, told, n, number in rows
    ]


@pytest.mark.parametrize("count", [2, 700])
def test_of_rows_that_meet_the_later_one_wins(desk: Store, count: int) -> None:
    columns = ("name", "value")
    rows = [(f"race-{n % 3}", str(n)) for n in range(count)]
    change = "(name) DO UPDATE SET value = excluded.value"
    with desk.begin() as connection:
        insert_rows(connection, "meta", columns, rows, change)
        kept = dict(
            tuple(row)
            for row in connection.execute(
                text("SELECT name, value FROM meta WHERE name LIKE 'race-%'")
            )
        )
        connection.execute(text("DELETE FROM meta WHERE name LIKE 'race-%'"))
    assert kept == dict(rows)


def test_bytes_stay_bytes_and_what_is_there_already_is_not_counted(desk: Store) -> None:
    columns = ("token_hash", "kind", "created_at")
    rows = [(bytes([n, 0, 255]), "opt_out", n) for n in range(70)]
    with desk.begin() as connection:
        connection.execute(text("DELETE FROM links"))
        assert insert_rows(connection, "links", columns, rows[:30], "DO NOTHING") == 30
        assert insert_rows(connection, "links", columns, rows, "DO NOTHING") == 40
        assert insert_rows(connection, "links", columns, []) == 0
        kept = connection.execute(
            text("SELECT token_hash, created_at FROM links ORDER BY created_at")
        ).all()
    assert [(bytes(one), at) for one, at in kept] == [(one, at) for one, _, at in rows]


def test_what_is_packed_keeps_its_backslashes() -> None:
    assert packed(["\\u0000", "\0", "\\\0"]) == '["\\\\u0000","\\ufffd","\\\\\\ufffd"]'
    assert packed([{"a\0": ["\ud800", {"b": "\0"}]}]) == '[{"a\\ufffd":["?",{"b":"\\ufffd"}]}]'
