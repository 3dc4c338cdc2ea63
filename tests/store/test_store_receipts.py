"""Receipts in the books: kept first, then judged; early, doubled and strange ones do no harm."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.model.lattice import Effect, judge
from smsnotify.model.message import ErrorWord, MessageState, Receipt
from smsnotify.store import claims, judging, outcomes, receipts, unknowns
from smsnotify.store.instants import to_micros
from smsnotify.store.outbox import Wanted
from smsnotify.store.outcomes import Settled
from smsnotify.store.receipts import BY_LOOKUP, Taken
from smsnotify.store.store import Store
from smsnotify.store.tables import attempts, consents, messages
from smsnotify.store.tables import receipts as receipts_table
from smsnotify.store.unknowns import Ruling

S = MessageState
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
AT = to_micros(NOW)
NUMBER = "+6591230000"
ONE = "01kk00000000000000000000a1"
TWO = "01kk00000000000000000000a2"


def add(store: Store, one_id: str = ONE, **fields: object) -> None:
    row: dict[str, object] = {
        "id": one_id,
        "subject": one_id,
        "mode": "live",
        "kind": "completed",
        "rule": "r",
        "occasion": "1",
        "channel": "sms",
        "recipient_hash": one_id.encode(),
        "recipient": NUMBER,
        "country": "SG",
        "state": "accepted",
        "account": "main",
        "attempts": 1,
        "body": "Hi",
        "encoding": "GSM7",
        "created_at": AT,
        "updated_at": AT,
        "due_at": AT,
    }
    with store.begin() as connection:
        connection.execute(insert(messages), [row | fields])


def row(store: Store, one_id: str = ONE) -> dict[str, object]:
    with store.read() as connection:
        found = connection.execute(select(messages).where(messages.c.id == one_id)).mappings().one()
        return dict(found)


def state(store: Store, one_id: str = ONE) -> object:
    return row(store, one_id)["state"]


def said(word: S | None, pid: str = "A", ours: str = "", **rest: object) -> Receipt:
    values: dict[str, object] = {"raw_word": str(word or "fluttering")} | rest
    return Receipt(provider_message_id=pid, message_id=ours, state=word, **values)  # type: ignore[arg-type]


def take(store: Store, *told: Receipt, account: str = "main", at: datetime = NOW) -> Taken:
    with store.begin() as connection:
        return receipts.take(connection, account, told, at)


def test_a_receipt_moves_its_message_and_says_when_it_was_delivered(store: Store) -> None:
    add(store, provider_message_id="A")
    delivered_at = NOW - timedelta(minutes=3)
    report = take(store, said(S.DELIVERED, at=delivered_at, price="0.05", currency="SGD"))
    assert report == Taken(applied=1)
    found = store.list_messages(Wanted(ids=(ONE,)))[0]
    assert (found.state, found.told_by, found.told_at) == (S.DELIVERED, "receipt", delivered_at)
    assert found.as_json()["told_at"] == delivered_at.isoformat()
    (kept,) = store.receipts_of(ONE)
    assert (kept.outcome, kept.price, kept.told_at) == ("moves", "0.05", delivered_at)
    assert kept.as_json()["type"] == "receipt"


def test_a_clock_that_runs_ahead_delivers_nothing_in_the_future(store: Store) -> None:
    add(store, provider_message_id="A")
    take(store, said(S.DELIVERED, at=NOW + timedelta(hours=1)))
    assert row(store)["told_at"] == AT


def test_a_replay_changes_nothing_and_is_counted(store: Store) -> None:
    add(store, provider_message_id="A")
    assert take(store, said(S.SENT), said(S.SENT)) == Taken(applied=1, replayed=1)
    before = row(store)
    assert take(store, said(S.SENT), at=NOW + timedelta(hours=1)) == Taken(replayed=1)
    assert row(store) == before
    assert len(store.receipts_of(ONE)) == 1


def test_an_undocumented_word_is_kept_raw_and_leaves_the_state(store: Store) -> None:
    add(store, provider_message_id="A")
    assert take(store, said(None, raw_code="77")) == Taken(undocumented=1)
    assert state(store) == "accepted"
    (kept,) = store.receipts_of(ONE)
    assert (kept.state, kept.raw_word, kept.raw_code, kept.outcome) == (
        "",
        "fluttering",
        "77",
        "undocumented",
    )


def test_an_unknown_id_is_kept_and_counted(store: Store) -> None:
    assert take(store, said(S.DELIVERED, "nobody", "nor-this"), said(None, "x")) == Taken(
        early=1, undocumented=1
    )
    with store.read() as connection:
        assert len(connection.execute(select(receipts_table)).all()) == 2


def test_another_account_with_the_same_provider_id_is_another_message(store: Store) -> None:
    add(store, provider_message_id="A", account="main")
    assert take(store, said(S.DELIVERED), account="other") == Taken(early=1)
    assert state(store) == "accepted"


def test_strange_characters_and_long_words_are_stored(store: Store) -> None:
    add(store)
    report = take(store, said(S.SENT, "A\0\ud800", ONE, raw_word="w" * 5000, raw_code="\0"))
    assert report == Taken(applied=1)
    assert len(store.receipts_of(ONE)[0].raw_word) == 200


@pytest.mark.parametrize("begun", ["unknown", "sending"])
def test_a_receipt_by_our_id_settles_a_doubt_and_adopts_the_providers_id(
    store: Store, begun: str
) -> None:
    add(
        store,
        state=begun,
        lease_owner="me",
        lease_until=AT,
        error="unknown_error",
        error_text="time-out",
        due_at=AT + 10**15,
    )
    assert take(store, said(S.SENT, "A", ONE)) == Taken(applied=1)
    found = row(store)
    assert (found["state"], found["provider_message_id"], found["told_by"]) == (
        "sent",
        "A",
        "receipt",
    )
    assert (found["error"], found["error_text"], found["lease_owner"], found["lease_until"]) == (
        "",
        "",
        "",
        None,
    )
    assert found["due_at"] == AT
    assert found["doubt_ended_by"] == ("receipt" if begun == "unknown" else "")


def test_an_answer_that_comes_after_the_receipt_undoes_nothing(store: Store) -> None:
    add(store, state="sending", lease_owner="me", lease_until=AT)
    take(store, said(S.DELIVERED, "A", ONE))
    for late in ("accepted", "unknown", "failed"):
        with store.begin() as connection:
            settled = Settled(id=ONE, state=late, account="main", error="x", due_at=AT)
            outcomes.settle(connection, [settled], owner="me", now=AT + 5, wall=AT + 5)
    assert (state(store), row(store)["error"]) == ("delivered", "")


def test_early_receipts_are_applied_when_the_answer_names_them(store: Store) -> None:
    add(store, state="sending", lease_owner="me", lease_until=AT)
    assert take(store, said(S.DELIVERED, "A"), said(S.SENT, "A")) == Taken(early=2)
    with store.begin() as connection:
        settled = Settled(
            id=ONE, state="accepted", account="main", provider_message_id="A", due_at=AT
        )
        outcomes.settle(connection, [settled], owner="me", now=AT + 5, wall=AT + 5)
    assert (state(store), row(store)["told_by"]) == ("delivered", "receipt")
    assert [one.outcome for one in store.receipts_of(ONE)] == ["moves", "late"]


def test_early_receipts_are_applied_when_a_look_up_finds_the_message(store: Store) -> None:
    add(store, state="unknown", lease_owner="me", lease_until=AT)
    take(store, said(S.UNDELIVERED, "A", raw_code="15", error=ErrorWord.INVALID_NUMBER))
    with store.begin() as connection:
        ruling = Ruling(id=ONE, state="accepted", provider_message_id="A", looks=1, due_at=AT)
        unknowns.rule(connection, [ruling], owner="me", now=AT + 5, wall=AT + 5)
    found = row(store)
    assert (found["state"], found["error"], found["error_text"]) == (
        "undelivered",
        "invalid_number",
        "undelivered 15",
    )
    assert found["doubt_ended_by"] == "lookup"


def test_early_receipts_are_applied_when_another_receipt_names_our_id(store: Store) -> None:
    add(store, state="unknown")
    assert take(store, said(S.DELIVERED, "A")) == Taken(early=1)
    assert take(store, said(S.SENT, "A", ONE)) == Taken(applied=1, caught_up=1)
    assert state(store) == "delivered"


def test_what_two_writers_missed_of_each_other_is_caught_up(store: Store) -> None:
    take(store, said(S.DELIVERED, "A"), said(S.DELIVERED, "B"))
    add(store, provider_message_id="A")
    with store.begin() as connection:
        assert receipts.apply_all_early(connection, NOW) == 1
        assert receipts.apply_all_early(connection, NOW) == 0
    assert state(store) == "delivered"


def test_a_message_queued_again_after_a_doubt_is_not_sent_when_the_provider_has_it(
    store: Store,
) -> None:
    add(store, state="queued", lease_owner="me", lease_until=AT + 10**9)
    assert take(store, said(S.UNDELIVERED, "A", ONE)) == Taken(early=1)
    assert state(store) == "queued"
    assert take(store, said(S.SENT, "A", ONE)) == Taken(applied=1, caught_up=1)
    assert state(store) == "undelivered"
    with store.begin() as connection:
        starts = [claims.Start(ONE, "main")]
        assert not claims.start(connection, starts, owner="me", wall=AT, until=AT)


def test_after_a_retry_by_hand_the_old_try_only_counts_when_the_phone_has_it(store: Store) -> None:
    add(store, provider_message_id="A")
    take(store, said(S.UNDELIVERED, "A", ONE))
    assert store.retry(Wanted(ids=(ONE,)), NOW) == 1
    again = row(store)
    assert (again["state"], again["told_by"], again["told_at"]) == ("queued", "", None)
    take(store, said(S.SENT, "A", ONE), said(S.FAILED, "A", ONE))
    assert state(store) == "queued"
    with store.begin() as connection:
        connection.execute(
            messages.update().values(state="accepted", account="main", provider_message_id="B")
        )
    take(store, said(S.EXPIRED, "A", ONE))
    assert state(store) == "accepted"
    take(store, said(S.FAILED, "B", ONE))
    assert state(store) == "failed"
    assert take(store, said(S.DELIVERED, "A", ONE)) == Taken(applied=1)
    assert row(store)["provider_message_id"] == "B"


def test_a_receipt_through_another_account_is_about_another_try(store: Store) -> None:
    add(store, account="backup", provider_message_id="B")
    assert take(store, said(S.FAILED, "A", ONE)) == Taken(unchanged=1)
    assert take(store, said(S.DELIVERED, "A", ONE)) == Taken(applied=1)


def test_our_own_failure_yields_to_delivered_and_a_receipts_failure_does_not(store: Store) -> None:
    add(store, ONE, state="failed", error="provider_down")
    add(store, TWO, provider_message_id="B")
    take(store, said(S.FAILED, "B", error=ErrorWord.UNREACHABLE))
    report = take(store, said(S.DELIVERED, "A", ONE), said(S.DELIVERED, "B"))
    assert report == Taken(applied=1, conflicts=1)
    assert (state(store, ONE), row(store, ONE)["error"]) == ("delivered", "")
    assert (state(store, TWO), row(store, TWO)["error"]) == ("failed", "unreachable")


def test_a_late_answer_and_a_person_end_doubts_too(store: Store) -> None:
    add(store, ONE, state="unknown")
    add(store, TWO, state="unknown")
    with store.begin() as connection:
        settled = Settled(id=ONE, state="accepted", account="main", due_at=AT)
        outcomes.settle(connection, [settled], owner="me", now=AT, wall=AT)
    store.retry(Wanted(ids=(TWO,)), NOW, unknown=True)
    assert row(store, ONE)["doubt_ended_by"] == "answer"
    assert row(store, TWO)["doubt_ended_by"] == "person"


def test_a_word_without_meaning_still_tells_the_id_to_ask_by(store: Store) -> None:
    add(store, state="unknown", looks=3, due_at=AT + 10**15)
    assert take(store, said(None, "A", ONE)) == Taken(undocumented=1)
    found = row(store)
    assert (found["state"], found["provider_message_id"]) == ("unknown", "A")
    assert (found["looks"], found["due_at"]) == (0, AT)


def test_an_id_that_a_batch_did_not_bring_is_learnt(store: Store) -> None:
    add(store, provider_message_id="")
    assert take(store, said(S.ACCEPTED, "A", ONE)) == Taken(unchanged=1)
    assert row(store)["provider_message_id"] == "A"


def test_a_carriers_barring_is_no_wish_of_the_person(store: Store) -> None:
    add(store, provider_message_id="A")
    take(store, said(S.UNDELIVERED, raw_code="30004", error=ErrorWord.BLOCKED))
    assert store.people([NUMBER]) == {}


def test_who_opted_out_at_the_provider_is_not_texted_any_more(store: Store) -> None:
    add(store, provider_message_id="A")
    take(store, said(S.UNDELIVERED, raw_code="21610", error=ErrorWord.OPTED_OUT))
    person = store.people([NUMBER])[NUMBER]
    assert (person.opted_out, person.opted_out_source) == (True, "provider")
    add(store, TWO, provider_message_id="B")
    take(store, said(S.UNDELIVERED, "B", error=ErrorWord.OPTED_OUT))
    with store.read() as connection:
        assert len(connection.execute(select(consents)).all()) == 1


def test_other_failures_leave_consent_alone(store: Store) -> None:
    add(store, provider_message_id="A")
    take(store, said(S.UNDELIVERED, error=ErrorWord.UNREACHABLE))
    assert store.people([NUMBER]) == {}


def test_an_update_of_a_message_that_changed_meanwhile_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, provider_message_id="A")
    find = judging._find

    def slow(connection: object, kept: object) -> object:
        found = find(connection, kept)  # type: ignore[arg-type]
        for one in found.values():
            one.was = S.SENT  # what a reader saw who did not lock
        return found

    monkeypatch.setattr(judging, "_find", slow)
    with pytest.raises(StoreUnavailableError, match="changed while its receipt was judged"):
        take(store, said(S.DELIVERED))
    assert state(store) == "accepted"
    assert store.receipts_of(ONE) == []


def test_two_receipts_at_once_are_both_kept_and_the_higher_one_wins(store: Store) -> None:
    add(store, provider_message_id="A")
    told = [said(S.SENT), said(S.DELIVERED), said(S.ACCEPTED), said(S.DELIVERED), said(S.READ)]
    failed: list[BaseException] = []

    def work(receipt: Receipt) -> None:
        try:
            take(store, receipt)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in told * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert state(store) == "read"
    assert len(store.receipts_of(ONE)) == 4


def test_old_receipts_are_forgotten(store: Store) -> None:
    add(store, provider_message_id="A")
    take(store, said(S.SENT))
    take(store, said(S.DELIVERED), at=NOW + timedelta(days=20))
    assert store.prune(NOW + timedelta(days=31)).receipts == 1
    assert [one.state for one in store.receipts_of(ONE)] == ["delivered"]


def test_the_figures_say_what_ended_doubts_and_how_late_words_come(store: Store) -> None:
    for number, ended_by in enumerate(["receipt", "lookup", "", "", ""]):
        one = f"01kk00000000000000000000b{number}"
        add(store, one, state="unknown" if number == 4 else "accepted", doubt_ended_by=ended_by)
        tried = {"number": 1, "account": "main", "at": AT, "latency_ms": 1}
        result = "accepted" if number == 2 else "unknown"
        with store.begin() as connection:
            connection.execute(insert(attempts), [tried | {"message_id": one, "result": result}])
    take(
        store,
        said(S.DELIVERED, "P", "01kk00000000000000000000b2"),
        said(None, "Q", "01kk00000000000000000000b1"),
        at=NOW + timedelta(seconds=9),
    )
    found = store.receipt_stats(NOW + timedelta(days=4))
    assert found.doubts == {"receipt": 1, "lookup": 1, "resent": 1, "open": 1}
    assert (found.tried, found.doubted, found.unknown_share) == (5, 4, 0.8)
    assert (found.words, found.undocumented) == ({"delivered": 1}, {"fluttering": 1})
    assert found.outcomes == {"moves": 1, "undocumented": 1}
    assert (found.lags["main"].count, found.lags["main"].median_s) == (1, 9.0)
    assert found.no_word == 3
    assert found.as_json()["unknown_share"] == 0.8
    assert store.receipt_stats(NOW, "test").tried == 0


def test_an_empty_store_has_no_share_of_unknowns(store: Store) -> None:
    assert store.receipt_stats(NOW).unknown_share == 0.0
    assert take(store) == Taken()


# Anything, in any order, early or not: what the lattice promises holds in the books.

WORDS = st.sampled_from([S.ACCEPTED, S.SENT, None])
ENDS = st.sampled_from([[], [S.DELIVERED], [S.UNDELIVERED], [S.DELIVERED, S.READ], [S.FAILED]])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, max_size=4), ENDS, st.randoms(), st.data())
def test_shuffled_doubled_early_and_strange_receipts_lead_where_ordered_ones_lead(
    sqlite_store: Store, words: list[S | None], ends: list[S], random: object, data: st.DataObject
) -> None:
    store = sqlite_store
    with store.begin() as connection:
        connection.execute(messages.delete())
        connection.execute(receipts_table.delete())
    ordered = [*words, *ends]
    shuffled = [*ordered, *ordered, *ordered]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    known_after = data.draw(st.integers(0, len(shuffled)))
    begun = data.draw(st.sampled_from(["sending", "unknown"]))
    add(store, state=begun, lease_owner="me", lease_until=AT)
    for place, word in enumerate(shuffled):
        if place == known_after:
            _learn(store)
        ours = ONE if data.draw(st.booleans()) else ""
        take(store, said(word, "nobody"), said(word, "A", ours, segments=place))
    _learn(store)
    expected = _folded(ordered)
    assert state(store) == expected


def _learn(store: Store) -> None:
    with store.begin() as connection:
        settled = Settled(
            id=ONE, state="accepted", account="main", provider_message_id="A", due_at=AT
        )
        outcomes.settle(connection, [settled], owner="me", now=AT, wall=AT)


def _folded(words: list[S | None]) -> str:
    now, told = S.ACCEPTED, False
    for word in words:
        verdict = judge(now, word, told=told)
        if verdict.effect is Effect.MOVES and verdict.state is not None:
            now, told = verdict.state, True
    return now.value


def test_one_receipt_a_segment_counts_once_and_a_contradiction_keeps_the_first(
    store: Store,
) -> None:
    add(store, ONE, provider_message_id="A", segments=3)
    add(store, TWO, provider_message_id="B", segments=3)
    assert take(store, *[said(S.DELIVERED, "A")] * 3) == Taken(applied=1, replayed=2)
    parts = [said(S.UNDELIVERED, "B"), said(S.DELIVERED, "B"), said(S.DELIVERED, "B")]
    assert take(store, *parts) == Taken(applied=1, conflicts=1, replayed=1)
    assert (state(store, ONE), state(store, TWO)) == ("delivered", "undelivered")
    assert [one.outcome for one in store.receipts_of(TWO)] == ["moves", "conflict"]


def test_what_a_look_up_told_is_the_providers_word_as_well(store: Store) -> None:
    add(store, provider_message_id="A")
    with store.begin() as connection:
        receipts.take(connection, "main", [said(S.UNDELIVERED)], NOW, by=BY_LOOKUP)
    assert row(store)["told_by"] == "lookup"
    assert take(store, said(S.DELIVERED)) == Taken(conflicts=1)
    assert state(store) == "undelivered"


def test_answers_and_receipts_at_the_same_moment_lose_no_word(store: Store) -> None:
    ids = [f"01kk0000000000000000000c{number:02d}" for number in range(40)]
    for one in ids:
        add(store, one, state="sending", lease_owner="me", lease_until=AT)

    def answer() -> None:
        for one in ids:
            settled = Settled(
                id=one, state="accepted", account="main", provider_message_id=f"P{one}", due_at=AT
            )
            with store.begin() as connection:
                outcomes.settle(connection, [settled], owner="me", now=AT, wall=AT)

    def hear() -> None:
        for one in ids:
            take(store, said(S.DELIVERED, f"P{one}"))

    threads = [threading.Thread(target=work) for work in (answer, hear)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.begin() as connection:
        receipts.apply_all_early(connection, NOW)
    assert {state(store, one) for one in ids} == {"delivered"}


def test_two_long_lists_about_the_same_messages_do_not_block_each_other(store: Store) -> None:
    ids = [f"01kk0000000000000000000d{number:02d}" for number in range(30)]
    for one in ids:
        add(store, one, provider_message_id=f"P{one}")
    lists = [
        [said(S.DELIVERED, f"P{one}") for one in ids],
        [said(S.SENT, f"P{one}") for one in reversed(ids)],
        [said(S.DELIVERED, f"P{one}") for one in reversed(ids)],
    ]
    threads = [threading.Thread(target=take, args=(store, *told)) for told in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {state(store, one) for one in ids} == {"delivered"}
