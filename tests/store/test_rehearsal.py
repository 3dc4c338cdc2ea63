"""A dry run's memory gives the answers that the store would give."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_cases import NOW, batch, job_row, key, message, names, only

from smsnotify.model.decision import Earlier, MessageKey
from smsnotify.model.facts import Person
from smsnotify.model.job import Job
from smsnotify.model.jobstate import JobState, KnownJob
from smsnotify.model.message import MessageState
from smsnotify.model.silence import Silence
from smsnotify.store import spill
from smsnotify.store.batch import Batch, EventRow, JobRow
from smsnotify.store.open import open_existing, open_store
from smsnotify.store.outbox import Wanted
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.store import Store

HOUR = timedelta(hours=1)
STATES = {"queued": MessageState.QUEUED, "unchanged": MessageState.CANCELLED}


@pytest.fixture(autouse=True)
def _small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few slots: keys of one slot meet, and a table is made in no time."""
    monkeypatch.setattr(spill, "SLOTS", 64)


# Few values, so that they meet often: two ids, two numbers, two days.
jobs = st.builds(
    Job,
    id=st.sampled_from([None, None, "1", "2", "3"]),
    do_number=st.sampled_from(["A", "B"]),
    date=st.sampled_from(["2026-03-03", "2026-03-04"]),
)
states = st.builds(JobState, st.sampled_from(["scheduled", "completed"]), st.integers(1, 2))
keys = st.builds(
    key,
    st.integers(1, 3),
    kind=st.sampled_from(["completed", "arrived"]),
    mode=st.sampled_from(["live", "test"]),
)
GATES = ["queued", "quiet_hours", "volume_guard", "unchanged"]
texts = st.lists(st.tuples(keys, st.sampled_from(GATES)))
chunks = st.lists(st.tuples(st.lists(st.tuples(jobs, states), max_size=4), texts), max_size=6)

ALL_NAMES = sorted(
    {
        name
        for own in (None, "1", "2", "3")
        for number in ("A", "B")
        for day in ("2026-03-03", "2026-03-04")
        for name in names(Job(id=own, do_number=number, date=day))
    }
)
ALL_KEYS = [
    key(n, kind=kind, mode=mode)
    for n in (1, 2, 3)
    for kind in ("completed", "arrived")
    for mode in ("live", "test")
]


def subject_of(called: tuple[str, ...], known: dict[str, KnownJob]) -> str:
    """Which job it is, by the rule: the id first, then the number while that job has no id."""
    found = known.get(called[0])
    if found is None and len(called) > 1:
        found = known.get(called[1])
        if found is not None and not found.subject.startswith("do:"):
            found = None
    return found.subject if found is not None else called[0]


def work(memory: Any, chunk: Any, run: str, serial: list[int]) -> list[object]:
    """Do with a memory what intake does with a chunk; return every answer."""
    seen, wanted = chunk
    called = [names(job) for job, _ in seen]
    recalled = memory.recall(called)
    known = memory.find_jobs([name for one in called for name in one])
    answers: list[object] = [known, [subject_of(one, recalled) for one in called]]
    rows = []
    for job, state in seen:
        subject = subject_of(names(job), known)
        rows.append(JobRow(subject, names(job), state, job, b"{}"))
        known |= {name: KnownJob(subject, state) for name in names(job)}
        known[subject] = KnownJob(subject, state)
    taken = memory.taken([one for one, _ in wanted])
    replaced = {
        one: earlier
        for one, earlier in taken.items()
        if (earlier.gate == "volume_guard" and earlier.state == "held" and earlier.run != run)
        or (earlier.gate == "unchanged" and earlier.state == "cancelled")
    }
    answers.append(plain(taken))
    messages = {}
    for one, gate in wanted:
        serial[0] += 1
        held = gate != "queued"
        if one in replaced and serial[0] % 3 == 0:
            continue  # judged again, and stopped: its key is free
        messages[one] = message(
            one,
            id=f"{serial[0]:026}",
            state=STATES.get(gate, MessageState.HELD),
            gate=gate if held else "",
            run=run,
        )
    events = [
        EventRow(row.subject, row.state.phase, "", NOW - row.job.attempt_number * HOUR, b"")
        if row.job.id
        else EventRow(row.subject, row.state.phase, "", None, b"")
        for row in rows
    ]
    lost = memory.save(
        Batch(rows, events, [], messages, NOW, replaces=[one.id for one in replaced.values()])
    )
    answers += [plain(lost), memory.find_jobs(ALL_NAMES), plain(memory.taken(ALL_KEYS))]
    answers.append(memory.has_idless_jobs())
    subjects = {row.subject for row in rows} | {known.subject for known in recalled.values()}
    answers += [memory.happened(subjects, {name}) for name in ("scheduled", "completed")]
    return answers


def plain(taken: dict[MessageKey, Earlier]) -> dict[MessageKey, tuple[str, str, str, str]]:
    return {one: (e.id, str(e.state), e.gate, e.run) for one, e in taken.items()}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=chunks, after=chunks)
