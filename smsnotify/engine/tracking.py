"""Events from any channel: kept on the person's timeline, and told to the rules.

What somebody does on a page, in an app or at a counter has no job of its own. Rules hear of it
as an event about a made-up one: the person's number, its country, and whatever the teller's
`data` says that is a field of jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from smsnotify.base.errors import EventError, StoppedError
from smsnotify.base.ids import new_id
from smsnotify.engine.conversing_events import Occurrence, PlanTeller, tell_plans
from smsnotify.engine.conversing_portion import Desk
from smsnotify.engine.deciding import judge_and_keep
from smsnotify.engine.drafting import drafts_of
from smsnotify.engine.intake import Rejected
from smsnotify.engine.keep import Ticket, starting
from smsnotify.engine.posted import MOST_TOLD, told_rejected
from smsnotify.engine.tally import Tally
from smsnotify.events.decode import Decoder
from smsnotify.events.derive import state_of
from smsnotify.events.interactions import Told, read_interaction
from smsnotify.gates.occasion import local_day
from smsnotify.gates.zones import known_zone
from smsnotify.model.contact import Contact, Interaction
from smsnotify.model.decision import Decision, Draft
from smsnotify.model.event import EVENT_NAMES, Event
from smsnotify.model.job import JOB_FIELDS
from smsnotify.store.batch import EventRow, JobRow, Tracked
from smsnotify.text.phone import country_of

_AT_ONCE: Final = 500
_OURS: Final = ("id", "phone_number", "country")
"""Fields of the made-up job that are not the teller's to say."""


class Heard(msgspec.Struct, frozen=True, gc=False):
    """What one portion came to: what is new, and what was told before."""

    kept: list[Tracked]
    repeated: int
    decisions: list[Decision]
    rejected: list[Rejected]
    events: int = 0


class TrackedReport(msgspec.Struct, kw_only=True):
    """What a body or a file came to; `rejected` holds the first of `rejected_count`."""

    accepted: int = 0
    repeated: int = 0
    rejected: list[Rejected] = []
    rejected_count: int = 0
    tally: Tally = msgspec.field(default_factory=Tally)

    def as_json(self) -> dict[str, object]:
        """`{"accepted", "repeated", "events", "rejected", "rejected_count", "decisions"}`."""
        tally = self.tally
        return {
            "accepted": self.accepted,
            "repeated": self.repeated,
            "events": tally.events,
            "rejected": told_rejected(self.rejected),
            "rejected_count": self.rejected_count,
            "decisions": tally.decided(),
        }


