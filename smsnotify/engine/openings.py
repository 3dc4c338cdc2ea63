"""The first text of a plan that a rule starts, as a rehearsal shows it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from smsnotify.model.contact import NOBODY_KNOWN, Contact, email_of
from smsnotify.model.decision import Draft
from smsnotify.model.plan import Plan
from smsnotify.model.rule import EMAIL
from smsnotify.plans.book import PlanSet
from smsnotify.text.address import NO_ADDRESS

ContactsOf = Callable[[Collection[str]], Mapping[str, Contact]]


def openings(drafts: Sequence[Draft], plans: PlanSet, contacts_of: ContactsOf) -> list[Draft]:
    """Return the drafts, those of rules with `start_plan` with the first text of their plan.

    A plan that begins without a text, or that nobody comes into, has none: left out. One that
    mails goes to the address of the contact. Answers and waits are the plan's own; `plans
    simulate` plays them.
    """
    opening = {name: plan for name, plan in plans.by_name.items() if plan.first.send is not None}
    mailed = {
        draft.recipient
        for draft in drafts
        if (plan := opening.get(draft.terms.start_plan)) and plan.first.channel == EMAIL
    }
    contacts = contacts_of(mailed) if mailed else {}
    opened = []
    for draft in drafts:
        if not draft.terms.start_plan:
            opened.append(draft)
        elif (plan := opening.get(draft.terms.start_plan)) is not None:
            first = _opening(draft, plan)
            if plan.first.channel == EMAIL and not draft.refusal:
                address = email_of(contacts.get(draft.recipient, NOBODY_KNOWN))
                refusal = "" if address else NO_ADDRESS
                key = first.key._replace(channel=EMAIL, recipient=address)
                first = msgspec.structs.replace(
                    first, recipient=address, key=key, refusal=refusal, country=""
                )
            opened.append(first)
    return opened


def _opening(draft: Draft, plan: Plan) -> Draft:
    mails = plan.first.channel == EMAIL
    terms = msgspec.structs.replace(
        draft.terms,
        start_plan="",
        channel=plan.first.channel,
        body=plan.first.send,
        title=plan.first.title,
        markup=plan.first.send if mails else None,
        route=plan.first.route or plan.route or draft.terms.route,
        tracking_link="none",
        encoding=plan.encoding,
        max_segments=plan.max_segments,
        quiet_hours=None if mails else plan.quiet_hours,
        marketing_hours=plan.marketing_hours,
        purpose=plan.purpose,
        reads_person=True,
    )
    return msgspec.structs.replace(draft, terms=terms)
