"""What the console asks of the database, on both."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from store_cases import NOW, batch, key, message, note_tries, number

from smsnotify.model.message import Attempt, InboundMessage, Message, Result
from smsnotify.store.account_figures import LastHour
from smsnotify.store.batch import Batch
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

HOUR = timedelta(hours=1)


def keep(store: Store, n: int, **rest: object) -> Message:
    """Store one message."""
    made = message(key(n), **rest)
    store.save(Batch(jobs=[], events=[], decisions=[], messages={key(n): made}, at=NOW))
    return made


def test_messages_meant_for_a_number_are_of_its_address(store: Store) -> None:
    tester = number(9)
    meant = keep(store, 1, recipient=tester, intended=number(1))
    keep(store, 2)
    assert store.list_messages(Wanted(address=number(1))) == [meant]
    assert store.list_messages(Wanted(address=tester)) == [meant]
    assert store.list_messages(Wanted(recipient=number(1))) == []
    assert store.list_messages(Wanted(address=number(1), rule="other")) == []


def test_a_page_begins_behind_the_one_before(store: Store) -> None:
    made = [keep(store, n) for n in range(1, 4)]
    newest = store.list_messages(Wanted(), 2)
    assert newest == [made[2], made[1]]
    assert store.list_messages(Wanted(before=newest[-1].id), 2) == [made[0]]


def test_a_message_is_found_by_the_providers_id(store: Store) -> None:
    made = keep(store, 1, provider_message_id="SM1")
    keep(store, 2)
    assert store.message_with_provider_id("SM1") == made.id
    assert store.message_with_provider_id("SM2") == ""
    assert store.message_with_provider_id("") == ""
    assert store.message_with_provider_id("\0") == ""


def test_a_job_is_known_by_every_name(store: Store) -> None:
    store.save(batch())
    assert all(map(store.knows_job, ("DO1", "j0001", "id:j0001")))
    assert not any(map(store.knows_job, ("DO2", "", "\0")))


def test_replies_that_wait_are_counted(store: Store) -> None:
    texts = [
        InboundMessage(provider_message_id=f"p{n}", sender=number(n), to="+65", body="hm")
        for n in range(3)
    ]
    store.note_replies("main", texts, NOW)
    assert store.count_open_replies() == 0
    with store.begin() as connection:
        connection.execute(
            text("UPDATE replies SET state = 'inbox' WHERE provider_message_id <> 'p0'")
        )
    assert store.count_open_replies() == 2


def test_the_newest_lines_come_once_each(store: Store) -> None:
    store.save(batch((1, 2)))  # both came in one line
    assert [line.job for line in store.newest_lines()] == ["DO2"]
    with store.begin() as connection:
        connection.execute(
            text("UPDATE events SET raw = :own WHERE subject = 'id:j0001'"), {"own": b"[1]"}
        )
    assert [(line.name, line.job) for line in store.newest_lines()] == [
        ("completed", "DO2"),
        ("completed", "DO1"),
    ]
    assert len(store.newest_lines(1)) == 1


def test_messages_are_counted_by_hour(store: Store) -> None:
    for n, minutes in enumerate((0, 59, 60, 150, 400), 1):
        at = NOW + timedelta(minutes=minutes)
        store.save(Batch([], [], [], {key(n): message(key(n), at)}, at))
    told = store.messages_by_hour(NOW, NOW + timedelta(minutes=170), "live")
    assert told == [2, 1, 1]
    assert store.messages_by_hour(NOW, NOW, "live") == [0]
    assert store.messages_by_hour(NOW, NOW + HOUR, "test") == [0]


def test_an_hour_is_told_by_account(store: Store) -> None:
    made = keep(store, 1)

    def tried(minutes: int, account: str, result: Result, error: str = "") -> Attempt:
        return Attempt(
            message_id=made.id,
            account=account,
            at=NOW - timedelta(minutes=minutes),
            latency_ms=100 + minutes,
            result=result,
            error=error,
        )

    note_tries(
        store,
        tried(90, "main", Result.ACCEPTED),
        tried(50, "main", Result.REJECTED, "no_credit"),
        tried(2, "main", Result.ACCEPTED),
        tried(1, "other", Result.ACCEPTED),
    )
    hours = store.last_hour(NOW)
    assert hours["main"] == LastHour(
        tries=2,
        results={"rejected": 1, "accepted": 1},
        errors={"no_credit": 1},
        a_minute=0.2,
        latency_ms=126.0,
        last_at=NOW - timedelta(minutes=2),
    )
    assert hours["main"].accepted_share == 0.5
    assert hours["other"].tries == 1
    assert store.last_hour(NOW + 2 * HOUR) == {}
