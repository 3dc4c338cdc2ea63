"""Decisions that may leave, as rows of the outbox."""

from __future__ import annotations

from datetime import datetime

from smsnotify.gates.volume_guard import NAME as VOLUME_GUARD
from smsnotify.model.decision import Decision, Verdict
from smsnotify.model.message import Message, MessageState
from smsnotify.model.rule import SMS
from smsnotify.text.phone import country_of


def to_message(
    decision: Decision, id: str, now: datetime, *, run: str = "", guarded: bool = False
) -> Message:
    """Return the message of a decision to send or hold.

    `expires_at` counts from the moment it may leave. A `guarded` one waits, without a time, for
    the volume guard's word.
    """
    draft = decision.draft
    event, terms, key = draft.event, draft.terms, draft.key
    held = decision.verdict is Verdict.HOLD
    leaves_at = decision.not_before or now
    return Message(
        id=id,
        state=MessageState.HELD if held or guarded else MessageState.QUEUED,
        subject=key.subject,
        mode=key.mode,
        kind=key.kind,
        rule=key.rule,
        occasion=key.occasion,
        channel=key.channel,
        recipient=decision.to,
        intended=key.recipient,
        country=draft.country if decision.to == draft.recipient else country_of(decision.to),
        job=event.job.number,
        attempt=event.job.attempt_number,
        event=event.name,
        event_time=event.time,
        body=decision.body,
        title=decision.title,
        markup=decision.markup,
        encoding="" if key.channel != SMS else decision.encoding or "GSM7",
        segments=decision.segments,
        purpose=terms.purpose,
        priority=terms.priority(event.name),
        route=terms.route,
        on_unknown=terms.on_unknown,
        gate=VOLUME_GUARD if guarded else decision.gate if held else "",
        reason=decision.reason if held else "",
        run=run,
        not_before=decision.not_before,
        expires_at=leaves_at + terms.expires,
        created_at=now,
        updated_at=now,
    )
