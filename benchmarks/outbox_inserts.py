"""How fast messages get into the outbox, against bare sqlite3 on the same table.

    python benchmarks/outbox_inserts.py                  # 100,000 rows
    python benchmarks/outbox_inserts.py --rows 2000000   # and whether it stays fast

Both sides commit 1,000 messages at a time, with the same pragmas. The bare side has its rows as
tuples already and only runs `executemany`; ours starts from messages. Portions of the two take
turns, so that a busy moment of the machine hits both.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from smsnotify.base.ids import new_id
from smsnotify.model.decision import MessageKey
from smsnotify.model.message import Message, MessageState
from smsnotify.store.batch import Batch
from smsnotify.store.connect import PRAGMAS
from smsnotify.store.open import open_store
from smsnotify.store.rows import MESSAGE_COLUMNS, message_row
from smsnotify.store.statements import insert_statement
from smsnotify.store.store import Store

A_COMMIT = 1_000
A_PORTION = 10
BODY = "Hi Ms Tan, order {} has arrived. Track it: https://track.example.com/t/{}"


def messages(first: int, count: int, start: datetime) -> dict[MessageKey, Message]:
    """Return texts about jobs with ascending ids, as Detrack's are."""
    made: dict[MessageKey, Message] = {}
    for n in range(first, first + count):
        at = start + timedelta(milliseconds=n)
        number = f"+659{n % 10_000_000:07}"
        key = MessageKey(
            f"id:66b1f0{n:018x}", "live", "completed", "delivered", "1", "sms", number
        )
        made[key] = Message(
            id=new_id(at),
            state=MessageState.QUEUED,
            subject=key.subject,
            mode=key.mode,
            kind=key.kind,
            rule=key.rule,
            occasion=key.occasion,
            recipient=number,
            intended=number,
            country="SG",
            job=f"DO{n:08}",
            event=key.kind,
            event_time=at,
            body=BODY.format(f"DO{n:08}", f"{n:08x}"),
            run="01kyx9xp00hvfjjfvqw7p4fgms",
            expires_at=at + timedelta(days=1),
            created_at=at,
            updated_at=at,
        )
    return made


class Bare:
    """sqlite3 alone."""

    def __init__(self, path: Path, store: Store) -> None:
        self._hash = store.recipient_hash
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in PRAGMAS:
            self._connection.execute(pragma)
        self._statement = insert_statement(False, "messages", MESSAGE_COLUMNS)

    def time(self, portions: list[dict[MessageKey, Message]]) -> float:
        """Return the seconds that the inserts take; making the tuples is not counted."""
        rows: list[list[tuple[Any, ...]]] = [
            [message_row(key, self._hash(key.recipient), one) for key, one in portion.items()]
            for portion in portions
        ]
        start = time.perf_counter()
        for portion in rows:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(self._statement, portion)
            self._connection.execute("COMMIT")
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def ours(store: Store, portions: list[dict[MessageKey, Message]], at: datetime) -> float:
    """Return the seconds that saving the same messages takes."""
    batches = [Batch([], [], [], portion, at) for portion in portions]
    start = time.perf_counter()
    for batch in batches:
        store.save(batch)
    return time.perf_counter() - start


def portions(rows: int, start: datetime) -> Iterator[list[dict[MessageKey, Message]]]:
    """Give all messages, some commits at a time."""
    for first in range(0, rows, A_COMMIT * A_PORTION):
        yield [messages(first + n * A_COMMIT, A_COMMIT, start) for n in range(A_PORTION)]


def measure(rows: int, folder: Path) -> tuple[list[float], list[float]]:
    """Return seconds per portion: ours and bare."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    store = open_store(f"sqlite:///{folder / 'ours.db'}")
    store.close()
    shutil.copy(folder / "ours.db", folder / "bare.db")
    bare = Bare(folder / "bare.db", store)
    our_times, bare_times = [], []
    for portion in portions(rows, start):
        our_times.append(ours(store, portion, start))
        bare_times.append(bare.time(portion))
    bare.close()
    store.close()
    return our_times, bare_times


def rate(times: list[float]) -> float:
    """Return rows/s by the median portion."""
    return A_COMMIT * A_PORTION / statistics.median(times)


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        our_times, bare_times = measure(rows, Path(folder))
    early = 100_000 // (A_COMMIT * A_PORTION)
    print(f"ours  {rate(our_times[:early]):>9,.0f} messages/s up to 100,000 rows")
    print(f"bare  {rate(bare_times[:early]):>9,.0f} rows/s up to 100,000 rows")
    share = statistics.median(
        b / o for o, b in zip(our_times[:early], bare_times[:early], strict=True)
    )
    print(f"ours / bare sqlite3: {share:.0%} (wanted: at least 60 %)")
    if len(our_times) > early:
        kept = rate(our_times[-early:]) / rate(our_times[:early])
        bare_kept = rate(bare_times[-early:]) / rate(bare_times[:early])
        print(f"ours  {rate(our_times[-early:]):>9,.0f} messages/s at {rows:,} rows")
        print(f"ours at {rows:,} / at 100,000 rows: {kept:.0%} (wanted: at least 85 %)")
        print(f"bare at {rows:,} / at 100,000 rows: {bare_kept:.0%}")


if __name__ == "__main__":
    main()
