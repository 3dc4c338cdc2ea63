"""The figures of several processes of one `serve`: whoever is asked tells the sum of all.

A scrape reaches one of them, and not always the same. So each keeps its counters in a file of a
folder that they share, once a second, and adds the others' to its own when it is asked. What a
process counted that died since is kept in one more file; of one that is killed the hard way, the
last second is missing.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from smsnotify.store.receipt_stats import ReceiptStats
from smsnotify.web.exposition import Labels

log = logging.getLogger(__name__)

WRITE_S: Final = 1.0

_GONE: Final = "gone.json"


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What one process counted, by the name of the figure; `past` of the one that looks back.

    A counter is (labels, value), a histogram (labels, count by bound, sum).
    """

    counters: dict[str, list[tuple[Labels, float]]] = {}
    histograms: dict[str, list[tuple[Labels, list[int], float]]] = {}
    past: ReceiptStats | None = None


class SharedFigures:
    """The folder, as one process sees it."""

    def __init__(self, folder: Path, pid: int) -> None:
        """Nothing is written yet."""
        self._folder = folder
        self._own = folder / _name_of(pid)
        self._last = b""

    def write(self, counted: Counted) -> None:
        """Keep what this process counted, if that changed."""
        written = msgspec.json.encode(counted)
        if written != self._last:
            _replace(self._own, written)
            self._last = written

    def others(self) -> list[Counted]:
        """Return what the other processes counted, those that are gone too."""
        return [
            counted
            for path in self._folder.glob("*.json")
            if path != self._own and (counted := _read(path)) is not None
        ]


async def share(figures: SharedFigures, count: Callable[[], Counted], stop: asyncio.Event) -> None:
    """Keep this process's figures where the others see them, until `stop`."""
    while True:
        try:
            figures.write(count())
        except OSError as error:
            log.warning("the figures of this process cannot be shared: %s", error.strerror)
        if stop.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(WRITE_S):
                await stop.wait()


def put_aside(folder: Path, pid: int) -> None:
    """Add what a process counted that is gone to what others counted before it."""
    path = folder / _name_of(pid)
    counted = _read(path)
    if counted is not None:
        before = _read(folder / _GONE) or Counted()
        _replace(folder / _GONE, msgspec.json.encode(total([before, counted])))
        path.unlink(missing_ok=True)


def total(several: Sequence[Counted]) -> Counted:
    """Return the sum; the look back is the first that somebody took."""
    counters: dict[str, dict[Labels, float]] = {}
    histograms: dict[str, dict[Labels, tuple[list[int], float]]] = {}
    for one in several:
        for name, values in one.counters.items():
            kept = counters.setdefault(name, {})
            for labels, value in values:
                kept[labels] = kept.get(labels, 0) + value
        for name, measured in one.histograms.items():
            held = histograms.setdefault(name, {})
            for labels, counts, added in measured:
                before, sum_before = held.get(labels, ([0] * len(counts), 0.0))
                summed = [a + b for a, b in zip(before, counts, strict=True)]
                held[labels] = (summed, sum_before + added)
    return Counted(
        counters={name: list(kept.items()) for name, kept in counters.items()},
        histograms={
            name: [(labels, counts, added) for labels, (counts, added) in held.items()]
            for name, held in histograms.items()
        },
        past=next((one.past for one in several if one.past is not None), None),
    )


def _name_of(pid: int) -> str:
    return f"{pid}.json"


def _replace(path: Path, written: bytes) -> None:
    """Write a file that readers see whole or not at all."""
    beside = path.with_suffix(".new")
    beside.write_bytes(written)
    os.replace(beside, path)


def _read(path: Path) -> Counted | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Counted)
    except (OSError, msgspec.MsgspecError):
        return None  # its process has just ended, and its figures were put aside
