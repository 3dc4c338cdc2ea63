"""Texts of conversations as drafts: a plan's, an answer to STOP, a question, a clerk's, an alert.

They go through the same gates and the same outbox as every other text.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.errors import MissingValueError
from smsnotify.gates.opted_out import CONSENT_KIND
from smsnotify.model.decision import Draft, MessageKey, Mode
from smsnotify.model.enrolment import Enrolment, PlanText
from smsnotify.model.event import Event
from smsnotify.model.job import Job
from smsnotify.model.plan import Plan
from smsnotify.model.rule import RuleTerms
from smsnotify.text.phone import country_of

PLAN_KIND: Final = "plan"
CLERK_KIND: Final = "clerk"
ALERT_KIND: Final = "alert"
CHOICE_RULE: Final = "choice"

CONVERSATION_KINDS: Final = frozenset({PLAN_KIND, CONSENT_KIND, CLERK_KIND, ALERT_KIND})
"""Kinds of messages that no rule stands behind: a held one keeps its words."""

NO_JOB: Final = Job()


class Cause(msgspec.Struct, frozen=True, gc=False):
    """What a text answers, as gates and records see it: `id` is the reply's or the event's.

    Named `reply` for an answer to a text, which goes out before anything else.
    """

    name: str
    id: str = ""
    at: datetime | None = None

    def event(self, job: Job | None, subject: str) -> Event:
        """Return the event, about a job or none."""
        return Event(self.name, job or NO_JOB, subject, self.id, self.at)


BY_THE_CLOCK: Final = Cause("plan")


def plan_draft(
    plan: Plan, enrolment: Enrolment, said: PlanText, job: Job | None, cause: Cause, route: str
) -> Draft:
    """Return the draft of a plan's text."""
    key = MessageKey(
        enrolment.id,
        enrolment.mode,
        PLAN_KIND,
        plan.name,
        said.occasion,
        "sms",
        enrolment.number,
    )
    terms = plan_terms(plan, said.body, route)
    if said.missing:
        terms = msgspec.structs.replace(terms, body=_missing(said.missing))
    event = cause.event(job, enrolment.subject)
    return Draft(terms, event, enrolment.number, key, "", country_of(enrolment.number))


def plan_terms(plan: Plan, body: str, route: str) -> RuleTerms:
    """Return what judging and sending need to know of a plan's text."""
    return RuleTerms(
        id=plan.name,
        name=plan.name,
        body=_saying(body),
        route=route,
        tracking_link="none",
        encoding=plan.encoding,
        max_segments=plan.max_segments,
        quiet_hours=plan.quiet_hours,
        purpose=plan.purpose,
        marketing_hours=plan.marketing_hours,
        max_age=None,
        expires=plan.expires,
    )


def plain_terms(rule: str, body: str, route: str) -> RuleTerms:
    """Return the same of a text that no plan writes: service, at any hour."""
    return RuleTerms(
        id=rule,
        name=rule,
        body=_saying(body),
        route=route,
        tracking_link="none",
        max_segments=10,
        max_age=None,
    )


def plain_draft(
    kind: str,
    rule: str,
    *,
    subject: str,
    occasion: str,
    mode: Mode,
    number: str,
    body: str,
    route: str,
    cause: Cause,
) -> Draft:
    """Return the draft of a text that no plan writes; it is service, at any hour."""
    key = MessageKey(subject, mode, kind, rule, occasion, "sms", number)
    terms = plain_terms(rule, body, route)
    return Draft(terms, cause.event(None, ""), number, key, "", country_of(number))


def _saying(body: str) -> Callable[[object], str]:
    return lambda job: body


def _missing(field: str) -> Callable[[object], str]:
    def fail(job: object) -> str:
        raise MissingValueError(field)

    return fail
