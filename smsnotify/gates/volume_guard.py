"""Does one run suddenly want to text far more people than usual?"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

NAME = "volume_guard"


class VolumeLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the guard: the first live runs by count, later ones by what is usual."""

    first_live: int = 200
    times_usual: float = 5.0


def volume_allowed(limit: VolumeLimit, usual_runs: Sequence[int]) -> int:
    """Return how many people one run may text unasked.

    `usual_runs` is the number of people of each of the last live runs of the same command. Usual
    is the largest of them: a desk that takes in a file every five minutes and a big one every
    morning must not be stopped every morning. It never falls below `first_live`.
    """
    return max(limit.first_live, int(limit.times_usual * max(usual_runs, default=0)))
