"""The one way in: lines to events, events to decisions, decisions to the books.

`process`, `pull` and (later) webhooks all bring chunks of lines here. A chunk is worked as a
whole: decode, find the jobs, derive, match, fetch facts, judge, save in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

import msgspec

from smsnotify.engine.deciding import judge_and_keep
from smsnotify.engine.drafting import drafts_of, match
from smsnotify.engine.keep import (
    Judged,
    Memory,
    Ticket,
    is_left_behind,
    keep,
    starting,
)
from smsnotify.events.decode import Decoded, Decoder, Parsed, job_snapshot
from smsnotify.events.derive import derive, job_names, news, state_of
from smsnotify.events.entries import LINE_END
from smsnotify.gates.occasion import local_day
from smsnotify.gates.zones import known_zone
from smsnotify.model.decision import Decision, Draft
from smsnotify.model.event import STATUS_EVENTS, Event, Happening
from smsnotify.model.facts import Policy
from smsnotify.model.jobstate import JobState
from smsnotify.rules.compile import RuleSet
from smsnotify.store.batch import EventRow, JobRow


class Rejected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line that is no event, kept with its place and reason; `hint` is what to do about it."""

    source: str
    line: int
    reason: str
    message: str
    raw: bytes
    hint: str = ""

    def as_json(self) -> dict[str, object]:
        """The outside shape: `{"type": "rejected", "source", "line", "reason", "message", …}`."""
        return {
            "type": "rejected",
            "source": self.source,
            "line": self.line,
            "reason": self.reason,
            "message": self.message,
            "hint": self.hint,
        }


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What one chunk came to. `entered` people came into plans by it; in a rehearsal nobody does,
    and `starts` are the drafts of rules that would let them in."""

    events: int
    decisions: list[Decision]
    rejected: list[Rejected]
    entered: int = 0
    starts: list[Draft] = []


class TellPlans(Protocol):
    """Who lets people into plans, and moves those who wait for events.

    Safe to be told twice: a chunk that could not be kept is told again.
    """

    @property
    def events(self) -> frozenset[str]:
        """The events that some plan begins with or waits for."""

    def tell(
        self, entries: Sequence[Draft], events: Sequence[Event], ticket: Ticket, now: datetime
    ) -> int:
        """Take drafts of rules with `start_plan`, and events; return how many people came in."""


class _Chunk:
    """What comes together while a chunk is walked through."""

    def __init__(self) -> None:
        self.event_count = 0
        self.drafts: list[Draft] = []
        # What a snapshot still shows, and an earlier run may have left at its volume guard.
        self.seen_again: list[Draft] = []
        self.jobs: list[JobRow] = []
        self.events: list[EventRow] = []
        self.told: list[Event] = []  # what plans listen to
        # What happened to jobs so far, as far as rules look back at it.
        self.pasts: dict[str, tuple[Happening, ...]] = {}

    def looked_back_at(self) -> list[EventRow]:
        """Return what a rehearsal must remember of the events."""
        return [
            EventRow(subject, one.name, "", one.at, b"")
            for subject, past in self.pasts.items()
            for one in past
        ]


NO_RUN = Ticket(adopts=True)
"""A rehearsal's ticket: it decides as the run that it stands for."""


