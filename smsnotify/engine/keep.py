"""Decide against what is remembered, and keep the outcome: the same for events and reminders."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Protocol

import msgspec

from smsnotify.base.ids import new_id
from smsnotify.engine.counting import asked_for, learn_counts
from smsnotify.engine.decide import is_meant, judge
from smsnotify.engine.digesting import open_doors, waiting
from smsnotify.engine.first_texts import greeted
from smsnotify.engine.outgoing import to_message
from smsnotify.engine.page_links import wants_page
from smsnotify.gates.active import active_gate
from smsnotify.gates.inhibited import inhibited_gate
from smsnotify.gates.pipeline import run_gates
from smsnotify.gates.silence import silence_gate
from smsnotify.gates.volume_guard import NAME as VOLUME_GUARD
from smsnotify.model.contact import Contact
from smsnotify.model.counts import Charge, CountKey
from smsnotify.model.decision import Decision, Draft, Earlier, MessageKey, Mode, Verdict
from smsnotify.model.event import Happening
from smsnotify.model.facts import Facts, Person, Policy
from smsnotify.model.jobstate import KnownJob
from smsnotify.model.message import Message, MessageState
from smsnotify.model.rule import EMAIL
from smsnotify.model.silence import Silence
from smsnotify.store.batch import Batch, EventRow, JobRow, StoredJob, Tracked, Waiting
from smsnotify.store.conversation_batch import NewLink
from smsnotify.store.words import OPT_OUT, TRACKING, UNCHANGED

_NEVER = datetime.fromtimestamp(0, UTC)
_REHEARSED = "rehearsed"


class Memory(Protocol):
    """What deciding needs to remember: the store, or a rehearsal that forgets."""

    @property
    def durable(self) -> bool:
        """False when nothing of this outlives the run (a dry run)."""

    def recall(self, named: Iterable[Sequence[str]]) -> dict[str, KnownJob]:
        """Return what is known of jobs, by their names; each job's in order of preference."""

    def jobs_between(self, first: date, last: date) -> Iterator[StoredJob]:
        """Give the jobs dated from `first` to `last`."""

    def happened(
        self, subjects: Collection[str], names: Collection[str]
    ) -> dict[str, list[Happening]]:
        """Return when events of these names happened to jobs, the oldest first."""

    def taken(self, keys: Sequence[MessageKey]) -> dict[MessageKey, Earlier]:
        """Return the keys that already have a message."""

    def has_guarded(self) -> bool:
        """Say whether a volume guard holds anything back."""

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        """Return the silences that run at an instant."""

    def people(self, numbers: Iterable[str]) -> dict[str, Person]:
        """Return what is known of recipients."""

    def contacts_of(self, addresses: Collection[str]) -> dict[str, Contact]:
        """Return the contacts behind recipients, as far as there are any."""

    def doors(self, wanted: Collection[str], now: datetime) -> dict[str, datetime]:
        """Return the doors at which a digest waits, each with the end of its window."""

    def greeted(self, recipients: Collection[str], mode: str, run: str) -> set[str]:
        """Return which recipients have had the words that a first text must carry."""

    def opt_out_token(self, recipient: str) -> str:
        """Return what stands in the address of a recipient's opt-out page: always the same."""

    def tracking_token(self, subject: str, recipient: str) -> str:
        """Return what stands in the address of a recipient's page about a job: always the same."""

    def counts(self, keys: Collection[CountKey]) -> dict[CountKey, int]:
        """Return the counters that there are."""

    def counted_among(self, ids: Collection[str]) -> set[str]:
        """Return those of some messages that counted when they were stored."""

    def save(self, batch: Batch) -> dict[MessageKey, Earlier]:
        """Keep a chunk's outcome in one transaction; return the keys that somebody else took.

        Raises:
            OvertakenError: a cap was reached meanwhile; nothing is kept.
        """


class Ticket(msgspec.Struct, frozen=True):
    """Under which run new messages go into the outbox, and whether its guard holds them.

    `adopts`: the run takes the place of what an earlier one left at its volume guard. Only a run
    that has a guard of its own may (or its rehearsal): whatever nobody counts must not send it.
    """

    run: str = ""
    guarded: bool = False
    adopts: bool = False


class Judged(msgspec.Struct, frozen=True, gc=False):
    """Decisions, the messages that nobody had and whose place they take, pages that they make,
    and which of them wait for others of a digest. `charges` are what their messages add to
    counters.
    """

    decisions: list[Decision]
    left_behind: list[Earlier] = []
    pages: list[NewLink] = []
    waiting: dict[MessageKey, Waiting] = {}
    charges: Mapping[MessageKey, tuple[Charge, ...]] = {}


