"""Digests under load: whoever comes and ticks at the same time, every job is told exactly once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier

import pytest
from digest_desk import NOW, DigestDesk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsnotify.model.message import MessageState
from smsnotify.store.open import open_store
from smsnotify.store.store import Store

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with open_store(database_url) as opened:
        yield opened


def told(desk: DigestDesk) -> Counter[str]:
    """Count how often each job stands in a text that may leave."""
    return Counter(job for body in desk.bodies() for job in re.findall(r"DO-\d+", body))


def test_several_ticks_at_once_tell_of_every_job_once(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = DigestDesk(store, tmp_path, NOW)
    for number in range(1, 61):
        desk.loaded(number, phone_number=f"+6591230{number % 7:03}")
    desk.now += timedelta(minutes=10)
    together = Barrier(4, timeout=20)

    def tick() -> None:
        with open_store(database_url) as own:
            worker = desk.of(own)
            together.wait()
            for _ in range(5):
                worker.release()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(tick) for _ in range(4)]:
            done.result()
    assert told(desk) == {f"DO-{number}": 1 for number in range(1, 61)}
    assert len(desk.bodies()) == 7


def test_jobs_that_come_while_others_leave_are_told_once(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    desk = DigestDesk(store, tmp_path, NOW)
    together = Barrier(3, timeout=20)

    def load(first: int) -> None:
        with open_store(database_url) as own:
            worker = desk.of(own)
            together.wait()
            for number in range(first, first + 20):
                worker.now += timedelta(minutes=4)
                worker.loaded(number)

    def tick() -> None:
        with open_store(database_url) as own:
            worker = desk.of(own)
            together.wait()
            for _ in range(60):
                worker.wait(1.5)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(load, 1), pool.submit(load, 21), pool.submit(tick)]:
            done.result()
    desk.now += timedelta(hours=12)
    desk.release()
    assert told(desk) == {f"DO-{number}": 1 for number in range(1, 41)}
    assert desk.messages(MessageState.HELD) == []


@pytest.mark.parametrize("where", ["while it is written", "between two windows"])
def test_a_worker_that_is_killed_leaves_no_window_by_halves(
    store: Store, database_url: str, tmp_path: Path, where: str
) -> None:
    desk = DigestDesk(store, tmp_path, NOW)
    desk.loaded(1, 2, 3)
    desk.loaded(4, 5, phone_number="+6591230001")
    worker = [sys.executable, str(HERE / "digest_killed.py"), database_url, str(tmp_path), where]
    assert subprocess.run(worker, check=False, timeout=60, env=ENVIRONMENT).returncode == 9
    left = desk.bodies()
    assert left == (["On the van: DO-1, DO-2, DO-3"] if where == "between two windows" else [])
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-1, DO-2, DO-3", "On the van: DO-4, DO-5"]


STEPS = st.one_of(
    st.tuples(st.just("load"), st.integers(1, 12), st.integers(0, 2)),
    st.tuples(st.just("over"), st.integers(1, 12), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 12), st.just(0)),
    st.tuples(st.just("tick"), st.integers(1, 12), st.just(0)),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=30))
def test_every_job_is_told_once_or_has_a_reason(steps: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with open_store(f"sqlite:///{folder / 'desk.db'}") as store:
            desk = DigestDesk(store, folder, NOW)
            loaded: set[int] = set()
            for what, number, door in steps:
                _happen(desk, what, number, door)
                loaded |= {number} if what == "load" else set()
            desk.wait(60)
            texts = told(desk)
            assert all(count == 1 for count in texts.values())
            stopped = {one.job for one in desk.messages() if one.reason == "no_longer_matches"}
            assert texts.keys() | stopped >= {f"DO-{number}" for number in loaded}
            assert desk.messages(MessageState.HELD) == []
            carriers = {one.id for one in desk.messages(MessageState.QUEUED)}
            assert {one.carried_by for one in desk.messages()} - {""} <= carriers


def _happen(desk: DigestDesk, what: str, number: int, door: int) -> None:
    if what == "load":
        # A job that is over has no more news for the rule.
        if f"DO-{number}" not in {one.job for one in desk.messages()}:
            desk.loaded(number, phone_number=f"+659123000{door}")
    elif what == "over":
        if any(one.job == f"DO-{number}" for one in desk.messages(MessageState.HELD)):
            desk.changed(number, status="cancelled")
    elif what == "wait":
        desk.now += timedelta(minutes=number)
    else:
        texts = Counter(one.intended for one in desk.messages(MessageState.QUEUED))
        desk.wait(number)
        after = Counter(one.intended for one in desk.messages(MessageState.QUEUED))
        assert all(after[who] - texts[who] <= 1 for who in after)  # one text a door and tick
