"""Claims, results and unknowns: the same promises on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import Connection, insert, select, text

from smsnotify.store import claims, outcomes, unknowns
from smsnotify.store.claims import PutBack, Start
from smsnotify.store.open import open_store
from smsnotify.store.outcomes import Settled
from smsnotify.store.pauses import pause, paused, resume
from smsnotify.store.rowset import packed
from smsnotify.store.store import Store
from smsnotify.store.tables import attempts, messages
from smsnotify.store.unknowns import Ruling

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
LEASE = 30 * SECOND


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: object) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/books.db"
    else:
        url = request.getfixturevalue("postgres_url")
    with open_store(url) as opened:
        with opened.begin() as connection:
            connection.execute(messages.delete())
            connection.execute(attempts.delete())
        yield opened


def add(store: Store, *ids: str, **fields: object) -> None:
    rows = [
        {
            "id": one,
            "subject": one,
            "mode": "live",
            "kind": "completed",
            "rule": "r",
            "occasion": "1",
            "channel": "sms",
            "recipient_hash": one.encode(),
            "recipient": "+6591230000",
            "country": "SG",
            "state": "queued",
            "body": "Hi",
            "encoding": "GSM7",
            "created_at": NOW,
            "updated_at": NOW,
            "due_at": NOW,
        }
        | fields
        for one in ids
    ]
    with store.begin() as connection:
        connection.execute(insert(messages), rows)


def take(store: Store, owner: str = "me", *, at: int = NOW, **wanted: object) -> list[str]:
    asked = {"mode": "live", "now": at, "wall": at, "until": at + LEASE, "limit": 10} | wanted
    with store.begin() as connection:
        return [one.id for one in claims.claim(connection, owner=owner, **asked)]  # type: ignore[arg-type]


def row(store: Store, one: str) -> dict[str, object]:
    with store.read() as connection:
        found = connection.execute(select(messages).where(messages.c.id == one)).mappings().one()
        return dict(found)


def in_flight(store: Store, *ids: str, owner: str = "me", at: int = NOW) -> set[str] | None:
    starts = [Start(one, "main", "ACME") for one in ids]
    with store.begin() as connection:
        return claims.start(connection, starts, owner=owner, wall=at, until=at + LEASE)


def settle(store: Store, *rows: Settled, owner: str = "me") -> None:
    with store.begin() as connection:
        outcomes.settle(connection, rows, owner=owner, now=NOW + SECOND, wall=NOW + SECOND)


def test_the_most_urgent_and_then_the_longest_due_are_claimed_first(store: Store) -> None:
    add(store, "bulk", priority=2, due_at=NOW - 9)
    add(store, "late", priority=1, due_at=NOW - 1)
    add(store, "early", priority=1, due_at=NOW - 5)
    add(store, "urgent", priority=0, due_at=NOW)
    assert take(store, limit=3) == ["urgent", "early", "late"]
    assert take(store) == ["bulk"]


def test_what_is_not_due_or_of_another_mode_or_run_or_state_is_not_claimed(store: Store) -> None:
    add(store, "later", due_at=NOW + 1)
    add(store, "test", mode="test")
    add(store, "held", state="held")
    add(store, "other", run="run-2")
    add(store, "mine", run="run-1")
    assert take(store, run="run-1") == ["mine"]
    assert take(store) == ["other"]


def test_kinds_that_nobody_can_take_are_skipped(store: Store) -> None:
    add(store, "sg")
    add(store, "my", country="MY")
    add(store, "alarm", route="alarms")
    assert take(store, skip={"default|SG|sms", "alarms|SG|sms"}) == ["my"]


def test_a_claim_gives_everything_that_sending_needs(store: Store) -> None:
    add(store, "one", expires_at=NOW + SECOND, sender="ACME", account="old", error="provider_down")
    with store.begin() as connection:
        (one,) = claims.claim(
            connection, owner="me", mode="live", now=NOW, wall=NOW, until=NOW + LEASE, limit=9
        )
    assert (one.body, one.recipient, one.kind) == ("Hi", "+6591230000", "default|SG|sms")
    assert (one.account, one.error, one.attempts) == ("old", "provider_down", 0)
    assert (one.expires_at, one.due_at) == (NOW + SECOND, NOW)


def test_a_claimed_message_belongs_to_one_worker_until_its_lease_ends(store: Store) -> None:
    add(store, "one")
    assert take(store, "me") == ["one"]
    assert take(store, "you", at=NOW + LEASE - 1) == []
    assert take(store, "you", at=NOW + LEASE) == ["one"]


def test_a_renewed_lease_holds_longer_and_only_the_owner_renews(store: Store) -> None:
    add(store, "one", "two")
    take(store, "me", limit=1)
    take(store, "you", limit=1)
    with store.begin() as connection:
        claims.renew(connection, ["one", "two"], owner="me", until=NOW + 2 * LEASE)
    assert take(store, "them", at=NOW + LEASE) == ["two"]


def test_a_lease_from_a_clock_that_jumped_back_is_no_lease(store: Store) -> None:
    add(store, "one", lease_owner="dead", lease_until=NOW + 3600 * SECOND)
    assert take(store) == ["one"]


def test_a_message_put_back_is_anybodys_and_may_be_due_later(store: Store) -> None:
    add(store, "one", "two")
    take(store)
    with store.begin() as connection:
        rows = [PutBack("one"), PutBack("two", NOW + 5)]
        claims.put_back(connection, rows, owner="me")
    assert take(store, "you") == ["one"]
    assert take(store, "you", at=NOW + 5) == ["two"]


def test_only_rows_still_queued_under_our_lease_start(store: Store) -> None:
    add(store, "mine", "cancelled", "taken")
    take(store)
    with store.begin() as connection:
        connection.execute(text("UPDATE messages SET state='cancelled' WHERE id='cancelled'"))
        connection.execute(text("UPDATE messages SET lease_owner='you' WHERE id='taken'"))
    assert in_flight(store, "mine", "cancelled", "taken") == {"mine"}
    started = row(store, "mine")
    assert (started["state"], started["account"], started["sender"]) == ("sending", "main", "ACME")
    assert started["attempts"] == 1
    assert row(store, "taken")["attempts"] == 0


def test_a_start_that_is_repeated_after_a_lost_commit_still_counts(store: Store) -> None:
    add(store, "one")
    take(store)
    assert in_flight(store, "one") is None
    assert in_flight(store, "one") == {"one"}
    assert row(store, "one")["attempts"] == 1


def test_a_result_ends_the_lease_and_keeps_the_providers_id(store: Store) -> None:
    add(store, "one")
    take(store)
    in_flight(store, "one")
    settle(store, Settled(id="one", state="accepted", provider_message_id="SM1", due_at=NOW))
    after = row(store, "one")
    assert (after["state"], after["provider_message_id"]) == ("accepted", "SM1")
    assert (after["lease_owner"], after["lease_until"]) == ("", None)


@pytest.mark.parametrize(
    ("state", "owner", "result", "becomes"),
    [
        ("sending", "me", "failed", "failed"),
        ("sending", "you", "accepted", "sending"),
        ("sending", "you", "queued", "sending"),
        ("unknown", "", "accepted", "accepted"),
        ("unknown", "", "queued", "queued"),
        ("unknown", "", "unknown", "unknown"),
        ("queued", "you", "accepted", "accepted"),
        ("queued", "you", "failed", "queued"),
        ("delivered", "", "accepted", "delivered"),
        ("cancelled", "", "accepted", "cancelled"),
    ],
)
def test_a_late_result_counts_only_while_the_message_is_in_doubt(
    store: Store, state: str, owner: str, result: str, becomes: str
) -> None:
    add(store, "one", state=state, lease_owner=owner, lease_until=NOW + LEASE, looks=1)
    settle(store, Settled(id="one", state=result, provider_message_id="SM1", due_at=NOW))
    assert row(store, "one")["state"] == becomes


def test_the_id_of_a_message_whose_receipt_came_first_is_linked(store: Store) -> None:
    add(store, "one", state="delivered")
    settle(store, Settled(id="one", state="accepted", provider_message_id="SM1", due_at=NOW))
    assert row(store, "one")["provider_message_id"] == "SM1"


def test_every_try_is_a_row_and_a_repeated_one_is_written_once(store: Store) -> None:
    add(store, "one")
    first = Settled(
        id="one",
        state="queued",
        account="main",
        number=1,
        at=NOW,
        latency_ms=13,
        result="retry",
        tried_error="rate_limited",
        http_status=429,
        raw_code="20429",
        error_text="slow\x00 \ud800 down: “later”",
    )
    settle(store, first)
    settle(store, first, msgspec.structs.replace(first, number=2))
    with store.begin() as connection:
        outcomes.note_tries(connection, [first, msgspec.structs.replace(first, number=3)])
        outcomes.note_tries(connection, [])
    with store.read() as connection:
        rows = connection.execute(select(attempts).order_by(attempts.c.number)).mappings().all()
    assert [one["number"] for one in rows] == [1, 2, 3]
    assert (rows[0]["latency_ms"], rows[0]["http_status"], rows[0]["at"]) == (13, 429, NOW)
    assert (rows[0]["result"], rows[0]["error"]) == ("retry", "rate_limited")
    assert rows[0]["raw_text"].startswith("slow")
    assert rows[0]["raw_text"].endswith("down: “later”")


def test_a_message_that_was_not_tried_gets_no_try(store: Store) -> None:
    add(store, "one", state="sending", lease_owner="me")
    settle(store, Settled(id="one", state="queued", due_at=NOW))
    with store.read() as connection:
        assert connection.execute(select(attempts)).all() == []
    assert row(store, "one")["state"] == "queued"


def test_an_expired_message_is_given_up_by_its_owner_only(store: Store) -> None:
    add(store, "one")
    take(store)
    for owner, becomes in (("you", "queued"), ("me", "expired")):
        with store.begin() as connection:
            outcomes.expire(connection, ["one"], owner=owner, now=NOW)
        assert row(store, "one")["state"] == becomes


def test_the_backlog_tells_when_the_next_one_is_due_and_the_next_lease_ends(store: Store) -> None:
    add(store, "later", due_at=NOW + 7)
    add(store, "due", "leased", "held")
    add(store, "elsewhere", mode="test")
    with store.begin() as connection:
        connection.execute(text("UPDATE messages SET state='held' WHERE id='held'"))
        values = {"until": NOW + LEASE}
        connection.execute(text("UPDATE messages SET lease_until=:until WHERE id='leased'"), values)
    with store.read() as connection:
        left = claims.backlog(connection, mode="live", now=NOW, wall=NOW)
        none = claims.backlog(connection, mode="live", now=NOW, wall=NOW, run="run-9")
    assert left == (3, NOW + 7, NOW + LEASE)
    assert none == (0, None, None)


def test_what_a_dead_worker_had_in_flight_is_found_when_its_lease_ends(store: Store) -> None:
    add(store, "one", "alive", on_unknown="resend")
    take(store)
    in_flight(store, "one")
    in_flight(store, "alive", at=NOW + SECOND)
    with store.begin() as connection:
        assert unknowns.find_cut_off(connection, mode="live", wall=NOW + LEASE - 1, limit=9) == []
        wall = NOW + LEASE
        (found,) = unknowns.find_cut_off(connection, mode="live", wall=wall, limit=9)
        assert (found.id, found.account, found.on_unknown) == ("one", "main", "resend")
        assert found.sent_at == datetime.fromtimestamp(NOW / SECOND, UTC)
        ruling = Ruling(id="one", state="unknown", due_at=wall + 5 * SECOND)
        unknowns.take_over(connection, [ruling], now=wall, wall=wall)
    assert row(store, "one")["state"] == "unknown"
    assert row(store, "alive")["state"] == "sending"


def doubtful(store: Store, owner: str = "me", at: int = NOW) -> list[str]:
    with store.begin() as connection:
        found = unknowns.claim_doubtful(
            connection, owner=owner, mode="live", now=at, wall=at, until=at + LEASE, limit=9
        )
    return [one.id for one in found]


def test_an_unknown_message_is_looked_at_by_one_worker_when_it_is_due(store: Store) -> None:
    add(store, "one", state="unknown")
    add(store, "later", state="unknown", due_at=NOW + 1)
    assert doubtful(store) == ["one"]
    assert doubtful(store, "you") == []
    assert doubtful(store, "you", at=NOW + LEASE) == ["one", "later"]
    ruling = Ruling(id="one", state="queued", due_at=NOW)
    with store.begin() as connection:
        unknowns.rule(connection, [ruling], owner="somebody else", now=NOW, wall=NOW)
    assert row(store, "one")["state"] == "unknown"
    with store.begin() as connection:
        unknowns.rule(connection, [ruling], owner="you", now=NOW, wall=NOW)
    assert row(store, "one")["state"] == "queued"


def test_a_doubtful_message_knows_when_its_last_try_went_out(store: Store) -> None:
    add(store, "one", state="unknown", attempts=2)
    at = NOW - SECOND
    tried = Settled(id="one", state="unknown", number=2, at=at, result="unknown")
    with store.begin() as connection:
        outcomes.note_tries(connection, [tried])
        (one,) = unknowns.claim_doubtful(
            connection, owner="me", mode="live", now=NOW, wall=NOW, until=NOW + LEASE, limit=9
        )
    assert one.tried_at == datetime.fromtimestamp(at / SECOND, UTC)
    assert one.since == datetime.fromtimestamp(NOW / SECOND, UTC)


def test_provider_ids_that_some_message_has_are_known_as_linked(store: Store) -> None:
    add(store, "one", state="accepted", provider_message_id="SM1")
    with store.read() as connection:
        assert unknowns.linked(connection, ["SM1", "SM2"]) == {"SM1"}
        assert unknowns.linked(connection, []) == set()


def test_pauses_are_kept_by_account_and_for_everything(store: Store) -> None:
    with store.begin() as connection:
        pause(connection, "main", note="since noon")
        pause(connection, "main", note="twice is once")
        assert paused(connection) == (False, frozenset({"main"}))
        pause(connection)
        assert paused(connection).everything
        assert resume(connection)
        assert not resume(connection)
        assert resume(connection, "main")
        assert not paused(connection)


def _plan(connection: Connection, statement: str) -> str:
    values = {
        "owner": "me", "until": 1, "mode": "live", "priority": 1, "now": NOW, "wall": NOW,
        "room": 5, "limit": 5,
    }  # fmt: skip
    rows = connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), values).all()
    return " / ".join(str(one[3]) for one in rows)


def test_claims_and_look_ups_walk_an_index_and_sort_nothing(tmp_path: object) -> None:
    with open_store(f"sqlite:///{tmp_path}/books.db") as store, store.begin() as connection:
        claim = _plan(connection, claims._due_statement(False, False))
        cut_off = _plan(connection, str(unknowns._cut_off_statement(False)))
        doubt = _plan(connection, str(unknowns._doubtful_statement(False)))
    assert "ix_messages_claim (mode=? AND priority=? AND due_at<?)" in claim
    assert "ix_messages_unsettled (state=?)" in cut_off
    assert "ix_messages_unsettled (state=? AND due_at<?)" in doubt
    assert "TEMP B-TREE" not in claim + cut_off + doubt


def test_packing_survives_what_no_database_can_keep() -> None:
    assert packed(["a\ud800"]) == '["a?"]'
    assert "\\u0000" not in packed([{"text": "a\x00b"}])
    assert packed([Settled(id="\udfff", state="x", due_at=1)]).count("?") == 1
