"""The one way in: lines to events, events to decisions, decisions to the books.

`process`, `pull` and (later) webhooks all bring chunks of lines here. A chunk is worked as a
whole: decode, find the jobs, derive, match, fetch facts, judge, save in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

import msgspec

from smsnotify.base.errors import EventError
from smsnotify.base.ids import new_id
from smsnotify.engine.decide import judge, local_day, match
from smsnotify.engine.outgoing import to_message
from smsnotify.events.decode import Decoder, Parsed, job_snapshot
from smsnotify.events.derive import derive, job_names, state_of
from smsnotify.gates.volume_guard import NAME as VOLUME_GUARD
from smsnotify.model.decision import Decision, Earlier, MessageKey, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Person, Policy
from smsnotify.model.jobstate import KnownJob
from smsnotify.model.message import MessageState
from smsnotify.rules.compile import RuleSet
from smsnotify.store.batch import Batch, EventRow, JobRow


class Memory(Protocol):
    """What intake needs to remember: the store, or a rehearsal that forgets."""

    durable: bool
    """False when nothing of this outlives the run (a dry run)."""

    def find_jobs(self, names: Iterable[str]) -> dict[str, KnownJob]:
        """Return what is known of jobs, by any of their names."""

    def taken(self, keys: Sequence[MessageKey]) -> dict[MessageKey, Earlier]:
        """Return the keys that already have a message."""

    def people(self, numbers: Iterable[str]) -> dict[str, Person]:
        """Return what is known of recipients."""

    def save(self, batch: Batch) -> dict[MessageKey, Earlier]:
        """Keep a chunk's outcome in one transaction; return the keys that somebody else took."""


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
        run: str = "",
        guarded: bool = False,
    ) -> None:
        """Remember who decides (`rules`, `policy`) and where it is kept (`memory`).

        `run` names this run in the outbox; a `guarded` one holds its texts for the volume guard.
        """
        self.rules = rules
        self.policy = policy
        self.memory = memory
        self.source = source
        self.run = run
        self.guarded = guarded
        self._decoder = Decoder(rules.job_type, custom_events=rules.custom_events, format=format)

    def take(self, first: int, lines: Sequence[bytes], now: datetime) -> Taken:
        """Work one chunk of lines; `first` is the number of its first line."""
        read, rejected = self._read(first, lines)
        happenings, jobs = self._happenings(read, now)
        events = [happening.event for happening in happenings]
        decisions, left_behind = self._decide(events, now)
        decisions = self._save(decisions, left_behind, happenings, jobs, now)
        return Taken(len(events), decisions, rejected)

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
        known = self.memory.find_jobs(name for names, *_ in named for name in names)
        days: dict[object, date] = {}
        happenings: list[Happening] = []
        rows: dict[str, JobRow] = {}
        for names, parsed, line, index in named:
            job = parsed.job
            before = find_known(names, known)
            subject = before.subject if before else names[0]
            state_before = before.state if before else None
            zone = job.time_zone
            today = days.get(zone) or days.setdefault(zone, local_day(job, self.policy, now))
            if parsed.event is None:
                happened = derive(state_before, job, today)
            else:
                happened = [(parsed.event, "")]
            state = state_of(job, today, state_before, parsed.event or "")
            last_stamp = state.heading or (state_before.heading if state_before else "")
            for name, stamp in happened:
                event = Event(name, job, subject, parsed.id, parsed.time, stamp or last_stamp)
                happenings.append(Happening(event, line))
            now_known = KnownJob(subject, state)
            for name in names:
                known[name] = now_known
            snapshot = job_snapshot(line, index) if self.memory.durable else b""
            rows[subject] = JobRow(subject, names, state, job, snapshot)
        return happenings, list(rows.values())

    def _decide(
        self, events: Iterable[Event], now: datetime
    ) -> tuple[list[Decision], list[Earlier]]:
        """Match and judge events; also return the messages that a stopped run left behind."""
        rules, policy = self.rules, self.policy
        drafts = [draft for event in events for draft in match(event, rules, policy, now)]
        if not drafts:
            return [], []
        taken = self.memory.taken([draft.key for draft in drafts])
        left_behind = {
            key: earlier for key, earlier in taken.items() if is_left_behind(earlier, self.run)
        }
        for key in left_behind:
            del taken[key]
        people = self.memory.people(draft.recipient for draft in drafts)
        decisions = judge(drafts, Facts(taken, people), policy, now)
        return decisions, list(left_behind.values())

    def _save(
        self,
        decisions: list[Decision],
        left_behind: list[Earlier],
        happenings: list[Happening],
        jobs: list[JobRow],
        now: datetime,
    ) -> list[Decision]:
        """Keep everything; a key that another process took meanwhile makes a duplicate."""
        messages = {}
        for decision in decisions:
            if decision.verdict is not Verdict.STOP:
                message = to_message(decision, new_id(now), now, run=self.run, guarded=self.guarded)
                messages[decision.draft.key] = message
        batch = Batch(
            jobs=jobs,
            events=[
                EventRow(h.event.subject, h.event.name, h.event.id, h.event.time, h.raw)
                for h in happenings
            ],
            decisions=decisions,
            messages=messages,
            replaces=[earlier.id for earlier in left_behind],
            at=now,
        )
        lost = self.memory.save(batch)
        return [overtaken(d, lost) for d in decisions] if lost else decisions


def find_known(names: Sequence[str], known: Mapping[str, KnownJob]) -> KnownJob | None:
    """Find a job by its names: the id first; by number and date while that job has no id."""
    found = known.get(names[0])
    if found is None and len(names) > 1:
        found = known.get(names[1])
        if found is not None and not found.subject.startswith("do:"):
            return None
    return found


def is_left_behind(earlier: Earlier, run: str) -> bool:
    """Say whether a message waits for the guard of a run that is over: this run takes its place."""
    return (
        earlier.gate == VOLUME_GUARD and earlier.state == MessageState.HELD and earlier.run != run
    )


def overtaken(decision: Decision, lost: Mapping[MessageKey, Earlier]) -> Decision:
    """Turn a decision whose key was taken meanwhile into the duplicate that it is."""
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
