"""What must be remembered of a job's last snapshot to see what happens next."""

from __future__ import annotations

import msgspec


class JobState(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The last snapshot, reduced to what derived events and keys compare.

    `phase` is what `status`, driver and date meant on the day of that snapshot:

    ====================  =======================================================
    `''`                  no status, or a word that nobody knows
    `dispatched`          in progress, but without a driver or a readable date
    `scheduled`           dispatched with a driver, the date is still to come
    `out_for_delivery`    dispatched with a driver, the date is today or past
    an event's name       `info_received in_transit completed completed_partial
                          failed on_hold return deleted`
    ====================  =======================================================

    `heading` and `arrived` are stamps in UTC to the second (as written when they cannot be read),
    `''` when not set. `heading_logged`: the heading-to is known from a milestone only.
    `heading_cleared` is the last one that was cancelled: its milestone stays in the log.
    `delayed` stays true within an attempt; `rating` is the version of the customer's rating.
    """

    phase: str = ""
    attempt: int = 1
    date: str = ""
    heading: str = ""
    arrived: str = ""
    delayed: bool = False
    rating: str = ""
    heading_logged: bool = False
    heading_cleared: str = ""


class KnownJob(msgspec.Struct, frozen=True, gc=False):
    """A job that the books already have: its subject there, and its state."""

    subject: str
    state: JobState