def judge_remembering(
    drafts: Sequence[Draft], memory: Memory, policy: Policy, ticket: Ticket, now: datetime
) -> Judged:
    """Fetch what judging needs to know, and judge."""
    if not drafts:
        return Judged([])
    taken = memory.taken([draft.key for draft in drafts])
    left_behind = {
        key: earlier for key, earlier in taken.items() if is_left_behind(earlier, ticket)
    }
    watched = {key: earlier for key, earlier in taken.items() if watched_in_vain(earlier)}
    for key in (*left_behind, *watched):
        del taken[key]
    if not memory.durable:
        taken = {key: _unnamed(earlier) for key, earlier in taken.items()}
    facts = known_facts(drafts, memory, policy, taken, now, ticket.run, left_behind)
    decisions = judge(drafts, facts, policy, now)
    pages = tracking_pages(decisions, memory, policy) if memory.durable else []
    replaced = list(left_behind.values())
    if watched:
        going = {one.draft.key for one in decisions if one.verdict is not Verdict.STOP}
        replaced += [earlier for key, earlier in watched.items() if key in going]
    charges = facts.counts.charges if facts.counts is not None else {}
    waits = waiting(decisions, facts, policy)
    return Judged(decisions, replaced, pages, waits, charges)


def known_facts(
    drafts: Sequence[Draft],
    memory: Memory,
    policy: Policy,
    taken: dict[MessageKey, Earlier],
    now: datetime,
    run: str = "",
    replaced: Mapping[MessageKey, Earlier] | None = None,
) -> Facts:
    """Fetch what is known of the recipients; their contacts only for rules that read them.

    And what happened to the jobs, for rules that look back at it; and who was texted before, for
    those whose first text says more. `run` is the one that the drafts belong to, `replaced` are
    messages whose place they take.
    """
    people = memory.people(concerned((draft.recipient for draft in drafts), policy))
    facts = Facts(taken, people, silences=memory.silences(now))
    facts.tracking_link = tracking_link(memory, policy)
    # Of the rest plain rules ask nothing: one look at each draft says so.
    others = [draft for draft in drafts if not (terms := draft.terms).is_plain or terms.countries]
    if others:
        facts.doors = open_doors(others, memory, policy, now)
        asking = {draft.recipient for draft in others if draft.terms.reads_person}
        if asking:
            facts.contacts = memory.contacts_of(asking)
            facts.opt_out_link = opt_out_link(memory, policy)
        facts.happened = what_happened(others, memory)
        facts.greeted = greeted(others, memory, policy, run)
    if others or policy.caps is not None:
        asked = asked_for(drafts, policy)
        learn_counts(facts, asked, memory, policy, now, run=run, replaced=replaced)
    return facts


def what_happened(drafts: Iterable[Draft], memory: Memory) -> dict[str, list[Happening]]:
    """Fetch what happened to the jobs of drafts whose rules look back at it, as far as they do."""
    asking = [
        (draft.event.subject, bounds.asks)
        for draft in drafts
        if (bounds := draft.terms.bounds) is not None and bounds.asks
    ]
    if not asking:
        return {}
    names = frozenset[str]().union(*(asks for _, asks in asking))
    return memory.happened({subject for subject, _ in asking}, names)


def meant(drafts: Sequence[Draft], memory: Memory) -> list[Draft]:
    """Return the drafts whose recipients meet their rules' conditions on the contact."""
    asking = {draft.recipient for draft in drafts if draft.terms.contact_tests}
    if not asking:
        return list(drafts)
    facts = Facts({}, {}, memory.contacts_of(asking))
    return [draft for draft in drafts if is_meant(draft, facts)]


def starting(drafts: Sequence[Draft], memory: Memory, policy: Policy, now: datetime) -> list[Draft]:
    """Return the drafts with `start_plan` whose rules are active, and that nothing has muted."""
    entries = [draft for draft in drafts if draft.terms.start_plan]
    if not entries:
        return entries
    facts = Facts({}, {}, silences=memory.silences(now))
    facts.happened = what_happened(entries, memory)
    gates = (active_gate, silence_gate, inhibited_gate)
    return [one for one in entries if run_gates(one, facts, policy, now, gates) is None]


def opt_out_link(memory: Memory, policy: Policy) -> Callable[[str], str] | None:
    """Return what makes the address of a recipient's opt-out page; None without a public one."""
    base = policy.public_url
    return (lambda recipient: f"{base}/o/{memory.opt_out_token(recipient)}") if base else None


def leads_out(draft: Draft) -> bool:
    """Say whether a message brings the link of its reader's opt-out page: every mail does."""
    return draft.terms.has_opt_out_link or draft.terms.channel == EMAIL


def opt_out_pages(decisions: Iterable[Decision], memory: Memory) -> list[NewLink]:
    """Return the pages that the texts of these decisions lead to."""
    readers = {
        decision.to
        for decision in decisions
        if leads_out(decision.draft) and decision.verdict is not Verdict.STOP
    }
    return [
        NewLink(token=memory.opt_out_token(reader), kind=OPT_OUT, recipient=reader)
        for reader in sorted(readers)
    ]


