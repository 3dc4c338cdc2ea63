"""A dry run of one file in several processes, each deciding about its share of the jobs.

What a dry run remembers, it remembers by job; so the lines are shared out by D.O. number, and each
process judges its jobs just as one process would judge all. Whether the shares were really of
different jobs is seen afterwards: when two of them met a job by the same name, one process does
it all again, alone, and nothing is lost but time.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from array import array
from collections.abc import Iterable, Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from smsnotify.base.clock import fixed_clock
from smsnotify.base.errors import SmsNotifyError, StoppedError
from smsnotify.engine.intake import Intake, Taken
from smsnotify.engine.process import take_all
from smsnotify.engine.tally import Tally
from smsnotify.events.read import TO_LOOK_AT, read_chunks
from smsnotify.model.decision import Earlier, MessageKey
from smsnotify.model.facts import Policy
from smsnotify.plans.load import load_book
from smsnotify.store.batch import Batch
from smsnotify.store.existing import stored_so_far
from smsnotify.store.rehearsal import Rehearsal

_NUMBER = b'"do_number"'


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a process needs to do its share."""

    source: str
    rules: tuple[Path, ...]
    policy: Policy
    database: str
    at: datetime
    format: str = "auto"


class Share(msgspec.Struct):
    """What a process brings home. `met` are hashes of all names of the jobs that it met."""

    tally: Tally | None = None
    met: Any = ()
    error: str = ""


def dry_run_in_parallel(job: Job, workers: int) -> Tally:
    """Return the tally that one process would return.

    Raises:
        StoppedError: a process failed.
    """
    shares = _run(job, workers)
    for share in shares:
        if share.error:
            raise StoppedError(share.error)
    if _are_apart(shares):
        return Tally.sum([share.tally for share in shares if share.tally is not None])
    return _work(job, 0, 1).tally or Tally()


def _are_apart(shares: Iterable[Share]) -> bool:
    """Say whether no two shares met the same job, by whatever name."""
    met: set[int] = set()
    for share in shares:
        theirs = set(share.met)
        if not met.isdisjoint(theirs):
            return False
        met |= theirs
    return True


def _context() -> Any:
    """Fork where nothing speaks against it, since a new interpreter takes a third of a second."""
    forks = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if forks else "spawn")


def _run(job: Job, workers: int) -> list[Share]:
    context = _context()
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = "0"  # so that the shares' hashes can be compared
    try:
        pipes = []
        for index in range(workers):
            mine, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_report, args=(theirs, job, index, workers))
            process.start()
            theirs.close()
            pipes.append((process, mine))
    finally:
        if before is None:
            del os.environ["PYTHONHASHSEED"]
        else:
            os.environ["PYTHONHASHSEED"] = before
    shares = []
    for process, pipe in pipes:
        try:
            shares.append(pipe.recv())
        except EOFError:
            shares.append(Share(error="a worker process died; run it again without --workers"))
        process.join()
    return shares


def _report(pipe: Connection, job: Job, index: int, workers: int) -> None:
    try:
        share = _work(job, index, workers)
    except SmsNotifyError as error:
        share = Share(error=error.message)
    except KeyboardInterrupt:
        share = Share(error="interrupted")
    pipe.send(share)


class _Noting(Rehearsal):
    """A rehearsal that also notes which jobs it met, by hashes of their names."""

    def __init__(self, database: str) -> None:
        super().__init__(stored_so_far(database))
        self.met = array("q")

    def save(self, batch: Batch) -> dict[MessageKey, Earlier]:
        names = {row.names for row in batch.jobs}
        self.met.extend([hash(name) for each in names for name in each])
        self.met.extend({hash(row.subject) for row in batch.jobs})
        return super().save(batch)


def _work(job: Job, index: int, workers: int) -> Share:
    rules = load_book(list(job.rules), country=job.policy.country).rules
    memory = _Noting(job.database)
    intake = Intake(rules, job.policy, memory, source=job.source, format=job.format)
    tally = Tally()

    def take(first: int, lines: Sequence[bytes], now: datetime) -> Taken:
        mine = lines if workers == 1 else pick(lines, index, workers)
        return intake.take(first, mine, now)

    chunks = read_chunks(job.source, size=TO_LOOK_AT * workers, ends=True)
    take_all(take, chunks, fixed_clock(job.at), tally, show=_show_nothing)
    memory.close()
    return Share(tally=tally, met=memory.met)


def _show_nothing(taken: Taken) -> None:
    pass


def pick(lines: Sequence[bytes], index: int, workers: int) -> list[bytes]:
    """Return the lines of one share: those whose D.O. number is its; without one, the first's.

    Every process reads all lines, so this is what keeps two from being twice as fast: it takes
    what stands after the first `"do_number"` up to a comma for the number, unread. Hashes have to
    agree between the processes.
    """
    mine = []
    for line in lines:
        at = line.find(_NUMBER) + len(_NUMBER)
        if at < len(_NUMBER):
            if index == 0:
                mine.append(line)
        elif hash(line[at : line.find(b",", at)]) % workers == index:
            mine.append(line)
    return mine
