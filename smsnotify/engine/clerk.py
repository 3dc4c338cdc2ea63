"""What a clerk does about a reply: answers it, takes it for an opt-out, or lets it rest."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from smsnotify.base.errors import UsageError
from smsnotify.base.ids import new_id
from smsnotify.engine.conversing import Conversed, keep
from smsnotify.engine.conversing_portion import Desk, Portion
from smsnotify.engine.conversing_texts import Cause, plain_draft
from smsnotify.gates.caps import CLERK_KIND
from smsnotify.model.contact import ConsentChange
from smsnotify.model.decision import Decision
from smsnotify.store.conversation_batch import WorkedReply
from smsnotify.store.replies import StoredReply

OPEN: Final = ("inbox", "doubtful")


def answer(desk: Desk, reply: StoredReply, body: str, now: datetime, *, once: str = "") -> Decision:
    """Queue an answer to a reply, on the number that it came to; return the gates' word on it.

    `once` is an id of the asker's: what is asked twice under it is one answer and a duplicate.
    A reply in doubt is decided first: until then nothing goes out to that person.

    Raises:
        UsageError: the sender cannot be answered, or the text is empty.
        StoreError: nothing is stored.
    """
    if not body.strip():
        raise UsageError("the answer is empty")
    if not reply.sender.startswith("+"):
        raise UsageError("that sender is no full number: nobody can answer it")
    if reply.state == "doubtful":
        raise UsageError(
            "this reply may be an opt-out: decide that first",
            hint=f"sms-notify replies opt-out {reply.id}, or: replies dismiss {reply.id}",
        )
    portion = Portion(desk, now)
    portion.know([reply.sender])
    draft = plain_draft(
        CLERK_KIND,
        "clerk",
        subject=once or new_id(now),
        occasion=reply.id,
        mode=desk.policy.mode,
        number=reply.sender,
        body=body,
        route=reply.account,
        cause=Cause("reply", reply.id, reply.received_at),
    )
    message_id, _ = portion.say(draft, account=reply.account, ours=reply.to)
    decision = portion.batch.decisions[-1]
    if message_id and reply.state == "inbox":
        portion.batch.worked.append(_worked(reply, "answered"))
    keep(portion, Conversed())
    return decision


def opt_out(desk: Desk, reply: StoredReply, note: str, now: datetime) -> None:
    """Take a reply for the opt-out that it probably is; its words are the evidence.

    Raises:
        StoreError: nothing is stored.
    """
    portion = Portion(desk, now)
    portion.know([reply.sender])
    change = ConsentChange(
        recipient=reply.sender,
        opted_out=True,
        source="clerk",
        at=reply.received_at,
        note=note or f"account {reply.account}, reply {reply.id}",
        scope=desk.policy.scope_of_stop(reply.to),
        words=reply.body,
    )
    portion.opt_out(change, Cause("reply", reply.id, reply.received_at))
    if reply.state in OPEN:
        portion.batch.worked.append(_worked(reply, note, verdict="stop"))
    keep(portion, Conversed())


def dismiss(desk: Desk, reply: StoredReply, note: str, now: datetime) -> bool:
    """Let a reply rest; texts that its doubt held leave with the next tick. False: was decided."""
    return desk.store.set_reply_state(
        reply.id, was=reply.state, state="worked", now=now, note=note or "dismissed"
    )


def _worked(reply: StoredReply, note: str, verdict: str = "") -> WorkedReply:
    return WorkedReply(
        id=reply.id,
        verdict=verdict or reply.verdict,
        contact_id=reply.contact_id,
        enrolment_id=reply.enrolment_id,
        note=note,
        was=reply.state,
    )
