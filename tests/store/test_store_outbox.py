"""The outbox as people see it, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from store_cases import NOW, batch, job_row, key, message, note_tries, number, only

from smsnotify.base.ids import new_id
from smsnotify.model.job import Job
from smsnotify.model.message import Attempt, MessageState, Result
from smsnotify.store.batch import Batch
from smsnotify.store.held import Resolution
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

HOUR = timedelta(hours=1)


def keep(store: Store, n: int = 1, **rest: object) -> str:
    """Store one message and return its id."""
    made = message(key(n), **rest)
    store.save(Batch(jobs=[], events=[], decisions=[], messages={key(n): made}, at=NOW))
    return made.id


def state_of(store: Store, one: str) -> str:
    return store.messages_called(one)[0].state


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(states=frozenset({"failed", "held"})),
        Wanted(rule="other"),
        Wanted(job="DO-9"),
        Wanted(job="id:j0002"),
        Wanted(account="main"),
        Wanted(mode="test"),
        Wanted(error="blocked"),
        Wanted(recipient=number(2)),
        Wanted(run="r2"),
        Wanted(since=NOW + HOUR),
        Wanted(rule="other", account="main", since=NOW + HOUR, until=NOW + 2 * HOUR),
    ],
)
def test_every_filter_finds_its_messages_alone(store: Store, wanted: Wanted) -> None:
    keep(store, 1)
    at = NOW + HOUR
    other = key(2, rule="other", mode="test")
    made = message(
        other, at, state=MessageState.FAILED, job="DO-9", account="main", error="blocked", run="r2"
    )
    job = job_row(Job(id="j0002", do_number="DO-9", date="2026-03-03"))
    store.save(Batch(jobs=[job], events=[], decisions=[], messages={other: made}, at=at))
    assert store.list_messages(wanted) == [made]
    assert store.count_messages(wanted) == 1


def test_texts_of_conversations_are_found_by_their_job_too(store: Store) -> None:
    asked = key(1, subject="an enrolment", kind="plan", occasion="ask/1")
    made = message(asked, kind="plan", job="DO-9")
    store.save(Batch(jobs=[], events=[], decisions=[], messages={asked: made}, at=NOW))
    keep(store, 2, job="DO-8")
    assert store.list_messages(Wanted(job="DO-9")) == [made]


def test_messages_come_newest_first_and_no_more_than_wanted(store: Store) -> None:
    for n in range(1, 5):
        keep(store, n, id=new_id(NOW + n * HOUR))
    found = store.list_messages(Wanted(), limit=2)
    assert [one.subject for one in found] == ["id:j0004", "id:j0003"]
    assert len(store.list_messages(Wanted(), limit=None)) == 4
    assert [one.id for one in store.list_messages(Wanted(ids=(found[1].id,)))] == [found[1].id]


def test_a_message_is_called_by_the_beginning_of_its_id(store: Store) -> None:
    keep(store, 1, id="01aaa".ljust(26, "0"))
    keep(store, 2, id="01aab".ljust(26, "0"))
    assert [one.subject for one in store.messages_called("01AAB")] == ["id:j0002"]
    assert len(store.messages_called("01aa")) == 2
    for nothing in ("01ab", "", "%", "01aa_"):
        assert store.messages_called(nothing) == []


def test_a_retry_starts_over_with_as_much_time_as_at_first(store: Store) -> None:
    one = keep(
        store,
        state=MessageState.FAILED,
        account="main",
        error="provider_down",
        error_text="no",
        provider_message_id="SM1",
        attempts=3,
        expires_at=NOW + 2 * HOUR,
    )
    later = NOW + timedelta(days=3)
    assert store.retry(Wanted(ids=(one,)), later) == 1
    (again,) = store.messages_called(one)
    assert (again.state, again.account, again.error, again.provider_message_id) == (
        "queued",
        "",
        "",
        "",
    )
    assert (again.expires_at, again.attempts) == (later + 2 * HOUR, 3)


@pytest.mark.parametrize("state", list(MessageState))
def test_only_what_cannot_be_sent_twice_is_retried_unasked(
    store: Store, state: MessageState
) -> None:
    one = keep(store, state=state)
    safe = state in ("failed", "undelivered", "expired", "cancelled")
    assert store.retry(Wanted(), NOW) == int(safe)
    assert state_of(store, one) == ("queued" if safe else state)


def test_a_person_may_retry_what_is_unknown(store: Store) -> None:
    keep(store, state=MessageState.UNKNOWN)
    assert store.retry(Wanted(states=frozenset({"unknown"})), NOW) == 0
    assert store.retry(Wanted(states=frozenset({"unknown"})), NOW, unknown=True) == 1


@pytest.mark.parametrize("state", list(MessageState))
def test_only_what_was_not_handed_over_is_cancelled(store: Store, state: MessageState) -> None:
    one = keep(store, state=state)
    open_still = state in ("held", "queued")
    assert store.cancel(Wanted(), NOW) == int(open_still)
    assert state_of(store, one) == ("cancelled" if open_still else state)


def test_a_message_held_without_end_is_not_retried_into_the_past(store: Store) -> None:
    one = keep(store, state=MessageState.CANCELLED)
    store.retry(Wanted(), NOW + HOUR)
    assert store.messages_called(one)[0].expires_at is None


def test_figures_count_by_state_account_error_and_gate(store: Store) -> None:
    keep(store, 1)
    keep(store, 2, state=MessageState.FAILED, account="main", error="blocked")
    keep(store, 3, state=MessageState.SENT, account="main")
    keep(store, 4, state=MessageState.HELD, gate="quiet_hours")
    found = store.stats()
    assert found.states == {"queued": 1, "failed": 1, "sent": 1, "held": 1}
    assert found.accounts == {"main": {"failed": 1, "sent": 1}}
    assert (found.errors, found.held) == ({"blocked": 1}, {"quiet_hours": 1})
    assert found.oldest_queued_at == NOW
    assert store.stats("sandbox").states == {}


def test_attempts_come_in_order(store: Store) -> None:
    tries = [
        Attempt(message_id="m", account=account, at=NOW, latency_ms=12.0, result=result)
        for account, result in (("main", Result.RETRY), ("backup", Result.ACCEPTED))
    ]
    note_tries(store, *tries)
    assert store.attempts_of("m") == tries


def test_a_run_counts_people_and_then_lets_their_texts_go(store: Store) -> None:
    held = {"state": MessageState.HELD, "gate": "volume_guard", "run": "mine"}
    store.save(batch([1, 2], **held))
    quiet = message(key(2, rule="b"), **held, reason="quiet_hours", not_before=NOW + 9 * HOUR)
    store.save(Batch([], [], [], {key(2, rule="b"): quiet}, NOW))
    keep(store, 3, state=MessageState.HELD, gate="volume_guard", run="other")
    assert store.people_of_run("mine") == 2
    assert store.release_run("mine", NOW + HOUR) == 3
    by_state = {one.rule: (one.state, one.gate) for one in store.list_messages(Wanted(run="mine"))}
    assert by_state == {"delivered": ("queued", ""), "b": ("held", "quiet_hours")}
    assert store.people_of_run("mine") == 0
    assert store.people_of_run("other") == 1
    with store.read() as connection:
        due = connection.execute(text("SELECT min(due_at), max(due_at) FROM messages")).one()
    assert due[0] < due[1]


def hold(store: Store, n: int, until_h: int, gate: str = "quiet_hours") -> str:
    return keep(
        store, n, state=MessageState.HELD, gate=gate, reason=gate, not_before=NOW + until_h * HOUR
    )


def test_held_messages_are_due_when_they_may_leave_and_bring_their_job(store: Store) -> None:
    job = Job(id="j0002", do_number="DO2", date="2026-03-03")
    store.save(only(job_row(job)))
    second, first = hold(store, 2, 2), hold(store, 1, 1)
    hold(store, 3, 5)
    hold(store, 4, 1, "volume_guard")
    due = store.held_due("live", NOW + 2 * HOUR)
    assert [one.message.id for one in due] == [first, second]
    assert due[0].job is None
    assert due[1].job is not None
    assert due[1].job.subject == "id:j0002"
    assert len(store.held_due("live", NOW + 2 * HOUR, limit=1)) == 1
    assert store.held_due("test", NOW + 2 * HOUR) == []


def test_a_second_judgement_is_written_only_while_the_message_is_held(store: Store) -> None:
    send, stop, wait, gone = (hold(store, n, 1) for n in (1, 2, 3, 4))
    store.cancel(Wanted(ids=(gone,)), NOW)
    later = NOW + 9 * HOUR
    done = store.resolve_held(
        [
            Resolution(id=send, state="queued", body="New words", encoding="UCS2", segments=2),
            Resolution(id=stop, state="cancelled", gate="opted_out", reason="opted_out"),
            Resolution(
                id=wait, state="held", gate="quiet_hours", reason="quiet_hours", not_before=later
            ),
            Resolution(id=gone, state="queued"),
        ],
        NOW + HOUR,
    )
    assert done == {send, stop, wait}
    found = {one.id: one for one in store.list_messages(Wanted())}
    assert (found[send].state, found[send].body, found[send].segments, found[send].gate) == (
        "queued",
        "New words",
        2,
        "",
    )
    assert (found[stop].state, found[stop].reason, found[stop].body) == (
        "cancelled",
        "opted_out",
        "Hi",
    )
    assert (found[wait].state, found[wait].not_before) == ("held", later)
    assert found[gone].state == "cancelled"
    assert store.held_due("live", NOW + HOUR) == []
    assert store.resolve_held([], NOW) == set()
