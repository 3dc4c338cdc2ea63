"""Our decisions against what people would otherwise wire together.

orjson reads the line, a rule package finds the rules that match, Jinja2 writes the text,
phonenumbers reads the number: the same events and 100 rules, one process, no storing on either
side. Prints events/s and our ratio to the fastest, by the clock on the wall and by CPU time. The
latter holds when other work is going on too, and leaves out what a package waits for its threads.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import orjson
import phonenumbers
import yaml
from workload import AS_OF, prepare, write_events

Match = Callable[[dict[str, Any]], list[int]]


def rules_of(folder: Path) -> list[dict[str, Any]]:
    """Read the rules as plain dictionaries."""
    read: list[dict[str, Any]] = yaml.safe_load((folder / "rules.yaml").read_text())["rules"]
    return read


def zen(rules: list[dict[str, Any]]) -> Match:
    """One decision table with a row a rule: zen's fast form, with a static loader."""
    import zen

    rows = []
    for index, rule in enumerate(rules):
        where = rule.get("where", {})
        reasons = rule.get("reasons", [])
        rows.append(
            {
                "_id": str(index),
                "event": f'"{rule["events"][0]}"',
                "group": f'"{rule["groups"][0]}"',
                "reason": f'"{reasons[0]}"' if reasons else "",
                "items": f">= {where['items_count']['gte']}" if "items_count" in where else "",
                "weight": f"> {where['weight']['gt']}" if "weight" in where else "",
                "rule": str(index),
            }
        )
    inputs = ("event", "group", "reason", "items", "weight")
    fields = ("event", "group_name", "reason", "items_count", "weight")
    table = {
        "hitPolicy": "collect",
        "inputs": [
            {"id": name, "name": name, "field": field}
            for name, field in zip(inputs, fields, strict=True)
        ],
        "outputs": [{"id": "rule", "name": "rule", "field": "rule"}],
        "rules": rows,
    }
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in"},
        {"id": "table", "type": "decisionTableNode", "name": "table", "content": table},
        {"id": "out", "type": "outputNode", "name": "out"},
    ]
    edges = [
        {"id": "a", "type": "edge", "sourceId": "in", "targetId": "table"},
        {"id": "b", "type": "edge", "sourceId": "table", "targetId": "out"},
    ]
    graph = {"nodes": nodes, "edges": edges}
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"rules": graph}}})
    names = ("event", "group_name", "reason", "items_count", "weight")

    def match(event: dict[str, Any]) -> list[int]:
        found = engine.evaluate("rules", {name: event.get(name) for name in names})["result"]
        rows = found if isinstance(found, list) else [found] if found else []
        return [int(row["rule"]) for row in rows if "rule" in row]

    return match


def _expression(rule: dict[str, Any], equals: str, both: str, prefix: str) -> str:
    parts = [
        f'{prefix}event {equals} "{rule["events"][0]}"',
        f'{prefix}group_name {equals} "{rule["groups"][0]}"',
    ]
    if rule.get("reasons"):
        parts.append(f'{prefix}reason {equals} "{rule["reasons"][0]}"')
    where = rule.get("where", {})
    if "items_count" in where:
        parts.append(f"{prefix}items_count >= {where['items_count']['gte']}")
    if "weight" in where:
        parts.append(f"{prefix}weight > {where['weight']['gt']}")
    return f" {both} ".join(parts)


def cel(rules: list[dict[str, Any]]) -> Match:
    """One compiled CEL program a rule, asked in turn."""
    from cel import compile as compile_cel

    programs = [compile_cel(_expression(rule, "==", "&&", "")) for rule in rules]
    names = ("event", "group_name", "reason", "items_count", "weight")

    def match(event: dict[str, Any]) -> list[int]:
        values = {name: event.get(name) for name in names}
        values["reason"] = values["reason"] or ""
        return [index for index, program in enumerate(programs) if program.execute(values)]

    return match


def rule_engine(rules: list[dict[str, Any]]) -> Match:
    """One rule-engine rule a rule, with flat names."""
    import rule_engine as package

    context = package.Context(default_value=None)
    compiled = [package.Rule(_expression(r, "==", "and", ""), context=context) for r in rules]

    def match(event: dict[str, Any]) -> list[int]:
        return [index for index, rule in enumerate(compiled) if rule.matches(event)]

    return match


class Rate(NamedTuple):
    """Events/s, by the wall clock and by CPU time."""

    wall: float
    cpu: float


def timed(work: Callable[[], None], events: int) -> Rate:
    """Do some work on so many events, and return how fast that was."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Rate(events / (time.perf_counter() - wall), events / (time.process_time() - cpu))


def wired(lines: list[bytes], rules: list[dict[str, Any]], match: Match) -> Rate:
    """Return events/s of reading, matching, wording and numbers with the packages."""
    environment = jinja2.Environment(undefined=jinja2.Undefined, autoescape=False)
    bodies = [environment.from_string(rule["body"]) for rule in rules]

    def work() -> None:
        for line in lines:
            read = orjson.loads(line)
            job = read.get("job", read)
            event = {**job, "event": read.get("event", job.get("status"))}
            for index in match(event):
                bodies[index].render(job)
                number = phonenumbers.parse(job["phone_number"], job["country"])
                if phonenumbers.is_valid_number(number):
                    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    return timed(work, len(lines))


def ours(lines: list[bytes], folder: Path) -> Rate:
    """Return events/s of our intake on the same lines, remembering for duplicates included."""
    from smsnotify.engine.intake import Intake
    from smsnotify.events.read import TO_LOOK_AT
    from smsnotify.model.facts import Policy
    from smsnotify.rules.load import load_rules
    from smsnotify.store.rehearsal import Rehearsal

    rules = load_rules([folder / "rules.yaml"], country="SG")
    policy = Policy(country="SG", countries=frozenset({"SG"}), timezone="Asia/Singapore")
    intake = Intake(rules, policy, Rehearsal(None))
    now = datetime.fromisoformat(AS_OF)

    def work() -> None:
        for first in range(0, len(lines), TO_LOOK_AT):
            intake.take(first + 1, lines[first : first + TO_LOOK_AT], now)

    return timed(work, len(lines))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "sms-bench")
    asked = parser.parse_args()
    prepare(asked.folder)
    events = write_events(asked.folder / f"events-{asked.events}.jsonl", asked.events)
    lines = events.read_bytes().splitlines(keepends=True)
    few = lines[: max(1000, asked.events // 10)]
    rules = rules_of(asked.folder)
    rates: dict[str, list[Rate]] = {}
    for _ in range(asked.repeat):
        rates.setdefault("sms-notify", []).append(ours(lines, asked.folder))
        for name, make in (("zen-engine", zen), ("cel", cel), ("rule-engine", rule_engine)):
            rates.setdefault(name, []).append(wired(few, rules, make(rules)))
    for title, clock in (("by the wall clock", 0), ("by CPU time", 1)):
        medians = {
            name: statistics.median(rate[clock] for rate in found) for name, found in rates.items()
        }
        print(f"{title}: {', '.join(f'{name} {rate:,.0f}' for name, rate in medians.items())}")
        fastest = max(rate for name, rate in medians.items() if name != "sms-notify")
        print(f"against the fastest of the others: {medians['sms-notify'] / fastest:.1f} times")


if __name__ == "__main__":
    main()
