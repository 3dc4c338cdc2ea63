"""What a dry run's memory costs: time per job and per text, and how much it grows.

    python benchmarks/rehearsal.py --events 1000000

Every event is a new job with a new text, which is the dearest case; `repeats` asks again for jobs
and texts of long ago, which lie in the file. Beside it a loop that decodes one line of 1.7 KB, to
tell a slow machine from slow code.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from smsnotify.model.decision import MessageKey
from smsnotify.model.job import Job
from smsnotify.model.jobstate import JobState
from smsnotify.model.message import Message, MessageState
from smsnotify.store.batch import Batch, JobRow
from smsnotify.store.rehearsal import Rehearsal

NOW = datetime(2026, 3, 2, tzinfo=UTC)
CHUNK = 2_000
JOB = Job(do_number="DO1", date="2026-03-02")
STATE = JobState("out_for_delivery", 1, "2026-03-02")


def chunk(first: int) -> tuple[list[JobRow], dict[MessageKey, Message]]:
    """Return jobs and texts as intake would hand them over."""
    rows, texts = [], {}
    for n in range(first, first + CHUNK):
        names = (f"id:66b1f0{n:018x}", f"do:delivery|DO{n:08}|2026-03-02")
        rows.append(JobRow(names[0], names, STATE, JOB))
        number = f"+659{n % 10_000_000:07}"
        key = MessageKey(names[0], "live", "completed", "delivered", "1", "sms", number)
        texts[key] = Message(
            id=f"01kyx9xp00{n:016}",
            state=MessageState.QUEUED,
            recipient=number,
            created_at=NOW,
            updated_at=NOW,
        )
    return rows, texts


class Watch:
    """Adds up the processor time of named steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, step: str, work: Callable[[Any], Any], given: Any) -> Any:
        start = time.process_time()
        done = work(given)
        self.seconds[step] = self.seconds.get(step, 0.0) + time.process_time() - start
        return done


def work(
    memory: Rehearsal, watch: Watch, rows: list[JobRow], texts: dict[MessageKey, Message]
) -> None:
    """Do with a chunk what intake does."""
    watch("jobs: recall", memory.recall, [row.names for row in rows])
    watch("texts: taken", memory.taken, list(texts))
    watch("jobs: save", memory.save, Batch(rows, [], [], {}, NOW))
    watch("texts: save", memory.save, Batch([], [], [], texts, NOW))


def peak_mib() -> float:
    """Return the most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def decode_cost() -> float:
    """Return µs per line of a bare decode into the job's core fields."""
    job = {f"field_name_{n}": f"some value {n}" for n in range(50)} | {"id": "66b1", "date": "x"}
    line = json.dumps({"event": "completed", "job": job}).encode()
    decode = msgspec.json.Decoder(dict[str, Job | str]).decode
    start = time.process_time()
    for _ in range(100_000):
        decode(line)
    return (time.process_time() - start) * 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    events = parser.parse_args().events
    memory, watch = Rehearsal(None), Watch()
    early = 0.0
    for first in range(0, events, CHUNK):
        rows, texts = chunk(first)
        work(memory, watch, rows, texts)
        if first <= 10_000:
            early = peak_mib()
    grown = peak_mib() - early
    again = Watch()
    rows, texts = chunk(events // 3)
    again("repeats: recall", memory.recall, [row.names for row in rows])
    again("repeats: taken", memory.taken, list(texts))
    for step, seconds in watch.seconds.items():
        print(f"{step:<16} {seconds / events * 1e6:5.2f} µs an event")
    for step, seconds in again.seconds.items():
        print(f"{step:<16} {seconds / CHUNK * 1e6:5.2f} µs an event")
    print(f"a bare decode    {decode_cost():5.2f} µs a line of 1.7 KB on this machine now")
    print(f"memory           {early:5.1f} MiB at 12,000 events, {grown:.1f} MiB more at the end")
    memory.close()


if __name__ == "__main__":
    main()