def tracking_link(memory: Memory, policy: Policy) -> Callable[[str, str], str] | None:
    """Return what makes the address of a recipient's page about a job; None where it is off."""
    base = policy.public_url
    if not (base and policy.tracking):
        return None
    return lambda subject, recipient: f"{base}/t/{memory.tracking_token(subject, recipient)}"


def tracking_pages(decisions: Iterable[Decision], memory: Memory, policy: Policy) -> list[NewLink]:
    """Return the tracking pages that the texts of these decisions lead to."""
    if not (policy.public_url and policy.tracking):
        return []
    readers = {
        (decision.draft.event.subject, decision.to)
        for decision in decisions
        if decision.verdict is not Verdict.STOP and wants_page(decision.draft)
    }
    return [
        NewLink(
            token=memory.tracking_token(subject, reader),
            kind=TRACKING,
            recipient=reader,
            subject=subject,
        )
        for subject, reader in sorted(readers)
    ]


def concerned(recipients: Iterable[str], policy: Policy) -> Iterator[str]:
    """Give the people whose wishes count: the recipients, and who gets their texts in a test."""
    if policy.mode is Mode.TEST:
        yield from filter(None, (policy.test_to, policy.test_to_email))
    yield from recipients


def keep(
    judged: Judged,
    memory: Memory,
    ticket: Ticket,
    now: datetime,
    *,
    jobs: Sequence[JobRow] = (),
    events: Sequence[EventRow] = (),
    tracked: Sequence[Tracked] = (),
) -> list[Decision]:
    """Save decisions with their messages; a key that another process took makes a duplicate."""
    if memory.durable:
        messages = {
            decision.draft.key: to_message(
                decision, new_id(now), now, run=ticket.run, guarded=ticket.guarded
            )
            for decision in judged.decisions
            if decision.verdict is not Verdict.STOP
        }
    else:
        sent, stop, go = _rehearsed(Verdict.SEND, ""), Verdict.STOP, Verdict.SEND
        messages = {
            one.draft.key: sent if one.verdict is go else _rehearsed(one.verdict, one.gate)
            for one in judged.decisions
            if one.verdict is not stop
        }
    decisions = judged.decisions
    if memory.durable:
        decisions = [_naming_earlier(one, messages) for one in decisions]
    batch = Batch(
        jobs=list(jobs),
        events=list(events),
        decisions=decisions,
        messages=messages,
        replaces=[earlier.id for earlier in judged.left_behind],
        links=opt_out_pages(decisions, memory) + judged.pages if memory.durable else [],
        tracked=list(tracked),
        waiting=judged.waiting,
        at=now,
        charges=judged.charges,
    )
    lost = memory.save(batch)
    return [_overtaken(one, lost) for one in decisions] if lost else decisions


def _unnamed(earlier: Earlier) -> Earlier:
    """A text that would only be queued by this dry run has no id to tell."""
    return msgspec.structs.replace(earlier, id="") if earlier.id == _REHEARSED else earlier


@cache
def _rehearsed(verdict: Verdict, gate: str) -> Message:
    """A message that will never be: a rehearsal only notes that its key is taken, and how."""
    state = MessageState.HELD if verdict is Verdict.HOLD else MessageState.QUEUED
    gate = gate if verdict is Verdict.HOLD else ""
    return Message(
        id=_REHEARSED, state=state, gate=gate, recipient="", created_at=_NEVER, updated_at=_NEVER
    )


def is_left_behind(earlier: Earlier, ticket: Ticket) -> bool:
    """Say whether a message waits for the guard of a run that is over: this run takes its place."""
    return (
        ticket.adopts
        and earlier.gate == VOLUME_GUARD
        and earlier.state == MessageState.HELD
        and earlier.run != ticket.run
    )


def watched_in_vain(earlier: Earlier) -> bool:
    """Say whether a text never left because its job went on: when the job is back, it is news."""
    return earlier.gate == UNCHANGED and earlier.state == MessageState.CANCELLED


def _naming_earlier(decision: Decision, messages: Mapping[MessageKey, Message]) -> Decision:
    """Name the message that a duplicate doubles when both are of this batch."""
    earlier = decision.earlier
    if earlier is None or earlier.id:
        return decision
    message = messages.get(decision.draft.key)
    if message is None:
        return decision
    named = msgspec.structs.replace(earlier, id=message.id)
    return msgspec.structs.replace(
        decision, earlier=named, detail=f"already {named.state} as {named.id}"
    )


def _overtaken(decision: Decision, lost: Mapping[MessageKey, Earlier]) -> Decision:
    earlier = lost.get(decision.draft.key)
    if earlier is None or decision.verdict is Verdict.STOP:
        return decision
    return Decision(
        draft=decision.draft,
        verdict=Verdict.STOP,
        gate="duplicate",
        reason="duplicate",
        detail=f"already {earlier.state} as {earlier.id}",
        earlier=earlier,
    )
