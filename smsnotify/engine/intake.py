"""The one way in: lines to events, events to decisions, decisions to the books.

`process`, `pull` and (later) webhooks all bring chunks of lines here. A chunk is worked as a
whole: decode, find the jobs, derive, match, fetch facts, judge, save in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from smsnotify.base.errors import EventError
from smsnotify.engine.decide import drafts_of, local_day, match
from smsnotify.engine.keep import (
    Judged,
    Memory,
    Ticket,
    is_left_behind,
    judge_remembering,
    keep,
)
from smsnotify.events.decode import Decoder, Parsed, job_snapshot
from smsnotify.events.derive import derive, job_names, state_of
from smsnotify.gates.zones import known_zone
from smsnotify.model.decision import Decision, Draft
from smsnotify.model.event import Event
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
    """What one chunk came to."""

    events: int
    decisions: list[Decision]
    rejected: list[Rejected]


_Reading = tuple[Parsed, tuple[str, ...], bytes, int]
"""One event of a line: what was read, the job's names, the line, and which event of the line."""


class _Chunk:
    """What comes together while a chunk is walked through."""

    def __init__(self) -> None:
        self.event_count = 0
        self.drafts: list[Draft] = []
        # What a snapshot still shows, and an earlier run may have left at its volume guard.
        self.seen_again: list[Draft] = []
        self.jobs: list[JobRow] = []
        self.events: list[EventRow] = []


NO_RUN = Ticket()

_PHASES = {
    *("info_received", "in_transit", "scheduled", "out_for_delivery", "completed"),
    *("completed_partial", "failed", "on_hold", "return", "deleted"),
}


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
    ) -> None:
        """Remember who decides (`rules`, `policy`) and where it is kept (`memory`)."""
        self.rules = rules
        self.policy = policy
        self.memory = memory
        self.source = source
        self.ticket = ticket
        self._format = format
        self._zone = known_zone(policy.timezone)
        self._guard_holds = memory.has_guarded()
        self._decoder = Decoder(rules.job_type, custom_events=rules.custom_events, format=format)

    def take(self, first: int, lines: Sequence[bytes], now: datetime) -> Taken:
        """Work one chunk of lines; `first` is the number of its first line."""
        read, rejected = self._read(first, lines)
        chunk = _Chunk()
        self._walk(read, now, chunk)
        drafts = chunk.drafts + self._left_behind(chunk)
        judged = judge_remembering(drafts, self.memory, self.policy, self.ticket, now)
        decisions = keep(
            judged, self.memory, self.ticket, now, jobs=chunk.jobs, events=chunk.events
        )
        return Taken(chunk.event_count, decisions, rejected)

    def take_jobs(self, first: int, lines: Sequence[bytes], now: datetime) -> Taken:
        """Keep the jobs of a chunk without texting about them; events in it are only snapshots."""
        read, rejected = self._read(first, lines)
        chunk = _Chunk()
        self._walk(read, now, chunk)
        keep(Judged([]), self.memory, self.ticket, now, jobs=chunk.jobs)
        return Taken(0, [], rejected)

    def _read(self, first: int, lines: Sequence[bytes]) -> tuple[list[_Reading], list[Rejected]]:
        decode = self._decoder.decode
        read: list[_Reading] = []
        rejected: list[Rejected] = []
        for offset, line in enumerate(lines):
            try:
                parsed = decode(line)
            except EventError as error:
                rejected.append(
                    Rejected(
                        source=self.source,
                        line=first + offset,
                        reason=error.reason,
                        message=error.message,
                        raw=line,
                        hint=error.hint,
                    )
                )
                continue
            if len(parsed) == 1:
                one = parsed[0]
                read.append((one, job_names(one.job), line, 0))
            else:
                read += [(one, job_names(one.job), line, n) for n, one in enumerate(parsed)]
        return read, rejected

    def _walk(self, read: list[_Reading], now: datetime, chunk: _Chunk) -> None:
        """Go through the readings in order: whose job, what happened, what the rules want."""
        known = self.memory.recall([names for _, names, _, _ in read])
        subjects = {name: job.subject for name, job in known.items()}
        states = {job.subject: job.state for job in known.values()}
        durable, home, policy = self.memory.durable, self._zone, self.policy
        days: dict[object, date] = {}
        rows = chunk.jobs
        for parsed, names, line, index in read:
            job, named = parsed.job, parsed.event
            subject = find_subject(names, subjects) or names[0]
            before = states.get(subject)
            zone = job.time_zone
            today = days.get(zone) or days.setdefault(zone, local_day(job, policy, now))
            state = state_of(job, today, before, zone=home)
            if named is None:
                for name, stamp in derive(before, job, today, zone=home):
                    self._happen(name, stamp, parsed, subject, state, before, line, now, chunk)
                if self._guard_holds:
                    for name, stamp in derive(None, job, today, zone=home):
                        event = _event(name, stamp, parsed, subject, state, before)
                        chunk.seen_again += match(event, self.rules, policy, now)
            else:
                if not state.phase or named == "deleted":
                    state = _told_by_name(state, named)
                self._happen(named, "", parsed, subject, state, before, line, now, chunk)
            states[subject] = state
            for name in names:
                subjects[name] = subject
            snapshot = job_snapshot(line, index, self._format) if durable else b""
            rows.append(JobRow(subject, names, state, job, snapshot))

    def _happen(
        self,
        name: str,
        stamp: str,
        parsed: Parsed,
        subject: str,
        state: JobState,
        before: JobState | None,
        line: bytes,
        now: datetime,
        chunk: _Chunk,
    ) -> None:
        chunk.event_count += 1
        job = parsed.job
        listeners = self.rules.listening(name, job)
        if not listeners and not self.memory.durable:
            return
        event = _event(name, stamp, parsed, subject, state, before)
        if self.memory.durable:
            chunk.events.append(EventRow(subject, name, parsed.id, parsed.time, line))
        for rule in listeners:
            if rule.matches(job):
                chunk.drafts += drafts_of(rule, event, self.policy, now)

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


def _event(
    name: str,
    stamp: str,
    parsed: Parsed,
    subject: str,
    state: JobState,
    before: JobState | None,
) -> Event:
    if name == "feedback":
        stamp = state.rating
    elif not stamp:
        stamp = state.heading or (before.heading if before is not None else "")
    return Event(name, parsed.job, subject, parsed.id, parsed.time, stamp)


def _told_by_name(state: JobState, event: str) -> JobState:
    """A job without a status is where its named event says; a deleted one is, whatever it says."""
    if event in _PHASES:
        return msgspec.structs.replace(state, phase=event)
    return state


def find_subject(names: Sequence[str], subjects: Mapping[str, str]) -> str:
    """Find a job by its names: the id first; by number and date while that job has no id."""
    found = subjects.get(names[0], "")
    if not found and len(names) > 1:
        found = subjects.get(names[1], "")
        if not found.startswith("do:"):
            return ""
    return found
