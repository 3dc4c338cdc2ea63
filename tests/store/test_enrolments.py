"""Enrolments: found by number, deadline, event and lost text; entered once a cause."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation_cases import DAY, contact, enrolment, entered, let_in, moved, plan_text, turn
from sqlalchemy import text
from store_cases import NOW, number

from smsnotify.base.errors import OvertakenError
from smsnotify.model.enrolment import Waiting
from smsnotify.store.conversation_batch import ConversationBatch
from smsnotify.store.enrolments import EntryKey, WantedEnrolments
from smsnotify.store.store import Store

MINUTE = timedelta(minutes=1)


def keep(store: Store, **rest: object) -> None:
    store.keep_conversation(ConversationBatch(mode="live", **rest), NOW)  # type: ignore[arg-type]


def test_an_enrolment_comes_back_as_it_was(store: Store) -> None:
    one = entered(
        1,
        subject="id:j1",
        job="DO1",
        visits={"ask": 2, "offer": 1},
        others=1,
        answers={"ask": "Qu\u00f6te \u2713"},
        message_id="m1",
        goal_value=12.5,
        ended_at=None,
    )
    keep(store, entered=[one])
    assert store.enrolments_by_id([one.enrolment.id, "x"]) == {one.enrolment.id: one.enrolment}
    assert store.enrolments_called(one.enrolment.id) == [one.enrolment]
    assert store.enrolments_called("?") == []
    assert store.enrolments_by_id([]) == {}


def test_who_waits_is_found_by_number_and_mode(store: Store) -> None:
    keep(
        store,
        entered=[
            entered(1),
            entered(1, plan="other", id="other"),
            entered(2, state="finished", waiting=Waiting.NOTHING),
            entered(3, mode="test"),
        ],
    )
    found = store.waiting_enrolments([number(n) for n in range(5)], "live")
    assert {who: [one.plan for one in some] for who, some in found.items()} == {
        number(1): ["quote", "other"]
    }
    assert store.waiting_enrolments([], "live") == {}


def test_who_is_due_comes_in_the_order_of_the_deadlines(store: Store) -> None:
    keep(store, entered=[entered(n, due_at=NOW - n * MINUTE) for n in (1, 3, 2)])
    keep(store, entered=[entered(4, due_at=NOW + MINUTE), entered(5, due_at=NOW, mode="test")])
    assert [one.number for one in store.due_enrolments("live", NOW, 2)] == [number(3), number(2)]
    assert [one.number for one in store.due_enrolments("live", NOW)] == [
        number(3),
        number(2),
        number(1),
    ]
    assert store.next_due_at("live") == NOW - 3 * MINUTE
    assert store.next_due_at("sandbox") is None


def test_who_listens_is_found_by_job_and_by_contact(store: Store) -> None:
    keep(
        store,
        entered=[
            entered(1, waiting=Waiting.EVENT, subject="id:j1"),
            entered(2, waiting=Waiting.EVENT),
            entered(3, waiting=Waiting.REPLY, subject="id:j1"),
            entered(4, waiting=Waiting.EVENT, subject="id:j1", mode="test"),
        ],
    )
    found = store.listening_enrolments("live", subjects=["id:j1", ""])
    assert [one.number for one in found] == [number(1)]
    both = store.listening_enrolments(
        "live", subjects=["id:j1"], contact_ids=[f"c{1:025}", f"c{2:025}"]
    )
    assert [one.number for one in both] == [number(1), number(2)]
    assert store.listening_enrolments("live") == []


def test_the_same_cause_enrols_once_and_a_plan_may_be_for_one_at_a_time(store: Store) -> None:
    keep(store, entered=[entered(1, "reply-1")])
    keys = [EntryKey("quote", number(1), ref) for ref in ("reply-1", "reply-2")]
    assert store.known_entries("live", keys) == {keys[0]}
    assert store.known_entries("test", keys) == set()
    assert store.known_entries("live", []) == set()
    for again in (
        entered(1, "reply-1", alone=False, id="second"),
        entered(1, "reply-2", id="second"),
    ):
        with pytest.raises(OvertakenError):
            keep(store, entered=[again])
    keep(store, entered=[entered(1, "reply-2", alone=False, id="second")])
    keep(store, entered=[entered(1, "reply-1", mode="test", id="third")])
    assert len(store.waiting_enrolments([number(1)], "live")[number(1)]) == 2


def test_it_is_known_who_was_ever_in_a_plan(store: Store) -> None:
    let_in(store, [1, 2])
    keep(store, moved=[moved(enrolment(2), state="expired", waiting=Waiting.NOTHING)])
    asked = [number(n) for n in (1, 2, 3)]
    assert store.was_ever_in("quote", asked, "live") == {
        number(1): "waiting",
        number(2): "expired",
    }
    assert store.was_ever_in("quote", asked, "test") == {}
    assert store.was_ever_in("quote", [], "live") == {}


def test_a_change_that_is_no_turn_is_a_mistake(store: Store) -> None:
    let_in(store, [1])
    with pytest.raises(ValueError, match="is a turn"):
        keep(store, moved=[moved(enrolment(1), turn=1)])


def test_a_lost_text_is_found_while_somebody_waits_on_it(store: Store) -> None:
    keep(store, contacts=[contact(n) for n in (1, 2, 3, 4)])
    for who in (1, 2, 3, 4):
        one = enrolment(who)
        said, messages = plan_text(one)
        (message,) = messages.values()
        keep(
            store,
            decisions=[said],
            messages=messages,
            entered=[entered(who, message_id=message.id)],
        )
    _put(store, number(1), "state = 'failed', error = 'invalid_number'", NOW)
    _put(store, number(2), "state = 'cancelled', reason = 'by_hand'", NOW + MINUTE)
    _put(store, number(3), "state = 'expired'", NOW - DAY)
    _put(store, number(4), "state = 'delivered'", NOW)
    found = store.undelivered_plan_texts("live", NOW)
    assert [(one.enrolment.number, one.reason, one.at) for one in found] == [
        (number(1), "invalid_number", NOW),
        (number(2), "by_hand", NOW + MINUTE),
    ]
    assert found[0].message_id == found[0].enrolment.message_id
    assert len(store.undelivered_plan_texts("live", NOW - 2 * DAY)) == 3
    assert len(store.undelivered_plan_texts("live", NOW - 2 * DAY, 1)) == 1
    assert store.undelivered_plan_texts("test", NOW - 2 * DAY) == []
    keep(store, moved=[moved(found[0].enrolment, step="sorry")])
    left = store.undelivered_plan_texts("live", NOW)
    assert [one.enrolment.number for one in left] == [number(1), number(2)]
    keep(store, moved=[moved(left[0].enrolment, state="exited", waiting=Waiting.NOTHING)])
    assert [one.enrolment.number for one in store.undelivered_plan_texts("live", NOW)] == [
        number(2)
    ]


def _put(store: Store, recipient: str, sets: str, at: object) -> None:
    from smsnotify.store.instants import to_micros

    with store.begin() as connection:
        connection.execute(
            text(f"UPDATE messages SET {sets}, updated_at = :at WHERE recipient = :number"),
            {"at": to_micros(at), "number": recipient},  # type: ignore[call-overload]
        )


def test_the_history_is_in_its_order(store: Store) -> None:
    let_in(store, [1])
    one = moved(enrolment(1))
    two = moved(one.enrolment)
    keep(store, moved=[one], transitions=[turn(one.enrolment)])
    keep(store, moved=[two], transitions=[turn(two.enrolment, "bought", NOW + MINUTE, "r2")])
    assert store.transitions_of(one.enrolment.id) == [
        turn(one.enrolment),
        turn(two.enrolment, "bought", NOW + MINUTE, "r2"),
    ]
    assert store.transitions_of("nobody") == []


def test_each_version_is_kept_once(store: Store) -> None:
    let_in(store, [1, 2])
    assert store.plan_content("v1") == b'{"name":"quote"}'
    assert store.plan_content("v2") is None
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM plans")).scalar() == 1


def test_enrolments_are_listed_by_page(store: Store) -> None:
    let_in(store, range(5))
    keep(store, moved=[moved(enrolment(2), state="finished", step="", waiting=Waiting.NOTHING)])
    waiting = WantedEnrolments(plan="quote", mode="live", states=frozenset({"waiting"}))
    assert [one.number for one in store.list_enrolments(waiting, 2)] == [number(4), number(3)]
    behind = WantedEnrolments(before=enrolment(3).id, step="ask")
    assert [one.number for one in store.list_enrolments(behind, None)] == [number(1), number(0)]
    over = WantedEnrolments(states=frozenset({"finished", "expired"}), number=number(2))
    assert [one.state for one in store.list_enrolments(over)] == ["finished"]
    assert store.list_enrolments(WantedEnrolments(contact_id="c9")) == []


def test_the_funnel_counts_who_came_how_far(store: Store) -> None:
    let_in(store, range(6))
    later = NOW + DAY
    store.keep_conversation(
        ConversationBatch(
            mode="live",
            moved=[
                moved(
                    enrolment(n), step="offer", visits={"ask": 1, "offer": 1}, answers={"ask": "Q"}
                )
                for n in (1, 2)
            ]
            + [
                moved(
                    enrolment(3),
                    state="finished",
                    step="bought",
                    visits={"ask": 1, "offer": 2, "bought": 1},
                    answers={"ask": "Q", "offer": "BUY"},
                    goal_value=10.5,
                    waiting=Waiting.NOTHING,
                ),
                moved(enrolment(4), state="expired", waiting=Waiting.NOTHING),
            ],
            entered=[entered(9, plan="other", id="9" * 26, entered_at=later)],
        ),
        NOW,
    )
    funnel = store.funnels("live", "quote")["quote"]
    assert (funnel.entered, funnel.answered, funnel.goal_value) == (6, 3, 10.5)
    assert funnel.reached == {"ask": 6, "offer": 3, "bought": 1}
    assert funnel.waiting == {"ask": 2, "offer": 2}
    assert funnel.outcomes == {"finished": 1, "expired": 1}
    assert set(store.funnels("live")) == {"quote", "other"}
    assert set(store.funnels("live", since=later)) == {"other"}
    assert store.funnels("test") == {}
