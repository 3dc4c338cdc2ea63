"""The use case behind `process` and `pull`: chunks in, decisions kept, texts sent.

Everything is taken in first; then the volume guard has its word; then the outbox is delivered.
With `follow` there is no end to wait for: every chunk is delivered as it comes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Protocol

from smsnotify.base.clock import Clock
from smsnotify.engine.intake import Taken
from smsnotify.engine.rejects import RejectFile
from smsnotify.engine.tally import Tally


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for cycles less often: a chunk makes many objects and hardly one cycle."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Lines(Protocol):
    """Consecutive lines of an input."""

    @property
    def first(self) -> int:
        """The number of the first line."""

    @property
    def lines(self) -> list[bytes]:
        """The lines, blank ones too."""


Take = Callable[[int, Sequence[bytes], datetime], Taken]
"""`Intake.take` or `Intake.take_jobs`."""

Show = Callable[[Taken], None]
"""Told of every chunk: for progress, and for printing decisions."""

Whole = Callable[[], AbstractContextManager[None]]
"""Around every chunk: keeps whoever wants to stop the run waiting for its end."""


def take_all(
    take: Take,
    chunks: Iterable[Lines],
    clock: Clock,
    tally: Tally,
    *,
    show: Show,
    rejects: RejectFile | None = None,
    after_chunk: Callable[[], None] | None = None,
    whole: Whole = nullcontext,
) -> None:
    """Take every chunk in, one transaction each; `tally` counts along, the lines read too.

    `rejects` None keeps no rejected lines (a dry run). Rejected lines are on the disk before the
    next chunk is read.
    """
    with _few_collections():
        for chunk in chunks:
            with whole():
                taken = take(chunk.first, chunk.lines, clock())
                tally.lines += len(chunk.lines)
                tally.events += taken.events
                tally.rejected += len(taken.rejected)
                tally.into_plans += taken.entered + len(taken.starts)
                tally.add(taken.decisions)
                if rejects is not None and taken.rejected:
                    rejects.add(taken.rejected)
                show(taken)
            if after_chunk is not None:
                after_chunk()
