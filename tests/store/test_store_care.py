"""Why, notes, forgetting, examining and copying, on both databases."""

from __future__ import annotations

import sqlite3
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from store_cases import (
    NOW,
    NUMBER,
    batch,
    decision,
    job_row,
    key,
    message,
    note_tries,
    number,
    only,
)

from smsnotify.base.errors import StoreError, StoreUnavailableError
from smsnotify.model.decision import Verdict
from smsnotify.model.job import Job
from smsnotify.model.message import Attempt, MessageState, Result
from smsnotify.store.batch import Batch
from smsnotify.store.open import open_store
from smsnotify.store.outbox import Wanted
from smsnotify.store.retention import Pruned
from smsnotify.store.store import Store


@pytest.mark.parametrize("name", ["DO1", "j0001", "id:j0001", "do:delivery|DO1|2026-03-03"])
def test_a_job_is_told_by_whatever_people_call_it(store: Store, name: str) -> None:
    store.save(batch([1, 2]))
    told = store.story_of_job(name)
    assert told
    assert [job.subject for job in told.jobs] == ["id:j0001"]
    assert [one.name for one in told.events] == ["completed"]
    assert [one.rule for one in told.messages] == ["delivered"]
    (decided,) = told.decisions
    assert (decided.verdict, decided.recipient, decided.event_id) == ("send", number(1), "e1")
    assert (decided.message_id, decided.decided_at) == (told.messages[0].id, NOW)


def test_one_number_of_several_jobs_tells_of_all(store: Store) -> None:
    days = ("2026-03-03", "2026-03-04")
    store.save(only(*(job_row(Job(id=day, do_number="D", date=day)) for day in days)))
    assert len(store.story_of_job("D").jobs) == 2


def test_nothing_is_told_of_a_stranger(store: Store) -> None:
    store.save(batch([1]))
    assert not store.story_of_job("nobody")
    assert not store.story_of_number(NUMBER)


def test_a_number_is_told_what_was_sent_and_what_was_not(store: Store) -> None:
    store.save(batch([1, 2]))
    stopped = decision(3, Verdict.STOP, message_key=key(3, recipient=number(1)), reason="too_old")
    store.save(Batch(jobs=[], events=[], decisions=[stopped], messages={}, at=NOW))
    told = store.story_of_number(number(1))
    assert [one.subject for one in told.messages] == ["id:j0001"]
    assert sorted(one.reason for one in told.decisions) == ["", "too_old"]


def test_a_redirected_text_is_told_for_both_numbers(store: Store) -> None:
    store.save(batch([1], recipient=NUMBER))
    assert len(store.story_of_number(number(1)).messages) == 1
    assert len(store.story_of_number(NUMBER).messages) == 1


def test_notes_and_watermarks_are_kept(store: Store) -> None:
    assert (store.get_meta("a"), store.get_watermark("a")) == ("", None)
    for value in ("1", "2"):
        store.set_meta("a", value)
        store.set_watermark("a", NOW + timedelta(hours=int(value)))
    assert (store.get_meta("a"), store.get_watermark("a")) == ("2", NOW + timedelta(hours=2))


def test_a_pause_is_seen_and_ended(store: Store) -> None:
    store.pause("main", note="by hand")
    assert store.paused().accounts == {"main"}
    assert store.resume("main")
    assert not store.resume("main")
    assert not store.paused()


def after(store: Store, **age: int) -> Pruned:
    return store.prune(NOW + timedelta(**age))


def fill(store: Store) -> None:
    """One delivered text with everything around it."""
    store.save(batch([1], state=MessageState.DELIVERED, error_text="late"))
    sent = store.list_messages(Wanted())[0].id
    tried = Attempt(message_id=sent, account="m", at=NOW, latency_ms=1, result=Result.ACCEPTED)
    note_tries(store, tried)


def test_nothing_is_forgotten_early(store: Store) -> None:
    fill(store)
    assert after(store, days=29) == Pruned()


def test_decisions_and_attempts_are_forgotten_after_a_month(store: Store) -> None:
    fill(store)
    assert after(store, days=31) == Pruned(decisions=1, attempts=1)
    assert after(store, days=31) == Pruned()


