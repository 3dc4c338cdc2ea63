"""A wave costs the same with a million rows queued as with none: PostgreSQL finds rows by id."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import insert, text

from smsnotify.store import claims, outcomes
from smsnotify.store.open import open_store
from smsnotify.store.rowset import find_by_id, packed
from smsnotify.store.store import Store
from smsnotify.store.tables import messages

NOW = 1_700_000_000_000_000


@pytest.fixture(scope="module")
def desk(postgres_url: str) -> Iterator[Store]:
    """Many queued rows in a table that was found empty when its rows were last counted."""
    rows = [
        {
            "id": f"m{number:05d}",
            "subject": f"id:{number}",
            "mode": "live",
            "kind": "completed",
            "rule": "delivered",
            "occasion": "1",
            "channel": "sms",
            "recipient_hash": number.to_bytes(4),
            "recipient": "+6591230000",
            "state": "queued",
            "created_at": NOW,
            "updated_at": NOW,
        }
        for number in range(3000)
    ]
    with open_store(postgres_url) as opened:
        for statement in ("INSERT", "DELETE FROM messages", "VACUUM ANALYZE messages", "INSERT"):
            with opened._engine.connect() as plain:
                connection = plain.execution_options(isolation_level="AUTOCOMMIT")
                if statement == "INSERT":
                    connection.execute(insert(messages), rows)
                else:
                    connection.execute(text(statement))
        yield opened


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        (claims._start_statement(True), claims.Start("m00001", "main")),
        (claims._put_back_statement(True), claims.PutBack("m00001")),
        (outcomes._settle_and_note_statement(), outcomes.Settled(id="m00001", state="accepted")),
        (outcomes._expire_statement(True), {"id": "m00001"}),
    ],
    ids=["start", "put back", "settle", "expire"],
)
def test_rows_are_found_by_their_id(desk: Store, statement: str, row: object) -> None:
    values = {"rows": packed([row]), "owner": "me", "until": NOW, "wall": NOW, "now": NOW}
    with desk.begin() as connection:
        find_by_id(connection)
        told = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars()
        plan = "\n".join(told)
    assert "Index Scan using pk_messages" in plan
    assert "Seq Scan on messages" not in plan
    assert "ix_messages_claim" not in plan


def test_a_claim_walks_its_index_and_no_more_rows_than_it_takes(desk: Store) -> None:
    statement = claims._claim_statement(False, False)
    values = {
        "owner": "me",
        "mode": "live",
        "now": NOW,
        "wall": NOW,
        "until": NOW,
        "priority": 1,
        "room": 100,
    }
    with desk.begin() as connection:
        find_by_id(connection)
        told = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars()
        plan = "\n".join(told)
    assert "Index Scan using ix_messages_claim" in plan
    assert "Index Cond: ((id)::text = ANY" in plan
    assert "Seq Scan on messages" not in plan
    assert "Sort" not in plan
