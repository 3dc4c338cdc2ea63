"""How many transitions a second does the plan engine make, in one process, with nothing stored?"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "rules.example.yaml"
START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def rate(people: int) -> tuple[float, float]:
    """Walk people through HELLO, QUOTE, BUY; return transitions and inputs a second of CPU."""
    from smsnotify.model.contact import Contact
    from smsnotify.model.enrolment import Replied, Started
    from smsnotify.plans.engine import advance, enrol
    from smsnotify.plans.load import load_book

    plan = load_book([EXAMPLE]).plans.named("quote")
    contacts = [Contact(id=f"c{n}", name=f"Ann {n}") for n in range(people)]
    minute = timedelta(minutes=1)
    transitions = inputs = 0
    gc.collect()
    begun = time.process_time()
    for number, contact in enumerate(contacts):
        one = enrol(
            plan,
            id=f"e{number}",
            contact=contact,
            number="+6591234567",
            mode="live",
            source="keyword",
            now=START,
        )
        now = START
        script = (
            Started("keyword", "r0"),
            Replied(f"r{number}a", "what is this?", START + minute),
            Replied(f"r{number}b", "quote please", START + 2 * minute),
            Replied(f"r{number}c", "BUY", START + 3 * minute),
        )
        for what in script:
            came_to = advance(plan, one, what, contact=contact, job=None, now=now)
            one = came_to.enrolment
            transitions += len(came_to.transitions)
            inputs += 1
            now += minute
        assert one.state == "finished", one
    spent = time.process_time() - begun
    return transitions / spent, inputs / spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=40_000)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    rates = [rate(asked.people) for _ in range(asked.repeat)]
    each = statistics.median(one for one, _ in rates)
    inputs = statistics.median(one for _, one in rates)
    print(f"plan engine: {each:,.0f} transitions/s, {inputs:,.0f} inputs/s (goal: 50,000/s)")


if __name__ == "__main__":
    main()
