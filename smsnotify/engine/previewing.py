"""What rules would say: of sample jobs, of a written event, check by check; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from smsnotify.engine.decide import judge
from smsnotify.engine.intake import Intake, Rejected
from smsnotify.engine.keep import Memory, known_facts
from smsnotify.engine.openings import openings
from smsnotify.engine.samples import by_language, sample_contacts, sample_drafts
from smsnotify.engine.silent import people_of
from smsnotify.events.decode import Decoder, Parsed
from smsnotify.events.derive import derive
from smsnotify.gates.occasion import local_day
from smsnotify.gates.zones import known_zone
from smsnotify.model.decision import Decision, Draft
from smsnotify.model.event import Event
from smsnotify.model.facts import Policy
from smsnotify.plans.book import Book, PlanSet
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.rules.explain import RuleVerdict, explain
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.store import Store

MOST_LINES: Final = 20
"""So many events are tried at once."""

Cost = Callable[[Decision], Decimal | None]
"""What a decision's text costs, None where nobody wrote a price down."""


class Explained(msgspec.Struct, frozen=True):
    """An event, and what each rule says to it."""

    event: str
    job: str
    verdicts: list[RuleVerdict]


class Tried(msgspec.Struct, frozen=True):
    """What some written events would come to; `decisions` with their costs."""

    decisions: list[tuple[Decision, Decimal | None]]
    rejected: list[Rejected]
    explained: list[Explained]


def try_events(
    store: Store | None, book: Book, policy: Policy, written: str, now: datetime, cost: Cost
) -> Tried:
    """Judge what somebody typed or pasted, as intake would. Without `store` nothing is known yet.

    Raises:
        StoreError: the books cannot be read.
    """
    lines = lines_of(written)
    memory = Rehearsal(store)
    try:
        taken = Intake(book.rules, policy, memory).take(1, lines, now)
        decisions = [
            *taken.decisions,
            *begun(memory, policy, book.plans, taken.starts, now),
        ]
    finally:
        memory.close()
    return Tried(
        [(one, cost(one)) for one in decisions],
        taken.rejected,
        list(_explained(store, book.rules, policy, lines, now)),
    )


def lines_of(written: str) -> list[bytes]:
    """Return the lines that a text is: one for a JSON value however it is laid out."""
    raw = written.strip().encode("utf-8", "replace")
    try:
        value = msgspec.json.decode(raw)
        values = value if isinstance(value, list) else [value]
        return [msgspec.json.encode(one) for one in values[:MOST_LINES]]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, UnicodeEncodeError):
        return [line for line in raw.splitlines() if line.strip()][:MOST_LINES]


def samples(
    rules: RuleSet,
    wanted: Sequence[CompiledRule],
    policy: Policy,
    plans: PlanSet,
    memory: Memory,
    now: datetime,
) -> list[Decision]:
    """Return what rules would say about a sample job each, in every language that they have."""
    drafts = openings(sample_drafts(rules, wanted, policy, now), plans, sample_contacts)
    decided: list[Decision] = []
    for language, spoken in by_language(drafts):
        facts = known_facts(spoken, memory, policy, {}, now)
        facts.contacts = sample_contacts((draft.recipient for draft in spoken), language)
        decided += judge(spoken, facts, policy, now)
    return decided


def begun(
    memory: Memory, policy: Policy, plans: PlanSet, starts: Sequence[Draft], now: datetime
) -> list[Decision]:
    """Return what becomes of the first texts of plans that rules start."""
    if not starts:
        return []
    drafts = openings(starts, plans, memory.contacts_of)
    return judge(drafts, known_facts(drafts, memory, policy, {}, now), policy, now)


def events_of(parsed: Parsed, policy: Policy, now: datetime) -> Iterator[Event]:
    """Yield the events of an entry; of a snapshot what it shows to have happened."""
    if parsed.event is not None:
        yield Event(parsed.event, parsed.job, "", parsed.id, parsed.time)
        return
    day = local_day(parsed.job, policy, now)
    for name, stamp in derive(None, parsed.job, day, zone=known_zone(policy.timezone)):
        yield Event(name, parsed.job, "", parsed.id, parsed.time, stamp)


def swaps(decision: Decision) -> str:
    """Return what the rule's encoding changed in the text, such as `“ → "`; mostly `''`."""
    return ", ".join(f"{_shown(was)} → {_shown(now)}" for was, now in decision.swapped)


def _shown(char: str) -> str:
    """Name what cannot be seen."""
    if not char:
        return "nothing"
    if char.isprintable() and not char.isspace():
        return char
    return {" ": "a space", "\n": "a new line"}.get(char) or f"U+{ord(char):04X}"


def _explained(
    store: Store | None, rules: RuleSet, policy: Policy, lines: Sequence[bytes], now: datetime
) -> Iterator[Explained]:
    decoder = Decoder(rules.job_type, custom_events=rules.custom_events)
    people = people_of(store, policy, now)
    for parsed in decoder.decode_all(lines).events:
        for event in events_of(parsed, policy, now):
            job = str(event.job.number or event.job.id or "")
            yield Explained(event.name, job, explain(event, rules, people))
