"""`pause` stops every process within 2 s, and `resume` lets all of them go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crash_stage import Script, Stage, open_nursery

from smsnotify.store.open import upgrade_store

RATE = "messages_per_second = 40\n"
SILENCE_S = 0.7
"""Nothing for so long means that nothing comes any more: at this rate a text comes every 25 ms."""


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Script]:
    folder = tmp_path / "nursery"
    folder.mkdir()
    opened = open_nursery(folder)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/desk.db"
    make_postgres: Callable[[], str] = request.getfixturevalue("make_postgres")
    url = make_postgres()
    upgrade_store(url)
    return url


def wait_until(condition: Callable[[], bool], stage: Stage, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
        stage.log.read()


def last_at(stage: Stage) -> float:
    return max((line["at"] for line in stage.log.lines if line["what"] == "request"), default=0.0)


def test_a_pause_stops_every_process_within_two_seconds(
    database: str, tmp_path: Path, nursery: Script
) -> None:
    stage = Stage(
        tmp_path, nursery, database=database, messages=600, seed=1, factor=1.0, extra=RATE
    )
    with stage:
        pids = [stage.start(take_in=not slot) for slot in range(3)]
        wait_until(lambda: stage.log.counts["taken"] > 20, stage)
        paused_at = time.time()
        stage.store.pause(note="a test")
        wait_until(lambda: time.time() > max(last_at(stage), paused_at) + SILENCE_S, stage)
        assert last_at(stage) - paused_at < 2.0
        seen = stage.log.counts["taken"]
        assert seen < 600
        stage.store.resume()
        wait_until(lambda: stage.log.counts["taken"] > seen + 10, stage)
        for pid in pids:
            # `process` comes to its end while all is paused; those that watch are told to stop.
            assert stage.stop(pid) in (0, None)
