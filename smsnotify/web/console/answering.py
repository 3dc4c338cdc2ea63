"""A clerk's answer, from whichever page its box is on."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from smsnotify.base.errors import UsageError
from smsnotify.engine.auditing import audited
from smsnotify.engine.clerk import answer
from smsnotify.model.decision import Decision, Verdict
from smsnotify.store.replies import StoredReply
from smsnotify.web.console.door import Visit
from smsnotify.wiring.conversations import desk

MOST_TYPED: Final = 1600
DONE: Final = {
    "queued": "Your answer is queued.",
    "held": "Your answer is held: it leaves when it may.",
}

_ONCE: Final = re.compile(r"[0-9a-z]{26}")


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an answer: `done` is a word of DONE; else `told` says why it was not taken."""

    done: str = ""
    told: str = ""
    status: int = 400
    typed: str = ""


def take(visit: Visit, reply: StoredReply) -> Answered:
    """Queue what the form says as an answer to a reply; the gates have their word as ever.

    A form that comes twice (`once` is its own id) is one answer.
    """
    body = visit.form.get("body", "").replace("\r\n", "\n").replace("\0", "").strip()
    if len(body) > MOST_TYPED:
        told = f"an answer has at most {MOST_TYPED} characters; this one has {len(body)}"
        return Answered(told=told, typed=body[:MOST_TYPED])
    try:
        decision = _answer(visit, reply, body)
    except UsageError as error:
        return Answered(told=error.message, typed=body)
    if decision.verdict is Verdict.STOP and decision.reason != "duplicate":
        told = f"not sent: {decision.reason.replace('_', ' ')}"
        told += f" ({decision.detail})" if decision.detail else ""
        return Answered(told=told, status=409, typed=body)
    return Answered(done="held" if decision.verdict is Verdict.HOLD else "queued")


def _answer(visit: Visit, reply: StoredReply, body: str) -> Decision:
    worker = desk(visit.settings, visit.store, visit.loaded.book)
    once = visit.given("once", 26)
    with audited(
        visit.store, visit.actor, "reply.answer", reply.id, visit.now, before=reply.state
    ) as trail:
        decision = answer(
            worker, reply, body, visit.now, once=once if _ONCE.fullmatch(once) else ""
        )
        trail.came_to(f"{decision.verdict.value} {decision.reason}".strip())
    return decision
