"""How fast messages get into the outbox, against bare sqlite3 on the same table.

    python benchmarks/outbox_inserts.py                  # 100,000 rows
    python benchmarks/outbox_inserts.py --rows 2000000   # and whether it stays fast

Both sides commit 1,000 messages at a time, with the same pragmas. The bare side has its rows as
tuples already and only runs `executemany`; ours starts from messages. Whether it stays fast is
measured with two outboxes of ours, one small and one with `--rows` rows. What is compared takes
turns, so that a busy moment of the machine hits both sides.
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
A_MOMENT = timedelta(milliseconds=1)
A_PORTION = 10
SMALL = 100_000
BODY = "Hi Ms Tan, order {} has arrived. Track it: https://track.example.com/t/{}"


def messages(
    first: int,
    count: int,
    start: datetime,
    apart: timedelta = A_MOMENT,
    state: MessageState = MessageState.QUEUED,
) -> dict[MessageKey, Message]:
    """Return texts about jobs with ascending ids, as Detrack's are."""
    made: dict[MessageKey, Message] = {}
    for n in range(first, first + count):
        at = start + n * apart
        number = f"+659{n % 10_000_000:07}"
        key = MessageKey(f"id:66b1f0{n:018x}", "live", "completed", "delivered", "1", "sms", number)
        made[key] = Message(
            id=new_id(at),
            state=state,
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


def portions(
    first: int,
    count: int,
    start: datetime,
    apart: timedelta = A_MOMENT,
    state: MessageState = MessageState.QUEUED,
) -> Iterator[list[dict[MessageKey, Message]]]:
    """Give `count` messages from number `first` on, some commits at a time."""
    for one in range(first, first + count, A_COMMIT * A_PORTION):
        yield [
            messages(one + n * A_COMMIT, A_COMMIT, start, apart, state) for n in range(A_PORTION)
        ]


def against_bare(store: Store, path: Path, rows: int, start: datetime) -> None:
    """Print how ours compares with bare sqlite3."""
    bare = Bare(path, store)
    our_times, bare_times = [], []
    for portion in portions(0, rows, start):
        our_times.append(ours(store, portion, start))
        bare_times.append(bare.time(portion))
    bare.close()
    print(f"ours  {rate(our_times):>9,.0f} messages/s up to {rows:,} rows")
    print(f"bare  {rate(bare_times):>9,.0f} rows/s")
    share = statistics.median(b / o for o, b in zip(our_times, bare_times, strict=True))
    print(f"ours / bare sqlite3: {share:.0%} (wanted: at least 60 %)")


def big_against_small(big: Store, small: Store, rows: int, start: datetime) -> None:
    """Print how an outbox of `rows` rows compares with one of up to 100,000."""
    big_times, small_times = [], []
    pairs = zip(portions(rows, SMALL, start), portions(0, SMALL, start), strict=True)
    for for_big, for_small in pairs:
        big_times.append(ours(big, for_big, start))
        small_times.append(ours(small, for_small, start))
    print(f"ours  {rate(big_times):>9,.0f} messages/s at {rows:,} rows")
    print(f"ours  {rate(small_times):>9,.0f} messages/s at up to {SMALL:,} rows")
    kept = statistics.median(s / b for b, s in zip(big_times, small_times, strict=True))
    print(f"ours at {rows:,} / at {SMALL:,} rows: {kept:.0%} (wanted: at least 85 %)")


def fill(
    store: Store,
    rows: int,
    start: datetime,
    apart: timedelta = A_MOMENT,
    state: MessageState = MessageState.QUEUED,
) -> None:
    """Put rows into an outbox quickly; the disk may take its time."""
    with store.begin() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
    raw.execute("PRAGMA synchronous = OFF")
    for portion in portions(0, rows, start, apart, state):
        for part in portion:
            store.save(Batch([], [], [], part, start))
    raw.execute("PRAGMA synchronous = FULL")


def rate(times: list[float]) -> float:
    """Return rows/s by the median portion."""
    return A_COMMIT * A_PORTION / statistics.median(times)


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=0)
    rows = parser.parse_args().rows
    start = datetime(2026, 3, 2, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.db"
        open_store(f"sqlite:///{empty}").close()
        paths = [Path(folder) / f"{name}.db" for name in ("ours", "bare", "small")]
        for path in paths:
            shutil.copy(empty, path)
        with open_store(f"sqlite:///{paths[0]}") as store:
            against_bare(store, paths[1], SMALL, start)
        if rows:
            big_path = Path(folder) / "big.db"
            shutil.copy(empty, big_path)
            with (
                open_store(f"sqlite:///{big_path}") as big,
                open_store(f"sqlite:///{paths[2]}") as small,
            ):
                fill(big, rows, start)
                big_against_small(big, small, rows, start)


if __name__ == "__main__":
    main()
