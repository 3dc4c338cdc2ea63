"""Saving: the UNIQUE key has the last word, and names lead to the right job."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import text
from store_cases import NOW, batch, decision, event, job_row, key, message, names, only

from smsnotify.base.errors import StoreError
from smsnotify.model.decision import Earlier, Verdict
from smsnotify.model.job import Job
from smsnotify.model.jobstate import JobState
from smsnotify.model.message import MessageState
from smsnotify.store.batch import Batch, EventRow
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store
from smsnotify.store.unstorable import storable


def decisions_of(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as connection:
        rows = connection.execute(text("SELECT verdict, reason, message_id FROM decisions"))
        return sorted((row[0], row[1], row[2]) for row in rows)


def test_a_new_key_is_kept_and_found_again(store: Store) -> None:
    saved = batch([1, 2])
    assert store.save(saved) == {}
    taken = store.taken([key(1), key(2), key(3)])
    assert {k: earlier.id for k, earlier in taken.items()} == {
        k: kept.id for k, kept in saved.messages.items()
    }
    assert taken[key(1)].state == MessageState.QUEUED


def test_every_part_of_a_key_makes_another_message(store: Store) -> None:
    store.save(batch([1]))
    others = [
        key(1, mode="test"),
        key(1, kind="arrived"),
        key(1, rule="other"),
        key(1, occasion="2"),
        key(1, channel="email"),
        key(1, recipient="+6590000000"),
        key(1, subject="id:other"),
    ]
    assert store.taken(others) == {}


def test_the_same_news_again_is_kept_once_and_told(store: Store) -> None:
    first, again = batch([1, 2]), batch([2, 3])
    store.save(first)
    lost = store.save(again)
    assert lost.keys() == {key(2)}
    assert lost[key(2)].id == first.messages[key(2)].id
    assert store.count_messages(Wanted()) == 3


def test_a_message_that_lost_is_recorded_as_a_duplicate_of_the_earlier(store: Store) -> None:
    first = batch([1])
    store.save(first)
    store.save(batch([1]))
    kept = first.messages[key(1)].id
    assert decisions_of(store) == [("send", "", kept), ("stop", "duplicate", kept)]


def test_the_same_stop_of_the_same_key_is_recorded_once(store: Store) -> None:
    stopped = decision(1, Verdict.STOP, gate="opted_out", reason="opted_out")
    for _ in range(2):
        store.save(Batch(jobs=[], events=[], decisions=[stopped], messages={}, at=NOW))
    assert decisions_of(store) == [("stop", "opted_out", "")]


def test_what_happened_to_jobs_is_told_in_the_order_in_which_it_happened(store: Store) -> None:
    minute, one, two = timedelta(minutes=1), "id:1", "do:delivery|DO\x00|"
    for at, rows in (
        (NOW, [("completed", None), ("failed", None), ("noise", None), ("failed", None)]),
        (NOW + minute, [("completed", NOW - minute), ("arrived", NOW)]),
    ):
        events = [EventRow(one, name, "", time, b"{}") for name, time in rows]
        events.append(EventRow(two, "completed", "\x00", None, b"{}"))
        store.save(Batch(jobs=[], events=events, decisions=[], messages={}, at=at))
    told = store.happened({one, two, "id:unknown"}, {"completed", "failed", "arrived"})
    assert told[one] == [
        ("completed", NOW - minute),
        ("completed", NOW),
        ("failed", NOW),
        ("failed", NOW),
        ("arrived", NOW),
    ]
    assert told[two] == [("completed", NOW), ("completed", NOW + minute)]
    assert told.keys() == {one, two}


def test_a_stopped_draft_leaves_no_key(store: Store) -> None:
    stopped = decision(1, Verdict.STOP, gate="opted_out", reason="opted_out")
    store.save(Batch(jobs=[], events=[], decisions=[stopped], messages={}, at=NOW))
    assert store.taken([key(1)]) == {}


def test_two_processes_with_the_same_news_text_once(store: Store) -> None:
    ready = Barrier(4)

    def save(_: int) -> int:
        mine = batch(range(1, 60))
        ready.wait()
        return len(store.save(mine))

    with ThreadPoolExecutor(4) as pool:
        lost = list(pool.map(save, range(4)))
    assert sum(lost) == 3 * 59
    assert store.count_messages(Wanted()) == 59


def test_nothing_of_a_refused_batch_is_stored(store: Store) -> None:
    broken = batch([1, 2])
    broken.messages[key(2)] = message(key(2), segments=None)
    with pytest.raises(StoreError):
        store.save(broken)
    assert store.is_blank()


def test_what_the_guard_held_back_gives_up_its_key_to_the_next_run(store: Store) -> None:
    held = batch([1], state=MessageState.HELD, gate="volume_guard", run="first")
    store.save(held)
    old = store.taken([key(1)])[key(1)]
    assert (old.gate, old.run) == ("volume_guard", "first")
    again = batch([1], run="second")
    again.replaces = [old.id]
    assert store.save(again) == {}
    (kept,) = store.list_messages(Wanted())
    assert (kept.id, kept.run, kept.state) == (again.messages[key(1)].id, "second", "queued")
    assert decisions_of(store) == [("send", "", kept.id)]


def test_what_went_out_meanwhile_keeps_its_key(store: Store) -> None:
    store.save(batch([1], state=MessageState.HELD, gate="volume_guard", run="first"))
    old = store.taken([key(1)])[key(1)]
    store.release_run("first", NOW)
    again = batch([1], run="second")
    again.replaces = [old.id]
    assert store.save(again)[key(1)].id == old.id


def test_a_message_reads_back_as_it_was_written(store: Store) -> None:
    written = message(
        key(1),
        event_time=NOW - timedelta(microseconds=1),
        not_before=NOW + timedelta(hours=1),
        expires_at=NOW + timedelta(days=1),
        body="Grüße 🚚",
        encoding="UCS2",
        segments=2,
    )
    store.save(Batch(jobs=[], events=[], decisions=[], messages={key(1): written}, at=NOW))
    assert store.list_messages(Wanted()) == [written]


def test_a_job_is_found_by_all_its_names_with_its_newest_state(store: Store) -> None:
    row = job_row(Job(id="7", do_number="D", date="2026-03-03"), phase="scheduled")
    store.save(only(row))
    store.save(only(job_row(row.job, phase="completed")))
    found = store.find_jobs([*row.names, "id:8"])
    assert found.keys() == set(row.names)
    assert {known.subject for known in found.values()} == {"id:7"}
    assert found["id:7"].state == JobState("completed", 1, "2026-03-03")


def test_an_id_that_turns_up_later_leads_to_the_first_name(store: Store) -> None:
    idless = Job(do_number="D", date="2026-03-03")
    store.save(only(job_row(idless)))
    subject = "do:delivery|D|2026-03-03"
    with_id = Job(id="7", do_number="D", date="2026-03-03")
    store.save(only(job_row(with_id, subject, phase="failed")))
    moved = Job(id="7", do_number="D", date="2026-03-04")
    store.save(only(job_row(moved, subject)))
    found = store.find_jobs(["id:7", subject, "do:delivery|D|2026-03-04"])
    assert {known.subject for known in found.values()} == {subject}
    assert len(found) == 3
    assert store.has_idless_jobs()


def test_a_number_and_date_belong_to_the_job_that_had_them_last(store: Store) -> None:
    first = Job(id="1", do_number="D", date="2026-03-03")
    second = Job(id="2", do_number="D", date="2026-03-03")
    store.save(only(job_row(first), job_row(second)))
    assert store.find_jobs(["do:delivery|D|2026-03-03"]).popitem()[1].subject == "id:2"
    store.save(only(job_row(first)))
    found = store.find_jobs(["do:delivery|D|2026-03-03", "id:2"])
    assert [known.subject for known in found.values()].count("id:1") == 1
    assert found["id:2"].subject == "id:2"


def test_an_id_stays_with_its_subject_for_ever(store: Store) -> None:
    job = Job(id="7", do_number="D", date="2026-03-03")
    store.save(only(job_row(job)))
    store.save(only(job_row(job, "do:delivery|D|2026-03-03")))
    assert store.find_jobs(["id:7"])["id:7"].subject == "id:7"


def test_a_job_seen_by_number_alone_is_still_found_by_its_id(store: Store) -> None:
    row = job_row(Job(do_number="D", date="2026-03-03"), "id:7")
    store.save(only(row))
    assert store.find_jobs(["id:7"])["id:7"].subject == "id:7"


def test_recall_asks_for_numbers_only_while_a_job_has_no_id(store: Store) -> None:
    row = job_row(Job(id="7", do_number="D", date="2026-03-03"))
    store.save(only(row))
    assert store.recall([row.names]).keys() == {"id:7"}
    assert store.recall([row.names[1:]]).keys() == {row.names[1]}
    store.save(only(job_row(Job(do_number="E"))))
    assert store.recall([row.names]).keys() == set(row.names)


def test_jobs_of_some_days_come_by_date_and_with_what_was_stored(store: Store) -> None:
    days = {"1": "2026-03-01", "2": "2026-03-04", "3": "2026-03-03", "4": "2026-03-06", "5": None}
    rows = [job_row(Job(id=n, do_number=n, date=day)) for n, day in days.items()]
    store.save(only(*rows))
    first, last = NOW.date(), NOW.date() + timedelta(days=2)
    found = list(store.jobs_between(first, last))
    assert [job.subject for job in found] == ["id:3", "id:2"]
    assert found[0].snapshot == b'{"do_number":"3"}'
    assert (found[0].seen_at, found[0].dated_at) == (NOW, NOW)


def test_more_jobs_than_a_page_are_all_told_once(store: Store) -> None:
    rows = [job_row(Job(id=f"{n:04}", do_number="D", date="2026-03-03")) for n in range(1203)]
    store.save(only(*rows))
    found = [job.subject for job in store.jobs_between(NOW.date(), NOW.date() + timedelta(days=1))]
    assert found == [f"id:{n:04}" for n in range(1203)]


def test_a_moved_job_is_dated_anew_and_a_mere_update_is_not(store: Store) -> None:
    later = NOW + timedelta(hours=5)
    for at, day in ((NOW, "2026-03-03"), (later, "2026-03-03")):
        store.save(Batch([job_row(Job(id="7", date=day))], [], [], {}, at))
    assert store.jobs_by_subject(["id:7"])["id:7"].dated_at == NOW
    store.save(Batch([job_row(Job(id="7", date="2026-03-04"))], [], [], {}, later))
    moved = store.jobs_by_subject(["id:7"])["id:7"]
    assert (moved.dated_at, moved.date) == (later, "2026-03-04")


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"])
def test_what_no_database_can_hold_hides_no_duplicate(store: Store, bad: str) -> None:
    job = Job(id=bad, do_number=bad, date="2026-03-03")
    row = job_row(Job(id="x", do_number="x", date="2026-03-03"))
    row = type(row)(f"id:{bad}", names(job), row.state, job, b"{}")
    bad_key = key(1, subject=f"id:{bad}")
    made = decision(1, message_key=bad_key)
    for n in range(2):
        lost = store.save(
            Batch([row], [], [made], {bad_key: message(bad_key, body=f"Hi {bad}")}, NOW)
        )
        assert lost.keys() == ({bad_key} if n else set())
    assert store.taken([bad_key]).keys() == {bad_key}
    assert store.find_jobs(row.names).keys() == set(row.names)
    assert store.list_messages(Wanted())[0].body == f"Hi {storable(bad)}"


def test_an_event_is_kept_as_it_came(store: Store) -> None:
    store.save(batch([1]))
    (kept,) = store.story_of_job("DO1").events
    assert (kept.name, kept.raw, kept.time) == ("completed", b"{}", NOW)
    assert event(1).id == kept.event_id


def test_a_duplicate_points_at_the_earlier_message_wherever_that_is(store: Store) -> None:
    first = batch([1])
    doubled = decision(
        1, Verdict.STOP, gate="duplicate", reason="duplicate", earlier=Earlier("", "queued")
    )
    first.decisions.append(doubled)
    store.save(first)
    known = decision(
        2, Verdict.STOP, gate="duplicate", reason="duplicate", earlier=Earlier("m2", "sent")
    )
    store.save(Batch(jobs=[], events=[], decisions=[known], messages={}, at=NOW))
    kept = first.messages[key(1)].id
    assert decisions_of(store) == [
        ("send", "", kept),
        ("stop", "duplicate", kept),
        ("stop", "duplicate", "m2"),
    ]


def test_a_text_that_postgresql_cannot_hold_is_repaired_on_the_second_try(store: Store) -> None:
    made = message(key(1), route="a\0b")
    store.save(Batch(jobs=[], events=[], decisions=[], messages={key(1): made}, at=NOW))
    assert store.list_messages(Wanted())[0].route in ("a\0b", "a\ufffdb")
