"""Two workers with the same replies: each reply is worked once, and no turn is skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from threading import Thread

import pytest
from conversation_cases import OURS, contact, enrolment, plan_text, turn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from store_cases import NOW, number

from smsnotify.base.errors import OvertakenError
from smsnotify.base.ids import new_id
from smsnotify.model.enrolment import Enrolment, Waiting
from smsnotify.model.message import InboundMessage
from smsnotify.store.conversation_batch import (
    ConversationBatch,
    EnteredPlan,
    MovedEnrolment,
    WorkedReply,
)
from smsnotify.store.open import open_store
from smsnotify.store.store import Store
from smsnotify.store.tables import metadata

PEOPLE = 4
LAST_TURN = 3


def say(store: Store, who: int) -> None:
    told = InboundMessage(
        provider_message_id=new_id(NOW), sender=number(who), to=OURS, body="QUOTE"
    )
    assert store.note_replies("main", [told], NOW) == 1


def read(store: Store, limit: int) -> ConversationBatch:
    """Do what a worker does: read replies, and move their people one step for each."""
    replies = store.unworked_replies(limit)
    numbers = {one.sender for one in replies}
    known = store.contacts_of(numbers)
    waiting = {who: some[0] for who, some in store.waiting_enrolments(numbers, "live").items()}
    batch = ConversationBatch(mode="live")
    entered: dict[str, EnteredPlan] = {}
    moved: dict[str, MovedEnrolment] = {}
    for reply in replies:
        one = waiting.get(reply.sender)
        who = int(reply.sender.removeprefix("+6591"))
        if one is None:
            if reply.sender not in known:
                known[reply.sender] = contact(who)
                batch.contacts.append(known[reply.sender])
            after = enrolment(who, id=new_id(NOW), turn=1)
            entered[after.id] = EnteredPlan(enrolment=after, entry_ref=reply.id)
        else:
            after = _next(one)
            if after.id in entered:
                entered[after.id] = EnteredPlan(
                    enrolment=after, entry_ref=entered[after.id].entry_ref
                )
            else:
                before = moved[after.id].turn_before if after.id in moved else one.turn
                moved[after.id] = MovedEnrolment(after, before)
        if after.is_over:
            del waiting[reply.sender]
        else:
            waiting[reply.sender] = after
        batch.transitions.append(turn(after, ref=reply.id))
        said, messages = plan_text(after, f"turn/{after.turn}")
        batch.decisions.append(said)
        batch.messages.update(messages)
        batch.worked.append(WorkedReply(id=reply.id, enrolment_id=after.id))
    batch.entered, batch.moved = list(entered.values()), list(moved.values())
    return batch


def _next(one: Enrolment) -> Enrolment:
    over = one.turn + 1 == LAST_TURN
    return enrolment(
        int(one.number.removeprefix("+6591")),
        id=one.id,
        turn=one.turn + 1,
        state="finished" if over else "waiting",
        waiting=Waiting.NOTHING if over else Waiting.REPLY,
        entered_at=one.entered_at,
    )


def keep(store: Store, batch: ConversationBatch) -> bool:
    try:
        assert store.keep_conversation(batch, NOW) == {}
    except OvertakenError:
        return False
    return True


def check(store: Store) -> None:
    """What must hold after any history."""
    with store.read() as connection:

        def rows(asking: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.execute(text(asking))]

        states = dict(rows("SELECT id, state FROM replies"))
        refs = Counter(ref for (ref,) in rows("SELECT ref FROM transitions"))
        assert set(refs.values()) <= {1}
        assert set(refs) == {one for one, state in states.items() if state == "worked"}
        turns = rows(
            "SELECT enrolment_id, count(*), min(turn), max(turn) FROM transitions GROUP BY 1"
        )
        stored = dict(rows("SELECT id, turn FROM enrolments"))
        assert {one: last for one, _, _, last in turns} == stored
        assert all(count == last and first == 1 for _, count, first, last in turns)
        texts = rows("SELECT count(*) FROM messages")[0][0]
        assert texts == rows("SELECT count(*) FROM decisions")[0][0] == len(refs)
        waiting = "SELECT count(*) FROM enrolments WHERE state = 'waiting' GROUP BY number"
        assert all(count == 1 for (count,) in rows(waiting))
        people = rows("SELECT count(*), count(DISTINCT contact_id) FROM addresses")[0]
        assert people[0] == people[1] == rows("SELECT count(*) FROM contacts")[0][0]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """One store for all examples; each of them empties it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('races') / 'desk.db'}"
    else:
        url = str(request.getfixturevalue("postgres_url"))
    with open_store(url) as opened:
        yield opened


def empty(store: Store) -> None:
    with store.begin() as connection:
        for name in ("replies", "contacts", "addresses", "enrolments", "plans", "transitions"):
            connection.execute(metadata.tables[name].delete())
        for name in ("decisions", "messages"):
            connection.execute(metadata.tables[name].delete())


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, PEOPLE - 1)),
        st.tuples(st.just("read"), st.integers(0, 1)),
        st.tuples(st.just("keep"), st.integers(0, 1)),
    ),
    max_size=30,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=STEPS, portion=st.integers(1, 5))
def test_in_any_order_of_reading_and_keeping_every_reply_is_worked_once(
    shared: Store, history: list[tuple[str, int]], portion: int
) -> None:
    empty(shared)
    pending: dict[int, ConversationBatch] = {}
    for what, which in history:
        if what == "say":
            say(shared, which)
        elif what == "read":
            pending[which] = read(shared, portion)
        elif which in pending:
            keep(shared, pending.pop(which))
    check(shared)
    while shared.unworked_replies(1):
        assert keep(shared, read(shared, portion))
    check(shared)


def test_workers_at_the_same_time_share_the_replies(shared: Store) -> None:
    empty(shared)
    for n in range(120):
        say(shared, n % 12)
    kept: list[int] = []
    failures: list[BaseException] = []

    def run(portion: int) -> None:
        try:
            while shared.unworked_replies(1):
                batch = read(shared, portion)
                if keep(shared, batch):
                    kept.append(len(batch.worked))
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=run, args=(portion,)) for portion in (3, 5, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(kept) == 120
    check(shared)


def test_a_reply_that_comes_while_its_person_is_worked_waits_for_its_turn(shared: Store) -> None:
    empty(shared)
    say(shared, 1)
    first = read(shared, 10)
    say(shared, 1)
    second = read(shared, 10)
    assert keep(shared, first)
    assert not keep(shared, second)
    assert keep(shared, read(shared, 10))
    check(shared)
    (one,) = shared.waiting_enrolments([number(1)], "live")[number(1)]
    assert (one.turn, one.entered_at) == (2, NOW)
