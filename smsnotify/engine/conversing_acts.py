"""What is done about one reply, once it is clear what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from smsnotify.engine.conversing_answers import CHOICE, answer_to, which_one
from smsnotify.engine.conversing_crowd import CONFIRMED, Crowd
from smsnotify.engine.conversing_portion import Entering, Portion
from smsnotify.engine.conversing_staff import tell_staff
from smsnotify.engine.conversing_terms import CHOICE_OPEN, LATE_AFTER
from smsnotify.engine.conversing_texts import CHOICE_RULE, PLAN_KIND, Cause, plain_draft
from smsnotify.gates.opted_out import CONSENT_KIND
from smsnotify.model.contact import NOBODY_KNOWN, ConsentChange
from smsnotify.model.enrolment import Enrolment, Replied
from smsnotify.model.facts import EVERYTHING, MARKETING
from smsnotify.model.plan import Plan
from smsnotify.model.rule import Purpose
from smsnotify.plans.inbound import Reading, Standing, read_reply
from smsnotify.store.conversation_batch import OpenChoice, WorkedReply
from smsnotify.store.replies import StoredReply

WORKED: Final = "worked"
INBOX: Final = "inbox"
DOUBTFUL: Final = "doubtful"

BY_PROVIDER: Final = "answered by the provider"

_CONSENT_WORDS: Final = frozenset({"stop", "start", "help"})


class _Done(msgspec.Struct):
    """What a reply came to: the row that is written of it."""

    verdict: str
    state: str = WORKED
    enrolment_id: str = ""
    note: str = ""


def act(portion: Portion, crowd: Crowd, reply: StoredReply) -> str:
    """Work one reply; return what it was taken for."""
    done = _act(portion, crowd, reply)
    contact = portion.contacts.get(reply.sender)
    portion.batch.worked.append(
        WorkedReply(
            id=reply.id,
            state=done.state,
            verdict=done.verdict,
            contact_id=contact.id if contact is not None else "",
            enrolment_id=done.enrolment_id,
            note=done.note,
        )
    )
    return done.verdict


def _act(portion: Portion, crowd: Crowd, reply: StoredReply) -> _Done:
    if crowd.is_ours(reply):
        return _Done("own_number")
    if not crowd.is_person(reply):
        return _to_inbox(portion, reply, "no_number")
    recent = crowd.hear(reply)
    reading = _read(portion, crowd, reply, recent)
    cause = Cause("reply", reply.id, reply.received_at)
    if reading.kind in _CONSENT_WORDS:
        return _consent(portion, crowd, reply, reading, cause)
    if crowd.is_flood(reply, recent):
        return _Done("flood")
    if reading.kind == "repeat":
        return _Done("repeat")
    if reading.kind == "doubt":
        portion.contact(reply.sender)
        portion.doubt(reply.sender)
        return _Done("doubt", DOUBTFUL, note=reading.word)
    if portion.now - reply.received_at > LATE_AFTER:
        return _to_inbox(portion, reply, "late")
    match reading.kind:
        case "branch" | "other" | "choice":
            return _answer(portion, crowd, reply, reading, cause)
        case "which":
            return _ask_which(portion, crowd, reply, reading.options, cause)
        case "keyword" | "any_text":
            return _enter(portion, reply, reading, cause)
    done = _to_inbox(portion, reply, "unmatched")
    one = reading.enrolment
    return msgspec.structs.replace(done, enrolment_id=one.id if one is not None else "")


def _read(
    portion: Portion, crowd: Crowd, reply: StoredReply, recent: Sequence[StoredReply]
) -> Reading:
    number = reply.sender
    waiting = [
        (one, plan)
        for one in portion.waiting.get(number, ())
        if (plan := portion.plan_of(one)) is not None
    ]
    person = portion.person(number)
    standing = Standing(
        contact=portion.contacts.get(number, NOBODY_KNOWN),
        waiting=tuple(waiting),
        choice=crowd.choices.get(number),
        recent=tuple(recent),
        opted_out=person.opted_out or bool(person.refuses),
        been_in=crowd.been_in(number),
    )
    desk = portion.desk
    return read_reply(reply, standing, desk.book.plans, desk.terms.words, portion.now)


# Consent.


def _consent(
    portion: Portion, crowd: Crowd, reply: StoredReply, reading: Reading, cause: Cause
) -> _Done:
    number, word = reply.sender, reading.kind
    contact = portion.contact(number)
    if word == "stop":
        portion.opt_out(_change(portion, reply, opted_out=True), cause)
        portion.batch.cleared.append(number)
        crowd.choices.pop(number, None)
    elif word == "start":
        portion.opt_in(_change(portion, reply, opted_out=False))
    if reading.by_provider:
        return _Done(word, note=BY_PROVIDER)
    body = answer_to(word, portion.desk.terms.answers)
    if not body or not crowd.may_confirm(reply, word):
        return _Done(word)
    draft = plain_draft(
        CONSENT_KIND,
        word,
        subject=contact.id,
        occasion=reply.id,
        mode=portion.mode,
        number=number,
        body=body,
        route=reply.account,
        cause=cause,
    )
    portion.say(draft, account=reply.account, ours=reply.to)
    return _Done(word, note=CONFIRMED)


def _change(portion: Portion, reply: StoredReply, *, opted_out: bool) -> ConsentChange:
    scope = portion.desk.policy.scope_of_stop(reply.to) if opted_out else EVERYTHING
    return ConsentChange(
        recipient=reply.sender,
        opted_out=opted_out,
        source="keyword",
        at=reply.received_at,
        note=f"account {reply.account}, reply {reply.id}",
        scope=scope,
        words=reply.body,
    )


# Plans.


def _answer(
    portion: Portion, crowd: Crowd, reply: StoredReply, reading: Reading, cause: Cause
) -> _Done:
    enrolment = reading.enrolment
    assert enrolment is not None
    number = reply.sender
    said = reply
    if reading.kind == CHOICE:
        choice = crowd.choices.pop(number)
        portion.batch.cleared.append(number)
        said = crowd.reply_of(choice) or reply
    portion.run_over(enrolment, reply.account, reply.to)
    came_to = portion.move(
        enrolment,
        Replied(id=said.id, body=said.body, received_at=said.received_at),
        cause,
        plan=reading.plan,
    )
    if came_to.to_inbox or not came_to.consumed:
        done = _to_inbox(portion, reply, "unmatched")
        return msgspec.structs.replace(done, enrolment_id=enrolment.id)
    return _Done(reading.kind, enrolment_id=enrolment.id)


def _enter(portion: Portion, reply: StoredReply, reading: Reading, cause: Cause) -> _Done:
    plan = reading.plan
    assert plan is not None
    portion.contact(reply.sender)
    if plan.purpose is Purpose.MARKETING and reading.kind == "keyword":
        # The person's own text is the opt-in, kept with its words.
        portion.opt_in(
            ConsentChange(
                recipient=reply.sender,
                opted_out=False,
                source="keyword",
                at=reply.received_at,
                note=f"account {reply.account}, reply {reply.id}",
                scope=MARKETING,
                words=reply.body,
                call_to_action=plan.name,
            )
        )
    enrolment = portion.enter(
        Entering(
            plan=plan,
            number=reply.sender,
            source=reading.kind,
            ref=reply.id,
            account=reply.account,
            ours=reply.to,
        ),
        cause,
    )
    return _Done(reading.kind, enrolment_id=enrolment.id)


def _ask_which(
    portion: Portion,
    crowd: Crowd,
    reply: StoredReply,
    options: Sequence[tuple[Enrolment, Plan]],
    cause: Cause,
) -> _Done:
    contact = portion.contact(reply.sender)
    draft = plain_draft(
        PLAN_KIND,
        CHOICE_RULE,
        subject=contact.id,
        occasion=reply.id,
        mode=portion.mode,
        number=reply.sender,
        body=which_one(options, portion.desk.terms.answers),
        route=reply.account,
        cause=cause,
    )
    portion.say(draft, account=reply.account, ours=reply.to)
    ends = [one.due_at for one, _ in options if one.due_at is not None]
    choice = OpenChoice(
        number=reply.sender,
        reply_id=reply.id,
        options=tuple(one.id for one, _ in options),
        asked_at=portion.now,
        due_at=min([portion.now + CHOICE_OPEN, *ends]),
    )
    portion.batch.choices.append(choice)
    crowd.choices[reply.sender] = choice
    return _Done("which")


# The inbox.


def _to_inbox(portion: Portion, reply: StoredReply, why: str) -> _Done:
    if why != "no_number":
        portion.contact(reply.sender)
    tell_staff(portion, reply)
    return _Done(why, INBOX)
