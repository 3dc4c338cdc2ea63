"""The ways that drawings and checks follow are the ones that the engine takes."""

from __future__ import annotations

from pathlib import Path

from smsnotify.plans.engine import paths_of
from smsnotify.plans.load import load_book
from smsnotify.plans.ways import ways

EXAMPLE = Path(__file__).parents[2] / "rules.example.yaml"


def test_every_way_has_the_name_that_the_engine_stores() -> None:
    for plan in load_book([EXAMPLE]).plans.all:
        for step in plan.steps.values():
            taken = [path for path in paths_of(step) if path != "again"]  # stays where it is
            assert [way.path for way in ways(plan, step)] == taken
