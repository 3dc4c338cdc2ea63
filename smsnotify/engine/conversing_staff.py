"""The event `reply`: a text that no plan knows, told to whom the rules say."""

from __future__ import annotations

import msgspec

from smsnotify.engine.conversing_portion import Portion
from smsnotify.engine.drafting import match
from smsnotify.model.event import Event
from smsnotify.store.replies import StoredReply

REPLY_EVENT = "reply"


def tell_staff(portion: Portion, reply: StoredReply) -> None:
    """Let the rules that listen to `reply` text about it, with the newest job of that number."""
    rules = portion.desk.book.rules
    if not any(REPLY_EVENT in rule.events for rule in rules.rules):
        return
    subject, job = portion.newest_job(reply.sender)
    job = msgspec.structs.replace(
        job, **{name: told for name, told in _told(reply).items() if hasattr(job, name)}
    )
    event = Event(REPLY_EVENT, job, subject or f"reply:{reply.id}", reply.id, reply.received_at)
    portion.say_all(match(event, rules, portion.desk.policy, portion.now))


def _told(reply: StoredReply) -> dict[str, str]:
    """The fields that texts about a reply may print besides the job's."""
    return {"reply_text": reply.body, "reply_from": reply.sender}