class Intake:
    """Takes chunks of lines, in order, into one memory."""

    def __init__(
        self,
        rules: RuleSet,
        policy: Policy,
        memory: Memory,
        *,
        source: str = "",
        format: str = "auto",
        ticket: Ticket = NO_RUN,
        plans: TellPlans | None = None,
    ) -> None:
        """Remember who decides (`rules`, `policy`) and where it is kept (`memory`).

        Without `plans` (a rehearsal) nobody comes into one.
        """
        self.rules = rules
        self.policy = policy
        self.memory = memory
        self.source = source
        self.ticket = ticket
        self._plans = plans
        self._heard = frozenset[str]() if plans is None else plans.events
        self._asked = rules.asks
        self._starts = any(rule.terms.start_plan for rule in rules.rules)
        self._format = format
        self._zone = known_zone(policy.timezone)
        self._decoder = Decoder(rules.job_type, custom_events=rules.custom_events, format=format)

    def take(self, first: int, lines: Sequence[bytes], now: datetime) -> Taken:
        """Work one chunk of lines; `first` is the number of its first line."""
        decoded = self._decoder.decode_all(lines)
        chunk = self._walk(decoded, lines, now)
        drafts = chunk.drafts + self._left_behind(chunk)
        entered, starts = 0, list[Draft]()
        if self._starts or chunk.told:
            # First, and safe to do twice: once the chunk is kept, nobody derives its news again.
            shown = (*drafts, *chunk.seen_again)
            entries = starting(shown, self.memory, self.policy, now)
            drafts = [draft for draft in drafts if not draft.terms.start_plan]
            if self._plans is not None and (entries or chunk.told):
                entered = self._plans.tell(entries, chunk.told, self.ticket, now)
            elif self._plans is None:
                known = chunk.seen_again
                starts = [one for one in entries if not one.refusal and one not in known]
        decisions = judge_and_keep(
            drafts,
            self.memory,
            self.policy,
            self.ticket,
            now,
            jobs=chunk.jobs,
            events=chunk.events if self.memory.durable else chunk.looked_back_at(),
        )
        rejected = self._rejected(first, lines, decoded)
        return Taken(chunk.event_count, decisions, rejected, entered, starts)

    def take_jobs(self, first: int, lines: Sequence[bytes], now: datetime) -> Taken:
        """Keep the jobs of a chunk without texting about them; events in it are only snapshots."""
        decoded = self._decoder.decode_all(lines)
        chunk = self._walk(decoded, lines, now)
        keep(Judged([]), self.memory, self.ticket, now, jobs=chunk.jobs)
        return Taken(0, [], self._rejected(first, lines, decoded))

    def _rejected(self, first: int, lines: Sequence[bytes], decoded: Decoded) -> list[Rejected]:
        return [
            Rejected(
                source=self.source,
                line=first + place,
                reason=error.reason,
                message=error.message,
                raw=lines[place].rstrip(LINE_END),
                hint=error.hint,
            )
            for place, error in decoded.failures
        ]

    def _walk(self, decoded: Decoded, lines: Sequence[bytes], now: datetime) -> _Chunk:
        """Go through the events in order: whose job, what happened, what the rules want.

        One step at a time for all of them: to take all steps for one event after another is
        slower by a tenth, since a processor foresees a short loop better than a long one.
        """
        chunk = _Chunk()
        events = self._follow(chunk, decoded, lines, now)
        chunk.event_count = len(events)
        drafts, policy = chunk.drafts, self.policy
        for event, rules in self.rules.wanted(events):
            for rule in rules:
                drafts += drafts_of(rule, event, policy, now)
        if self._heard:
            chunk.told = [event for event in events if event.name in self._heard]
        return chunk

    def _follow(
        self, chunk: _Chunk, decoded: Decoded, lines: Sequence[bytes], now: datetime
    ) -> list[Event]:
        """Follow the jobs through a chunk, and return everything that happened to them."""
        named = [job_names(parsed.job) for parsed in decoded.events]
        known = self.memory.recall(named)
        subjects = {name: job.subject for name, job in known.items()}
        states = {job.subject: job.state for job in known.values()}
        by_id = _go_by_id(named, subjects)
        durable, home, policy = self.memory.durable, self._zone, self.policy
        guard_holds = self.memory.has_guarded()
        events: list[Event] = []
        asked, pasts, rows = self._asked, chunk.pasts, chunk.jobs
        days: dict[object, date] = {}
        zone: object = days  # no job's, so that the first one looks its day up
        happened: Sequence[tuple[str, str]]
        snapshot, raw = b"", _as_it_came(decoded, lines, self._format)
        for parsed, names in zip(decoded.events, named, strict=True):
            job, name = parsed.job, parsed.event
            subject = names[0] if by_id else find_subject(names, subjects) or names[0]
            before = states.get(subject)
            if job.time_zone != zone:
                zone = job.time_zone
                today = days[zone] = days.get(zone) or local_day(job, policy, now)
            state = state_of(job, today, before, zone=home)
            if name is None:
                happened = news(before, state)
                if guard_holds:
                    for again, stamp in derive(None, job, today, zone=home):
                        shown = _event(again, stamp, parsed, subject, state, before)
                        chunk.seen_again += match(shown, self.rules, policy, now)
            else:
                happened = ((name, ""),)
                if not state.phase or name == "deleted":
                    state = _told_by_name(state, name)
            if durable:
                line, snapshot = next(raw)
                chunk.events += [
                    EventRow(subject, one, parsed.id, parsed.time, line) for one, _ in happened
                ]
            for one, stamp in happened:
                past = pasts.get(subject, ()) if pasts else ()
                events.append(_event(one, stamp, parsed, subject, state, before, past))
                if one in asked:
                    pasts[subject] = (*past, Happening(one, parsed.time or now))
            states[subject] = state
            if not by_id:
                for one in names:
                    subjects[one] = subject
            rows.append(JobRow(subject, names, state, job, snapshot))
        return events

    def _left_behind(self, chunk: _Chunk) -> list[Draft]:
        """Return what a run that its volume guard ended derived from these very snapshots.

        To derive it again is impossible: the books know the snapshots since that run.
        """
        if not chunk.seen_again:
            return []
        news = {draft.key for draft in chunk.drafts}
        again = {draft.key: draft for draft in chunk.seen_again if draft.key not in news}
        taken = self.memory.taken(list(again))
        return [
            again[key] for key, earlier in taken.items() if is_left_behind(earlier, self.ticket)
        ]


def _as_it_came(
    decoded: Decoded, lines: Sequence[bytes], format: str
) -> Iterator[tuple[bytes, bytes]]:
    """Give the line of each event, and the job object in it."""
    last, index = -1, 0
    for place in decoded.places:
        index = index + 1 if place == last else 0
        last, line = place, lines[place]
        yield line, job_snapshot(line, index, format)


def _event(
    name: str,
    stamp: str,
    parsed: Parsed,
    subject: str,
    state: JobState,
    before: JobState | None,
    earlier: tuple[Happening, ...] = (),
) -> Event:
    if name == "feedback":
        stamp = state.rating
    elif not stamp:
        stamp = state.heading or (before.heading if before is not None else "")
    return Event(name, parsed.job, subject, parsed.id, parsed.time, stamp, None, earlier)


def _told_by_name(state: JobState, event: str) -> JobState:
    """A job without a status is where its named event says; a deleted one is, whatever it says."""
    if event in STATUS_EVENTS:
        return msgspec.structs.replace(state, phase=event)
    return state


def _go_by_id(named: Sequence[Sequence[str]], subjects: Mapping[str, str]) -> bool:
    """Say whether the jobs of a chunk all go by their ids: then a first name is the subject."""
    # A job with two names has an id. `do:` sorts before `id:`; the smallest tells for all.
    both = min(map(len, named), default=2) == 2
    return both and min(subjects.values(), default="id:") >= "id:"


def find_subject(names: Sequence[str], subjects: Mapping[str, str]) -> str:
    """Find a job by its names: the id first; by number and date while that job has no id."""
    found = subjects.get(names[0], "")
    if not found and len(names) > 1:
        found = subjects.get(names[1], "")
        if not found.startswith("do:"):
            return ""
    return found