class Tracker:
    """Takes interactions into the books, for one set of rules."""

    def __init__(self, desk: Desk, *, source: str = "") -> None:
        """`source` is what rejected lines are told to be from."""
        self._desk = desk
        self._rules = rules = desk.book.rules
        self._policy = desk.policy
        self._store = desk.store
        self._source = source
        self._listened = desk.book.plans.events
        self._names = rules.custom_events | set(EVENT_NAMES)
        self._fields = frozenset({*JOB_FIELDS, *rules.custom_fields}).difference(_OURS)
        self._decoder = Decoder(rules.job_type, custom_events=rules.custom_events, format="native")

    def take_all(
        self,
        lines: Sequence[bytes],
        clock: Callable[[], datetime],
        *,
        go_on: Callable[[], bool] = lambda: True,
    ) -> TrackedReport:
        """Take lines in, portion by portion; what is counted as accepted is stored.

        Raises:
            StoppedError: `go_on` said no; the same lines again are told twice and kept once, as
                far as they have ids.
            StoreError: the database failed; likewise.
        """
        report = TrackedReport()
        for start in range(0, len(lines), _AT_ONCE):
            if not go_on():
                raise StoppedError("the desk is closing; post it again")
            now = clock()
            done = self.take(start + 1, lines[start : start + _AT_ONCE], now)
            report.accepted += len(done.kept)
            report.repeated += done.repeated
            report.tally.events += done.events
            report.tally.add(done.decisions)
            report.rejected += done.rejected[: MOST_TOLD - len(report.rejected)]
            report.rejected_count += len(done.rejected)
        report.tally.rejected = report.rejected_count
        return report

    def take(self, first: int, lines: Sequence[bytes], now: datetime) -> Heard:
        """Work one portion of lines in one transaction; `first` is the number of its first."""
        told: list[tuple[int, bytes, Told]] = []
        rejected: list[Rejected] = []
        for place, line in enumerate(lines, first):
            if not line.strip():
                continue
            try:
                told.append((place, line, read_interaction(line, self._policy.country)))
            except EventError as error:
                rejected.append(self._rejected(place, line, error))
        known = self._store.known_interactions({one.id for _, _, one in told})
        people = self._store.contacts_of({one.address for _, _, one in told})
        kept: list[Tracked] = []
        drafts: list[Draft] = []
        jobs: list[JobRow] = []
        events: list[EventRow] = []
        listened: list[Occurrence] = []
        repeated = 0
        for place, line, one in told:
            if one.id and one.id in known:
                repeated += 1
                continue
            interaction = _interaction(one, now)
            try:
                happened = self._event(one, interaction, people.get(one.address))
            except EventError as error:
                rejected.append(self._rejected(place, line, error))
                continue
            known.add(one.id)
            kept.append(Tracked(one.address, interaction))
            if happened is None:
                continue
            event, written = happened
            found = [
                draft
                for rule in self._rules.matching(event.name, event.job)
                for draft in drafts_of(rule, event, self._policy, now)
            ]
            events.append(EventRow(event.subject, event.name, event.id, event.time, written))
            drafts += found
            if event.name in self._listened:
                who = people.get(one.address)
                listened.append(_occurrence(event, interaction.at, _number(one, who), who))
            if found or event.name in self._listened:
                jobs.append(self._job_row(event, now))
        ticket = Ticket()
        entries = starting(drafts, self._store, self._policy, now)
        drafts = [draft for draft in drafts if not draft.terms.start_plan]
        # First, and safe to do twice: once the interactions are kept, they are no news any more.
        if entries:
            PlanTeller(self._desk).tell(entries, (), ticket, now)
        if listened:
            tell_plans(self._desk, listened, now)
        decisions = judge_and_keep(
            drafts,
            self._store,
            self._policy,
            ticket,
            now,
            jobs=jobs,
            events=events,
            tracked=kept,
        )
        return Heard(kept, repeated, decisions, rejected, len(events))

    def _rejected(self, place: int, line: bytes, error: EventError) -> Rejected:
        return Rejected(
            source=self._source,
            line=place,
            reason=error.reason,
            message=error.message,
            raw=line,
            hint=error.hint,
        )

    def _event(
        self, one: Told, interaction: Interaction, contact: Contact | None
    ) -> tuple[Event, bytes] | None:
        """Return the event that rules hear of and its line; None where no rule could listen.

        Raises:
            EventError: a value of `data` cannot be the job field of its name.
        """
        if one.event not in self._names:
            return None
        number = _number(one, contact)
        # By the teller's own id: told twice at once, it still has one key.
        subject = f"track:{one.id}" if one.id else f"track:{interaction.id}"
        job: dict[str, Any] = {
            name: value for name, value in one.data.items() if name in self._fields
        }
        job |= {"id": subject, "phone_number": number or None, "country": country_of(number)}
        native = {"event": one.event, "job": job, "id": one.id or None, "time": interaction.at}
        written = msgspec.json.encode(native)
        (parsed,) = self._decoder.decode(written)
        return Event(one.event, parsed.job, subject, one.id, interaction.at), written

    def _job_row(self, event: Event, now: datetime) -> JobRow:
        job = event.job
        today = local_day(job, self._policy, now)
        state = state_of(job, today, None, zone=known_zone(self._policy.timezone))
        return JobRow(event.subject, (event.subject,), state, job, msgspec.json.encode(job))


def _number(one: Told, contact: Contact | None) -> str:
    """Return the number that texts about an interaction go to, `''` when none is known."""
    if one.address.startswith("+") or contact is None:
        return one.address if one.address.startswith("+") else ""
    return str(contact.field("number") or "")


def _occurrence(event: Event, at: datetime, number: str, contact: Contact | None) -> Occurrence:
    """Return what plans hear of; who is not known yet can only come into one."""
    return Occurrence(
        name=event.name,
        ref=event.subject,
        at=at,
        subject=event.subject,
        job_event=event,
        people={contact.id if contact is not None else "": number} if number else {},
    )


def _interaction(one: Told, now: datetime) -> Interaction:
    data: Mapping[str, Any] = one.data
    return Interaction(
        id=new_id(now),
        contact_id="",
        channel=one.channel,
        event=one.event,
        at=one.time or now,
        value=one.value,
        data=data,
        outside_id=one.id,
    )
