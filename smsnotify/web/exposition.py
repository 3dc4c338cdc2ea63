"""Counters and histograms, written in Prometheus' text format 0.0.4.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (checked August 2026). Sixty
lines of our own instead of a client library: that one brings a registry for the whole process,
and collectors that look at it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]

_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class Counter:
    """A number a set of labels, that only grows. Safe in threads."""

    kind = "counter"

    def __init__(self, name: str, help_line: str, labels: Sequence[str] = ()) -> None:
        """Without labels it is there from the start, as 0."""
        self.name = name
        self.help_line = help_line
        self.labels = tuple(labels)
        self._values: dict[Labels, float] = {} if labels else {(): 0}
        self._lock = Lock()

    def add(self, *labels: str, by: float = 1) -> None:
        """Count; `by` 0 only makes the line appear."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + by

    def value(self, *labels: str) -> float:
        """Return the count so far."""
        return self._values.get(labels, 0)

    def held(self) -> list[tuple[Labels, float]]:
        """Return the counts so far, by labels."""
        with self._lock:
            return list(self._values.items())

    def with_counts(self, counts: Iterable[tuple[Labels, float]]) -> Counter:
        """Return the same counter with other counts."""
        made = Counter(self.name, self.help_line, self.labels)
        made._values.update(counts)
        return made

    def lines(self) -> list[str]:
        """Return the samples as lines."""
        with self._lock:
            return samples(self.name, self.labels, self._values)


class Histogram:
    """How often a measure fell below each bound, a set of labels. Safe in threads."""

    kind = "histogram"

    def __init__(
        self, name: str, help_line: str, labels: Sequence[str], bounds: Sequence[float]
    ) -> None:
        """`bounds` ascend; one without an end is added."""
        self.name = name
        self.help_line = help_line
        self.labels = tuple(labels)
        self._bounds = tuple(bounds)
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}
        self._lock = Lock()

    def observe(self, value: float, *labels: str) -> None:
        """Count one measure."""
        with self._lock:
            counts = self._counts.setdefault(labels, [0] * (len(self._bounds) + 1))
            counts[bisect_left(self._bounds, value)] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + value

    def held(self) -> list[tuple[Labels, list[int], float]]:
        """Return the measures so far: labels, count by bound, sum."""
        with self._lock:
            return [
                (labels, list(counts), self._sums[labels])
                for labels, counts in self._counts.items()
            ]

    def with_measures(self, measures: Iterable[tuple[Labels, list[int], float]]) -> Histogram:
        """Return the same histogram with other measures."""
        made = Histogram(self.name, self.help_line, self.labels, self._bounds)
        for labels, counts, added in measures:
            made._counts[labels], made._sums[labels] = counts, added
        return made

    def lines(self) -> list[str]:
        """Return the samples as lines."""
        written: list[str] = []
        bounds = [*map(_number, self._bounds), "+Inf"]
        with self._lock:
            for labels, counts in sorted(self._counts.items()):
                total = 0
                for bound, count in zip(bounds, counts, strict=True):
                    total += count
                    names = (*self.labels, "le")
                    written.append(_sample(f"{self.name}_bucket", names, (*labels, bound), total))
                written.append(_sample(f"{self.name}_sum", self.labels, labels, self._sums[labels]))
                written.append(_sample(f"{self.name}_count", self.labels, labels, total))
        return written


class Gauge:
    """Figures that were just read."""

    kind = "gauge"

    def __init__(
        self,
        name: str,
        help_line: str,
        labels: Sequence[str] = (),
        values: Mapping[Labels, float] | None = None,
    ) -> None:
        """`values` is by label values, in the order of `labels`."""
        self.name = name
        self.help_line = help_line
        self.labels = tuple(labels)
        self._values = values or {}

    def lines(self) -> list[str]:
        """Return the samples as lines."""
        return samples(self.name, self.labels, self._values)


def samples(name: str, labels: Labels, values: Mapping[Labels, float]) -> list[str]:
    """Return one line a set of label values."""
    return [_sample(name, labels, found, values[found]) for found in sorted(values)]


def render(families: Iterable[Counter | Histogram | Gauge]) -> bytes:
    """Write families of samples, each with its help and type."""
    written: list[str] = []
    for family in families:
        written += [
            f"# HELP {family.name} {family.help_line}",
            f"# TYPE {family.name} {family.kind}",
            *family.lines(),
        ]
    return ("\n".join(written) + "\n").encode()


def _sample(name: str, labels: Sequence[str], values: Sequence[str], value: float) -> str:
    pairs = ",".join(
        f'{label}="{held.translate(_ESCAPES)}"' for label, held in zip(labels, values, strict=True)
    )
    return f"{name}{{{pairs}}} {_number(value)}" if pairs else f"{name} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
