"""Texts of conversations as drafts: a plan's, an answer to STOP, a question, a clerk's, an alert.

They go through the same gates and the same outbox as every other text.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from smsnotify.base.errors import MissingValueError
from smsnotify.gates.caps import ALERT_KIND, CLERK_KIND
from smsnotify.gates.opted_out import CONSENT_KIND
from smsnotify.model.decision import Draft, MessageKey, Mode
from smsnotify.model.enrolment import Enrolment, PlanText
from smsnotify.model.event import Event
from smsnotify.model.job import Job
from smsnotify.model.plan import Plan
from smsnotify.model.reading import OPT_OUT_MARK, Reading
from smsnotify.model.rule import APPRISE, EMAIL, SMS, RuleTerms
from smsnotify.text.address import NO_ADDRESS
from smsnotify.text.markdown import escape_markdown
from smsnotify.text.phone import country_of

PLAN_KIND: Final = "plan"
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
    plan: Plan,
    enrolment: Enrolment,
    said: PlanText,
    job: Job | None,
    cause: Cause,
    *,
    route: str,
    address: str = "",
) -> Draft:
    """Return the draft of a plan's text, or of its mail to `address`, `''` when nobody has one."""
    mails = said.channel == EMAIL
    recipient = address if mails else enrolment.number
    key = MessageKey(
        enrolment.id,
        enrolment.mode,
        PLAN_KIND,
        plan.name,
        said.occasion,
        said.channel,
        recipient,
    )
    terms = plan_terms(plan, said.body, route, title=said.title if mails else None)
    if said.missing:
        fails = _missing(said.missing)
        markup = fails if mails else None
        terms = msgspec.structs.replace(terms, body=fails, title=markup, markup=markup)
    event = cause.event(job, enrolment.subject)
    refusal = "" if recipient else NO_ADDRESS
    return Draft(
        terms, event, recipient, key, refusal, "" if mails else country_of(enrolment.number)
    )


def plan_terms(plan: Plan, body: str, route: str, *, title: str | None = None) -> RuleTerms:
    """Return what judging and sending need to know of a plan's text.

    With a `title` it is a mail, and `body` its Markdown; quiet hours are for texts.
    """
    terms = _plan_terms(plan, body, route)
    if OPT_OUT_MARK in body:
        terms = msgspec.structs.replace(
            terms, body=_leading_out(body), reads_person=True, has_opt_out_link=True
        )
    if title is None:
        return terms
    markup = _leading_out(body, escape_markdown) if terms.reads_person else _saying(body)
    return msgspec.structs.replace(
        terms, channel=EMAIL, title=_saying(title), markup=markup, quiet_hours=None
    )


def _plan_terms(plan: Plan, body: str, route: str) -> RuleTerms:
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


def plain_terms(rule: str, body: str, route: str, channel: str = SMS) -> RuleTerms:
    """Return the same of a text that no plan writes: service, at any hour.

    On the channel of alarms it may come twice rather than never.
    """
    return RuleTerms(
        id=rule,
        name=rule,
        channel=channel,
        on_unknown="resend" if channel == APPRISE else "hold",
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
    channel: str = SMS,
) -> Draft:
    """Return the draft of a text that no plan writes; it is service, at any hour.

    On the channel of alarms `number` is the route.
    """
    key = MessageKey(subject, mode, kind, rule, occasion, channel, number)
    terms = plain_terms(rule, body, route, channel)
    country = country_of(number) if channel == SMS else ""
    return Draft(terms, cause.event(None, ""), number, key, "", country)


def _saying(body: str) -> Callable[[object], str]:
    return lambda job: body


def _leading_out(body: str, escape: Callable[[str], str] = str) -> Callable[[Reading], str]:
    """Return what puts the reader's own link where the plan's words want it."""
    return lambda reading: body.replace(OPT_OUT_MARK, escape(reading.opt_out_link))


def _missing(field: str) -> Callable[[object], str]:
    def fail(job: object) -> str:
        raise MissingValueError(field)

    return fail
