"""How fast messages are found by number and by job, and what the index by number costs.

    python benchmarks/by_number.py                   # 1,000,000 messages
    python benchmarks/by_number.py --rows 10000000

The outbox is filled on SQLite, one text a job and number; then ticks bring the index up to date.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from outbox_inserts import fill
from sqlalchemy import text

from smsnotify.store.open import open_store
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

LOOKS = 200
JOBS = (
    "INSERT INTO jobs (subject, do_number, state, snapshot, seen_at, dated_at) "
    "SELECT subject, job, :nothing, :nothing, created_at, created_at FROM messages"
)


def took_ms(look: Callable[[str], object], asked: list[str]) -> str:
    """Return the median and the worst of some looks, in milliseconds."""
    times = []
    for one in asked:
        start = time.perf_counter()
        assert look(one), f"nothing found of {one}"
        times.append((time.perf_counter() - start) * 1000)
    return f"median {statistics.median(times):.1f} ms, longest {max(times):.1f} ms"


def measure(store: Store, rows: int, start: datetime) -> None:
    """Print what the index costs, and how long looks take."""
    later = start + timedelta(days=60)
    before, wall = time.process_time(), time.perf_counter()
    store.index_numbers(later)
    count = store.index_numbers(later)
    cost = (time.process_time() - before) / count * 1e6
    print(f"index by number: {cost:.1f} µs of CPU time a message, {count:,} messages")
    print(f"  {count / (time.perf_counter() - wall):,.0f} messages/s by the clock")
    picked = random.sample(range(rows), LOOKS)
    numbers = [f"+659{n % 10_000_000:07}" for n in picked]
    jobs = [f"DO{n:08}" for n in picked]
    for what, look, asked in (
        ("messages of a number", lambda one: store.list_messages(Wanted(recipient=one)), numbers),
        ("messages of a job", lambda one: store.list_messages(Wanted(job=one)), jobs),
        ("the story of a job", lambda one: store.story_of_job(one).messages, jobs),
    ):
        print(f"{what}: {took_ms(look, asked)} (wanted: at most 100 ms at 10,000,000)")


def main() -> None:
    """Fill an outbox and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    start = datetime(2026, 3, 2, tzinfo=UTC)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(f"sqlite:///{Path(folder) / 'desk.db'}") as store,
    ):
        fill(store, rows, start)
        with store.begin() as connection:
            connection.execute(text(JOBS), {"nothing": b"{}"})
        measure(store, rows, start)


if __name__ == "__main__":
    main()
