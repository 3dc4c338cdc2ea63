"""A dry run of one file in several processes, each deciding about its share of the jobs.

What a dry run remembers, it remembers by job; so the lines are shared out by D.O. number, and each
process judges its jobs just as one process would judge all. Where that cannot be told from the
line itself, or where a job turns up in two shares after all, nothing is lost but time: one process
does it again, alone.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import zlib
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from smsnotify.base.clock import fixed_clock
from smsnotify.base.errors import EventError, SmsNotifyError, StoppedError
from smsnotify.engine.intake import Intake, Taken
from smsnotify.engine.process import take_all
from smsnotify.engine.tally import Tally
from smsnotify.events.decode import Decoder
from smsnotify.events.read import TO_LOOK_AT, read_chunks
from smsnotify.model.decision import Earlier, MessageKey
from smsnotify.model.facts import Policy
from smsnotify.plans.load import load_book
from smsnotify.store.batch import Batch
from smsnotify.store.open import open_existing
from smsnotify.store.rehearsal import Rehearsal

_NAME = b'"do_number"'
_VALUE = re.compile(rb'\s*:\s*("[^"\\]*"|\d+)')
_BLANKS = b'" \t'


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a process needs to do its share."""

    source: str
    rules: tuple[Path, ...]
    policy: Policy
    database: str
    at: datetime
    format: str = "auto"


class Share(msgspec.Struct):
    """What a process brings home. `subjects` are hashes of the jobs that it met."""

    tally: Tally | None = None
    subjects: frozenset[int] = frozenset()
    divisible: bool = True
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
    met = sum(len(share.subjects) for share in shares)
    together = frozenset().union(*(share.subjects for share in shares))
    if met == len(together) and all(share.divisible for share in shares):
        return Tally.sum([share.tally for share in shares if share.tally is not None])
    return _work(job, 0, 1).tally or Tally()


def _run(job: Job, workers: int) -> list[Share]:
    spawn = multiprocessing.get_context("spawn")
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = "0"  # so that the shares' hashes can be compared
    try:
        pipes = []
        for index in range(workers):
            mine, theirs = spawn.Pipe(duplex=False)
            process = spawn.Process(target=_report, args=(theirs, job, index, workers))
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
    """A rehearsal that also notes which jobs it met."""

    def __init__(self, database: str) -> None:
        super().__init__(open_existing(database))
        self.subjects: set[int] = set()

    def save(self, batch: Batch) -> dict[MessageKey, Earlier]:
        self.subjects.update(hash(row.subject) for row in batch.jobs)
        return super().save(batch)


def _work(job: Job, index: int, workers: int) -> Share:
    rules = load_book(list(job.rules), country=job.policy.country).rules
    memory = _Noting(job.database)
    intake = Intake(rules, job.policy, memory, source=job.source, format=job.format)
    decoder = Decoder(rules.job_type, custom_events=rules.custom_events, format=job.format)
    share = Share(tally=Tally())
    doubtful: list[bytes] = []

    def take(first: int, lines: Sequence[bytes], now: datetime) -> Taken:
        mine = list(lines) if workers == 1 else pick(lines, index, workers, doubtful)
        return intake.take(first, mine, now)

    def look_at_doubtful(taken: Taken) -> None:
        share.divisible = share.divisible and not any(map(decoder_reads, doubtful))
        doubtful.clear()

    def decoder_reads(line: bytes) -> bool:
        try:
            return bool(decoder.decode(line))
        except EventError:
            return False

    assert share.tally is not None
    chunks = read_chunks(job.source, size=TO_LOOK_AT * workers, ends=True)
    take_all(take, chunks, fixed_clock(job.at), share.tally, show=look_at_doubtful)
    share.subjects = frozenset(memory.subjects)
    memory.close()
    return share


def pick(lines: Sequence[bytes], index: int, workers: int, doubtful: list[bytes]) -> list[bytes]:
    """Return the lines of one share; lines whose job cannot be told are noted as doubtful.

    The first share takes the doubtful ones: what is no event at all is rejected there, once.
    """
    mine = []
    for line in lines:
        number = do_number(line)
        if number is None:
            if index == 0 and line:
                doubtful.append(line)
                mine.append(line)
        elif zlib.crc32(number) % workers == index:
            mine.append(line)
    return mine


def do_number(line: bytes) -> bytes | None:
    """Return the D.O. number that a line plainly shows, None when it does not or shows two."""
    at = line.find(_NAME)
    if at < 0 or line.find(_NAME, at + 1) >= 0:
        return None
    found = _VALUE.match(line, at + len(_NAME))
    number = found.group(1).strip(_BLANKS) if found else b""
    return number or None
