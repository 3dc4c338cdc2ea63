"""What must be remembered of a job's last snapshot to see what happens next."""

from __future__ import annotations

import msgspec


class JobState(msgspec.Struct, frozen=True, gc=False):
    """The last snapshot, reduced to what derived events and keys compare.

    `phase` is the word that `status`, driver and date gave on the day of that snapshot
    (`scheduled`, `out_for_delivery`, `completed` …); `heading` and `arrived` are stamps as the
    job wrote them, `''` when not set; `rating` is the version of the customer's rating.
    """

    phase: str = ""
    attempt: int = 1
    date: str = ""
    heading: str = ""
    arrived: str = ""
    delayed: bool = False
    rating: str = ""


class KnownJob(msgspec.Struct, frozen=True, gc=False):
    """A job that the books already have: its subject there, and its state."""

    subject: str
    state: JobState
