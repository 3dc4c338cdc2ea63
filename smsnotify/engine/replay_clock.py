"""What time it is while old events are gone through again: the time when they came."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from smsnotify.engine.process import Lines
from smsnotify.events.instants import read_instant
from smsnotify.store.replay import StoredLine

_TIME: Final = re.compile(rb'"time"\s*:\s*"([^"\\]{10,40})"')
_HEAD: Final = 512  # a line tells its time before its job, or not at all
_STEP_S: Final = 900
_MOST: Final = 250


class Timed(NamedTuple):
    """Consecutive lines and the instant that they are judged at."""

    first: int
    lines: Sequence[bytes]
    now: datetime


def at_their_time(chunks: Iterable[Lines], now: datetime) -> Iterator[Timed]:
    """Give lines in portions of a quarter of an hour, by the `time` of their events.

    A line without one counts as come with the line before it; before the first, at `now`. Judged
    at the newest time of its portion, so that no event lies in the future.
    """
    for chunk in chunks:
        start, first = 0, chunk.first
        newest: datetime | None = None
        for place, line in enumerate(chunk.lines):
            at = _time_of(line)
            if (
                at is not None
                and newest is not None
                and abs((at - newest).total_seconds()) > _STEP_S
            ):
                yield Timed(first + start, chunk.lines[start:place], now)
                start, newest = place, at
                now = at
            elif at is not None:
                newest = at if newest is None else max(newest, at)
                now = newest
            if place - start >= _MOST:
                yield Timed(first + start, chunk.lines[start : place + 1], now)
                start, newest = place + 1, None
        if start < len(chunk.lines):
            yield Timed(first + start, chunk.lines[start:], now)


def _time_of(line: bytes) -> datetime | None:
    found = _TIME.search(line, 0, _HEAD)
    return read_instant(found[1].decode("utf-8", "replace")) if found else None


def at_once(chunks: Iterable[Lines], now: datetime) -> Iterator[Timed]:
    """Give lines as they lie, all at one instant."""
    for chunk in chunks:
        yield Timed(chunk.first, chunk.lines, now)


def as_received(stored: Iterable[StoredLine]) -> Iterator[Timed]:
    """Give stored lines in portions of what came together."""
    portion: list[bytes] = []
    now: datetime | None = None
    first = 1
    for line in stored:
        if portion and now is not None and (line.received_at != now or len(portion) >= _MOST):
            yield Timed(first, portion, now)
            first += len(portion)
            portion = []
        portion.append(line.raw)
        now = line.received_at
    if portion and now is not None:
        yield Timed(first, portion, now)
