"""Does an event cost more when there are a hundred times as many rules?"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path

from workload import AS_OF, rules_yaml, write_events


def rate(lines: list[bytes], rules_file: Path) -> float:
    """Return seconds per event of our intake."""
    from smsnotify.engine.intake import Intake
    from smsnotify.events.read import TO_LOOK_AT
    from smsnotify.model.facts import Policy
    from smsnotify.rules.load import load_rules
    from smsnotify.store.rehearsal import Rehearsal

    rules = load_rules([rules_file], country="SG")
    policy = Policy(country="SG", countries=frozenset({"SG"}), timezone="Asia/Singapore")
    intake = Intake(rules, policy, Rehearsal(None))
    now = datetime.fromisoformat(AS_OF)
    gc.collect()
    start = time.process_time()
    for first in range(0, len(lines), TO_LOOK_AT):
        intake.take(first + 1, lines[first : first + TO_LOOK_AT], now)
    return (time.process_time() - start) / len(lines)


def main() -> None:
    """Measure and print: 10 rules and 1,000 rules that text about the same events."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "sms-bench")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    events = write_events(asked.folder / f"events-{asked.events}.jsonl", asked.events)
    lines = events.read_bytes().splitlines(keepends=True)
    # The events' groups are 0 to 19; a rule of a later group is one that no event meets.
    few, many = asked.folder / "rules-10.yaml", asked.folder / "rules-1000.yaml"
    few.write_text(rules_yaml(10), encoding="utf-8")
    rest = rules_yaml(1090).split("rules:\n", 1)[1].split("  - name: ")
    kept = [part for part in rest[1:] if not _is_met(part)]
    many.write_text(rules_yaml(10) + "".join(f"  - name: {part}" for part in kept[:990]))
    ratios = [rate(lines, many) / rate(lines, few) for _ in range(asked.repeat)]
    print(f"1,000 rules against 10, time per event: {statistics.median(ratios):.2f}")


def _is_met(part: str) -> bool:
    number = part.split("\n", 1)[0].rsplit("-", 1)[1]
    return int(number) < 20


if __name__ == "__main__":
    main()
