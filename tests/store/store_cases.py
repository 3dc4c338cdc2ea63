"""Jobs, events, decisions and messages for the store's tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from smsnotify.base.ids import new_id
from smsnotify.model.decision import Decision, Draft, MessageKey, Verdict
from smsnotify.model.event import Event
from smsnotify.model.job import Job
from smsnotify.model.jobstate import JobState
from smsnotify.model.message import Attempt, Message, MessageState
from smsnotify.model.rule import RuleTerms
from smsnotify.store.batch import Batch, EventRow, JobRow
from smsnotify.store.instants import to_micros
from smsnotify.store.store import Store
from smsnotify.store.tables import attempts

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NUMBER = "+6591230000"
TERMS = RuleTerms(id="delivered", name="Delivered", body=lambda job: "Hi")


def number(n: int) -> str:
    return f"+6591{n:06}"


def names(job: Job) -> tuple[str, ...]:
    own = (f"id:{job.id}",) if job.id is not None else ()
    return (*own, f"do:{job.kind}|{job.number}|{job.date or ''}")


def job_row(job: Job, subject: str = "", phase: str = "completed") -> JobRow:
    state = JobState(phase, job.attempt_number, str(job.date or ""))
    called = names(job)
    return JobRow(
        subject or called[0], called, state, job, b'{"do_number":"%s"}' % job.number.encode()
    )


def key(n: int = 1, **changed: str) -> MessageKey:
    plain = MessageKey(f"id:j{n:04}", "live", "completed", "delivered", "1", "sms", number(n))
    return plain._replace(**changed)


def event(n: int = 1) -> Event:
    job = Job(id=f"j{n:04}", do_number=f"DO{n}", date="2026-03-03", time_zone="Asia/Singapore")
    return Event("completed", job, f"id:j{n:04}", f"e{n}", NOW)


def decision(
    n: int = 1, verdict: Verdict = Verdict.SEND, message_key: MessageKey | None = None, **rest: Any
) -> Decision:
    wanted = message_key or key(n)
    draft = Draft(TERMS, event(n), wanted.recipient, wanted, country="SG")
    return Decision(
        draft=draft, verdict=verdict, to=wanted.recipient, body="Hi", segments=1, **rest
    )


def message(message_key: MessageKey, at: datetime = NOW, **rest: Any) -> Message:
    values: dict[str, Any] = {
        "id": new_id(at),
        "state": MessageState.QUEUED,
        "subject": message_key.subject,
        "mode": message_key.mode,
        "kind": message_key.kind,
        "rule": message_key.rule,
        "occasion": message_key.occasion,
        "recipient": message_key.recipient,
        "intended": message_key.recipient,
        "country": "SG",
        "job": message_key.subject.replace("id:j000", "DO"),
        "event": message_key.kind,
        "body": "Hi",
        "created_at": at,
        "updated_at": at,
    }
    return Message(**values | rest)


def batch(wanted: Iterable[int] = (1,), at: datetime = NOW, **rest: Any) -> Batch:
    """One completed delivery each, with its text; `rest` goes into the messages."""
    wanted = list(wanted)
    decisions = [decision(n) for n in wanted]
    return Batch(
        jobs=[job_row(event(n).job) for n in wanted],
        events=[EventRow(f"id:j{n:04}", "completed", f"e{n}", at, b"{}") for n in wanted],
        decisions=decisions,
        messages={key(n): message(key(n), at, **rest) for n in wanted},
        at=at,
    )


def note_tries(store: Store, *tries: Attempt) -> None:
    """Write attempts as delivery does."""
    rows = [
        msgspec.structs.asdict(one)
        | {"number": n, "at": to_micros(one.at), "result": str(one.result)}
        for n, one in enumerate(tries, 1)
    ]
    with store.begin() as connection:
        connection.execute(attempts.insert(), rows)


def only(*rows: JobRow) -> Batch:
    """A batch of jobs alone."""
    return Batch(jobs=list(rows), events=[], decisions=[], messages={}, at=NOW)
