"""Held texts of conversations, judged again: they keep their words, and go by the gates alone.

A text that its plan has gone past meanwhile is cancelled: nobody should be asked what they have
answered already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from smsnotify.engine.conversing_texts import (
    CONVERSATION_KINDS,
    PLAN_KIND,
    Cause,
    plain_terms,
    plan_terms,
)
from smsnotify.engine.decide import judge
from smsnotify.gates.ruling import Gate
from smsnotify.model.decision import Decision, Draft, MessageKey
from smsnotify.model.enrolment import Enrolment
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.model.message import Message
from smsnotify.model.rule import EMAIL, SMS
from smsnotify.plans.book import PlanSet
from smsnotify.store.store import Store
from smsnotify.text.phone import country_of

_SAME_MOMENT: Final = timedelta(seconds=1)

Known = Mapping[str, Enrolment]


def is_conversation(message: Message) -> bool:
    """Say whether a message is no rule's, but a conversation's."""
    return message.kind in CONVERSATION_KINDS


def enrolments_of(messages: Sequence[Message], store: Store) -> Known:
    """Read where the people stand whom held texts of plans are for."""
    wanted = {one.subject for one in messages if one.kind == PLAN_KIND}
    return store.enrolments_by_id(wanted) if wanted else {}


def judge_held(
    message: Message,
    job: Job | None,
    enrolments: Known,
    plans: PlanSet,
    policy: Policy,
    facts: Facts,
    now: datetime,
    gates: tuple[Gate, ...],
) -> Decision | None:
    """Judge a held text of a conversation; None when its plan has moved on."""
    enrolment = enrolments.get(message.subject)
    plan = None
    if message.kind == PLAN_KIND and enrolment is not None:
        if _has_moved_on(message, enrolment):
            return None
        plan = plans.of_version(enrolment.version) or plans.by_name.get(enrolment.plan)
    elif message.kind == PLAN_KIND and message.rule in plans.by_name:
        return None  # whom it was for is forgotten
    redirected = f"TEST for {message.intended}: "
    body, title = message.body.removeprefix(redirected), None
    if message.channel == EMAIL:
        body, title = message.markup, message.title.removeprefix(redirected)
    if plan is not None:
        terms = plan_terms(plan, body, message.route, title=title)
    else:
        terms = plain_terms(message.rule, body, message.route, message.channel)
    key = MessageKey(
        message.subject,
        message.mode,
        message.kind,
        message.rule,
        message.occasion,
        message.channel,
        message.intended,
    )
    terms = msgspec.structs.replace(terms, max_segments=max(message.segments, terms.max_segments))
    event = Cause(message.event, "", message.event_time).event(job, message.subject)
    country = country_of(message.intended) if message.channel == SMS else ""
    draft = Draft(terms, event, message.intended, key, "", country)
    return judge([draft], facts, policy, now, gates)[0]


def _has_moved_on(message: Message, enrolment: Enrolment) -> bool:
    """Say whether something has led the person on since the text was written."""
    since = enrolment.ended_at if enrolment.is_over else enrolment.waits_since
    return since is not None and since > message.created_at + _SAME_MOMENT
