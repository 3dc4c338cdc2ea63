"""Who has had the words of a first text, on both databases."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import text
from store_cases import NOW, batch, key, message, number

from smsnotify.model.message import MessageState
from smsnotify.store.batch import Batch
from smsnotify.store.held import Resolution
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.store import Store


def greeting(wanted: tuple[int, ...] = (1,), **rest: object) -> Batch:
    """Texts that carry such words."""
    made = batch(wanted, **rest)
    made.decisions = [msgspec.structs.replace(one, first_text=True) for one in made.decisions]
    return made


def greeted(store: Store, run: str = "") -> set[str]:
    return store.greeted([number(n) for n in range(1, 5)], "live", run)


def test_who_has_had_them_in_this_mode(store: Store) -> None:
    assert greeted(store) == set()
    store.save(greeting((1, 2)))
    store.save(batch((3,)))
    assert greeted(store) == {number(1), number(2)}
    assert store.greeted([number(1)], "test", "") == set()
    assert store.greeted([], "live", "") == set()


@pytest.mark.parametrize("state", ["cancelled", "expired", "failed", "undelivered"])
def test_what_never_arrived_has_told_nobody(store: Store, state: str) -> None:
    made = greeting()
    store.save(made)
    with store.begin() as connection:
        connection.execute(text(f"UPDATE messages SET state = '{state}'"))
    assert greeted(store) == set()
    again = greeting()
    renewed = key(1, occasion="2")
    (decision,) = again.decisions
    draft = msgspec.structs.replace(decision.draft, key=renewed)
    again.decisions = [msgspec.structs.replace(decision, draft=draft)]
    again.messages = {renewed: message(renewed)}
    store.save(again)
    assert greeted(store) == {number(1)}
    with store.begin() as connection:
        connection.execute(text("DELETE FROM messages"))
    assert greeted(store) == {number(1)}  # pruned long after


def test_what_waits_tells_when_it_is_released(store: Store) -> None:
    made = greeting(state=MessageState.HELD, gate="quiet_hours", not_before=NOW)
    store.save(made)
    assert greeted(store) == set()
    held = made.messages[key(1)]
    store.resolve_held([Resolution(id=held.id, state="queued", first_text=True)], NOW)
    assert greeted(store) == {number(1)}


def test_what_the_own_runs_guard_holds_counts_for_that_run(store: Store) -> None:
    made = greeting(state=MessageState.HELD, gate="volume_guard", run="r1")
    store.save(made)
    assert greeted(store, "r1") == {number(1)}
    assert greeted(store, "r2") == greeted(store) == set()
    later = batch((1,), run="r2")
    later.replaces = [made.messages[key(1)].id]
    store.save(later)
    assert greeted(store, "r2") == set()


def test_a_key_that_somebody_took_is_no_first_text(store: Store) -> None:
    store.save(batch((1,)))
    store.save(greeting((1,)))
    assert greeted(store) == set()


def test_whoever_is_forgotten_is_a_stranger_again(store: Store) -> None:
    store.save(greeting((1, 2)))
    assert store.forget(number(1), NOW) is not None
    assert greeted(store) == {number(2)}


def test_a_rehearsal_answers_as_the_store_would(store: Store) -> None:
    store.save(greeting((1,)))
    rehearsal = Rehearsal(None)
    assert rehearsal.greeted([number(1)], "live", "") == set()
    rehearsal.close()
    rehearsal = Rehearsal(store)
    rehearsal.save(greeting((2,)))
    asked = [number(1), number(2), number(3)]
    assert rehearsal.greeted(asked, "live", "") == {number(1), number(2)}