def test_every_answer_is_the_stores_own(
    sqlite_template: Path, tmp_path: Path, before: Any, after: Any
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    real, base = folder / "real.db", folder / "base.db"
    for path in (real, base):
        shutil.copy(sqlite_template, path)
        with open_store(f"sqlite:///{path}") as store:
            serial = [0]
            for chunk in before:
                work(store, chunk, "first", serial)
    serial_real, serial_dry = [1000], [1000]
    with open_store(f"sqlite:///{real}") as store:
        rehearsal = Rehearsal(open_existing(f"sqlite:///{base}"))
        untouched = base.read_bytes()
        for chunk in after:
            told = work(store, chunk, "second", serial_real)
            assert work(rehearsal, chunk, "second", serial_dry) == told
        rehearsal.close()
    assert base.read_bytes() == untouched


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chunks=chunks)
def test_without_a_database_every_answer_is_that_of_an_empty_one(
    sqlite_template: Path, tmp_path: Path, chunks: Any
) -> None:
    path = Path(tempfile.mkdtemp(dir=tmp_path)) / "real.db"
    shutil.copy(sqlite_template, path)
    rehearsal, serials = Rehearsal(None), ([0], [0])
    with open_store(f"sqlite:///{path}") as store:
        for chunk in chunks:
            told = work(store, chunk, "run", serials[0])
            assert work(rehearsal, chunk, "run", serials[1]) == told
    rehearsal.close()


def test_a_rehearsal_writes_nothing_to_the_real_store(sqlite_store: Store) -> None:
    rehearsal = Rehearsal(sqlite_store)
    rehearsal.save(batch(range(1, 50)))
    assert sqlite_store.is_blank()
    rehearsal.close()


def test_what_is_known_of_people_comes_from_the_real_store(sqlite_store: Store) -> None:
    sqlite_store.opt_out("+6591000001", NOW, source="hand")
    rehearsal = Rehearsal(sqlite_store)
    assert rehearsal.people(["+6591000001"])["+6591000001"].opted_out
    rehearsal.close()
    assert Rehearsal(None).people(["+6591000001"]) == dict[str, Person]()


def test_silences_are_the_real_stores_though_nothing_else_is_stored(store: Store) -> None:
    flood = Silence(
        id="0" * 26,
        group="ACME",
        reason="flood",
        author="kim",
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=1),
        created_at=NOW,
    )
    store.add_silence(flood)
    rehearsal = Rehearsal(store)
    for minutes in (-1, 0, 59, 60):
        at = NOW + timedelta(minutes=minutes)
        running = (flood,) if 0 <= minutes < 60 else ()
        assert store.silences(at) == rehearsal.silences(at) == running
    assert store.expire_silence(flood.id, NOW + timedelta(minutes=30))
    assert rehearsal.silences(NOW + timedelta(minutes=29))
    assert not rehearsal.silences(NOW + timedelta(minutes=30))
    rehearsal.close()


@pytest.mark.parametrize("told", ["1A 2A 1A", "1A 1B", "1A 2B 1A 2B", "1A 1B 2A 1B"])
def test_whose_a_number_is_comes_out_alike_when_a_chunk_tells_of_a_job_more_than_once(
    store: Store, told: str
) -> None:
    rows = [job_row(Job(id=one[0], do_number=one[1])) for one in told.split()]
    rehearsal = Rehearsal(None)
    for memory in (store, rehearsal):
        memory.save(only(*rows))
    asked = ["id:1", "id:2", "do:delivery|A|", "do:delivery|B|"]
    assert rehearsal.find_jobs(asked) == store.find_jobs(asked)
    rehearsal.close()


def test_reminders_of_a_dry_run_see_its_own_jobs_above_the_stored_ones(store: Store) -> None:
    stored = [job_row(Job(id=n, do_number=n, date="2026-03-03")) for n in ("1", "2")]
    store.save(only(*stored))
    rehearsal = Rehearsal(store, with_snapshots=True)
    later = NOW + timedelta(hours=1)
    moved = job_row(Job(id="1", do_number="1", date="2026-03-09"))
    again = job_row(Job(id="2", do_number="2", date="2026-03-03"), phase="scheduled")
    new = job_row(Job(id="3", do_number="3", date="2026-03-03"))
    rehearsal.save(Batch([moved, again, new], [], [], {}, later))
    found = {
        job.subject: job for job in rehearsal.jobs_between(NOW.date(), NOW.date() + timedelta(3))
    }
    assert found.keys() == {"id:2", "id:3"}
    assert (found["id:2"].dated_at, found["id:3"].dated_at) == (NOW, later)
    assert found["id:2"].state.phase == "scheduled"


def test_stored_jobs_are_told_when_snapshots_are_not_kept(sqlite_store: Store) -> None:
    sqlite_store.save(only(job_row(Job(id="1", do_number="1", date="2026-03-03"))))
    rehearsal = Rehearsal(sqlite_store)
    days = (NOW.date(), NOW.date() + timedelta(3))
    assert [job.subject for job in rehearsal.jobs_between(*days)] == ["id:1"]
    rehearsal.close()


def test_a_stored_text_that_the_guard_held_back_is_replaced_once(store: Store) -> None:
    store.save(batch([1], state=MessageState.HELD, gate="volume_guard", run="first"))
    rehearsal = Rehearsal(store)
    old = rehearsal.taken([key(1)])[key(1)]
    again = batch([1], run="second")
    again.replaces = [old.id]
    assert rehearsal.save(again) == {}
    assert rehearsal.taken([key(1)])[key(1)].run == "second"
    assert store.list_messages(Wanted())[0].run == "first"


@pytest.mark.parametrize("count", [0, 100])
def test_a_closed_rehearsal_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(spill, "_IN_MEMORY", 1000)
    rehearsal = Rehearsal(None)
    rehearsal.save(batch(range(count)))
    rehearsal.close()
    assert list(tmp_path.iterdir()) == []