def test_raw_things_are_forgotten_after_three_months_and_the_key_stays(store: Store) -> None:
    fill(store)
    pruned = after(store, days=91)
    assert (pruned.events, pruned.snapshots, pruned.bodies, pruned.messages) == (1, 1, 1, 0)
    (kept,) = store.list_messages(Wanted())
    assert (kept.body, kept.error_text) == ("", "")
    assert store.save(batch([1])).keys() == {key(1)}
    assert store.find_jobs(["id:j0001"])["id:j0001"].state.phase == "completed"


def test_keys_and_jobs_are_forgotten_after_four_hundred_days(store: Store) -> None:
    fill(store)
    pruned = after(store, days=401)
    assert (pruned.messages, pruned.jobs) == (1, 1)
    assert store.is_blank()
    assert store.find_jobs(["id:j0001"]) == {}
    assert store.check().problems == []


@pytest.mark.parametrize("state", ["held", "queued", "sending", "unknown"])
def test_what_is_not_settled_is_never_forgotten(store: Store, state: str) -> None:
    store.save(batch([1], state=MessageState(state)))
    after(store, days=500)
    assert [one.body for one in store.list_messages(Wanted())] == ["Hi"]


def test_more_than_a_portion_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsnotify.store.retention._AT_ONCE", 3)
    store.save(batch(range(1, 11)))
    assert after(store, days=91).events == 10


def test_an_examination_counts_and_finds_nothing_wrong(store: Store) -> None:
    store.save(batch([1, 2]))
    found = store.check()
    assert (found.rows["messages"], found.rows["aliases"], found.problems) == (2, 4, [])
    assert found.place == store.place


def test_an_examination_finds_names_that_lead_nowhere(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(text("INSERT INTO aliases VALUES ('id:1', 'id:1')"))
    assert store.check().problems == ["1 names lead to no job"]


def test_a_backup_is_a_whole_database_for_its_owner_alone(
    sqlite_store: Store, tmp_path: Path
) -> None:
    sqlite_store.save(batch([1, 2]))
    target = tmp_path / "copy.db"
    with sqlite_store.begin() as connection:
        connection.execute(text("SELECT 1"))
        assert sqlite_store.backup(target) == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with open_store(f"sqlite:///{target}") as copy:
        assert copy.taken([key(1), key(2)]).keys() == {key(1), key(2)}
        assert copy.recipient_hash(NUMBER) == sqlite_store.recipient_hash(NUMBER)
    sqlite3.connect(target).close()


def test_a_backup_is_of_one_moment_while_others_write(sqlite_store: Store, tmp_path: Path) -> None:
    """Every transaction is in the copy as a whole, or not at all."""
    done = threading.Event()

    def write() -> None:
        numbers = iter(range(10, 10_000))
        while not done.is_set():
            sqlite_store.save(batch([next(numbers), next(numbers)]))

    sqlite_store.save(batch([1, 2]))
    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [tmp_path / f"copy{n}.db" for n in range(5)]
        for copy in copies:
            sqlite_store.backup(copy)
    finally:
        done.set()
        writer.join()
    for copy in copies:
        with open_store(f"sqlite:///{copy}", create=False) as opened, opened.read() as connection:
            count = connection.execute(text("SELECT count(*) FROM jobs")).scalar_one()
            assert count >= 2
            assert count % 2 == 0
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


def test_a_backup_overwrites_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("dear")
    with pytest.raises(StoreError, match="exists already"):
        sqlite_store.backup(target)
    assert target.read_text() == "dear"
    with pytest.raises(StoreUnavailableError, match="cannot be written"):
        sqlite_store.backup(tmp_path / "missing" / "copy.db")


def test_postgresql_brings_its_own_backup(postgres_url: str, tmp_path: Path) -> None:
    with open_store(postgres_url) as store, pytest.raises(StoreError) as told:
        store.backup(tmp_path / "copy")
    assert told.value.hint == "use pg_dump"


def test_a_text_and_its_event_may_be_of_any_words(store: Store) -> None:
    words = "Grüße, 你好 🚚 ' \" % ; -- \\"
    made = message(key(1), body=words, job=words)
    job = Job(id="j0001", do_number=words)
    store.save(Batch([job_row(job)], [], [], {key(1): made}, NOW))
    assert store.list_messages(Wanted(job=words))[0].body == words
