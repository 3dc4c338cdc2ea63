"""The one way in: lines to events, events to decisions, decisions to the books.

`process`, `pull` and (later) webhooks all bring chunks of lines here. A chunk is worked as a
whole: decode, find the jobs, derive, match, fetch facts, judge, save in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from smsnotify.base.errors import EventError
from smsnotify.engine.decide import local_day, match
from smsnotify.engine.keep import Judged, Memory, Ticket, judge_remembering, keep
from smsnotify.events.decode import Decoder, Parsed, job_snapshot
from smsnotify.events.derive import derive, job_names, state_of
from smsnotify.gates.zones import known_zone
from smsnotify.model.decision import Decision
from smsnotify.model.event import Event
from smsnotify.model.facts import Policy
from smsnotify.model.jobstate import JobState
from smsnotify.rules.compile import RuleSet
from smsnotify.store.batch import EventRow, JobRow


class Rejected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line that is no event, kept with its place and reason."""

    source: str
    line: int
    reason: str
    message: str
    raw: bytes

    def as_json(self) -> dict[str, object]:
        """The outside shape: `{"type": "rejected", "source", "line", "reason", "message"}`."""
        return {
            "type": "rejected",
            "source": self.source,
            "line": self.line,
            "reason": self.reason,
            "message": self.message,
        }


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What one chunk came to."""

    events: int
    decisions: list[Decision]
    rejected: list[Rejected]


class Happening(msgspec.Struct, frozen=True, gc=False):
    """An event with the line that it came in, for the books."""

    event: Event
    raw: bytes


def _row(one: Happening) -> EventRow:
    event = one.event
    return EventRow(event.subject, event.name, event.id, event.time, one.raw)


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
        self._zone = known_zone(policy.timezone)
        self._decoder = Decoder(rules.job_type, custom_events=rules.custom_events, format=format)

    def take(self, first: int, lines: Sequence[bytes], now: datetime) -> Taken:
        """Work one chunk of lines; `first` is the number of its first line."""
        read, rejected = self._read(first, lines)
        happenings, jobs = self._happenings(read, now)
        rules, policy, memory = self.rules, self.policy, self.memory
        drafts = [draft for one in happenings for draft in match(one.event, rules, policy, now)]
        judged = judge_remembering(drafts, memory, policy, self.ticket, now)
        events = [_row(one) for one in happenings] if memory.durable else []
        decisions = keep(judged, memory, self.ticket, now, jobs=jobs, events=events)
        return Taken(len(happenings), decisions, rejected)

    def take_jobs(self, first: int, lines: Sequence[bytes], now: datetime) -> Taken:
        """Keep the jobs of a chunk without texting about them; events in it are only snapshots."""
        read, rejected = self._read(first, lines)
        _, jobs = self._happenings(read, now)
        keep(Judged([]), self.memory, self.ticket, now, jobs=jobs)
        return Taken(0, [], rejected)

    def _read(
        self, first: int, lines: Sequence[bytes]
    ) -> tuple[list[tuple[Parsed, bytes, int]], list[Rejected]]:
        decode = self._decoder.decode
        read: list[tuple[Parsed, bytes, int]] = []
        rejected: list[Rejected] = []
        for offset, line in enumerate(lines):
            try:
                parsed = decode(line) if line else ()
            except EventError as error:
                if line.strip():
                    rejected.append(
                        Rejected(
                            source=self.source,
                            line=first + offset,
                            reason=error.reason,
                            message=error.message,
                            raw=line,
                        )
                    )
                continue
            for index, one in enumerate(parsed):
                read.append((one, line, index))
        return read, rejected

    def _happenings(
        self, read: list[tuple[Parsed, bytes, int]], now: datetime
    ) -> tuple[list[Happening], list[JobRow]]:
        """Give every reading its job, and derive what a bare snapshot shows."""
        named = [(job_names(parsed.job), parsed, line, index) for parsed, line, index in read]
        known = self.memory.recall([names for names, *_ in named])
        subjects = {name: job.subject for name, job in known.items()}
        states = {job.subject: job.state for job in known.values()}
        days: dict[object, date] = {}
        happenings: list[Happening] = []
        rows: list[JobRow] = []
        for names, parsed, line, index in named:
            job = parsed.job
            subject = find_subject(names, subjects) or names[0]
            before = states.get(subject)
            zone = job.time_zone
            today = days.get(zone) or days.setdefault(zone, local_day(job, self.policy, now))
            if parsed.event is None:
                happened = derive(before, job, today, zone=self._zone)
            else:
                happened = [(parsed.event, "")]
            state = state_of(job, today, before, zone=self._zone)
            if parsed.event is not None and not state.phase:
                state = _told_by_name(state, parsed.event)
            last_stamp = state.heading or (before.heading if before else "")
            for name, stamp in happened:
                told = state.rating if name == "feedback" else stamp or last_stamp
                event = Event(name, job, subject, parsed.id, parsed.time, told)
                happenings.append(Happening(event, line))
            states[subject] = state
            for name in names:
                subjects[name] = subject
            snapshot = job_snapshot(line, index) if self.memory.durable else b""
            rows.append(JobRow(subject, names, state, job, snapshot))
        return happenings, rows


def _told_by_name(state: JobState, event: str) -> JobState:
    """A job without a status is where its named event says it is."""
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
