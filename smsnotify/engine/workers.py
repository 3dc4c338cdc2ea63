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
from collections.abc import Sequence
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
from smsnotify.model.facts import Policy
from smsnotify.model.jobstate import JobState
from smsnotify.plans.load import load_book
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
    """What a process brings home.

    `subjects` are hashes of the subjects of the jobs that it met, and of ids that became another
    name of one; `numbers` are hashes of their names by number and date. Those tell of a job only
    while some job has no id: `by_number`.
    """

    tally: Tally | None = None
    subjects: Any = ()
    numbers: Any = ()
    by_number: bool = False
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


def _are_apart(shares: Sequence[Share]) -> bool:
    """Say whether no two shares met the same job, by whatever name."""
    by_number = any(share.by_number for share in shares)
    met: set[int] = set()
    for share in shares:
        theirs = (share.subjects, share.numbers) if by_number else (share.subjects,)
        if not all(map(met.isdisjoint, theirs)):
            return False
        if share is not shares[-1]:
            met.update(*theirs)
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
        self.subjects, self.numbers = array("q"), array("q")

    def _keep_jobs(self, records: list[tuple[str, str, JobState]]) -> None:
        self.subjects.extend([hash(record[0]) for record in records])
        self.numbers.extend([hash(record[1]) for record in records])
        super()._keep_jobs(records)

    def _put_aliases(self, pairs: list[tuple[str, str]]) -> None:
        self.subjects.extend([hash(pair[0]) for pair in pairs])
        super()._put_aliases(pairs)


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
    by_number = memory.has_idless_jobs()
    return Share(tally=tally, subjects=memory.subjects, numbers=memory.numbers, by_number=by_number)


def _show_nothing(taken: Taken) -> None:
    pass


def pick(lines: Sequence[bytes], index: int, workers: int) -> list[bytes]:
    """Return the lines of one share: those whose D.O. number is its; without one, the first's.

    Every process reads all lines, so this is what keeps two from being twice as fast: it takes
    what stands from the first `"do_number"` up to a comma for the number, unread. Hashes have to
    agree between the processes.
    """
    mine = []
    for line in lines:
        at = line.find(_NUMBER)
        if at < 0:
            if index == 0:
                mine.append(line)
        elif hash(line[at : line.find(b",", at)]) % workers == index:
            mine.append(line)
    return mine
