"""The first text of a plan that a rule starts, as a rehearsal shows it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from smsnotify.model.decision import Draft
from smsnotify.plans.book import PlanSet


def openings(drafts: Iterable[Draft], plans: PlanSet) -> list[Draft]:
    """Return the drafts, those of rules with `start_plan` with the first text of their plan.

    A plan that begins without a text, or that nobody comes into, has none: left out. Answers and
    waits are the plan's own; `plans simulate` plays them.
    """
    return [
        opened
        for draft in drafts
        if (opened := _opening(draft, plans) if draft.terms.start_plan else draft) is not None
    ]


def _opening(draft: Draft, plans: PlanSet) -> Draft | None:
    plan = plans.by_name.get(draft.terms.start_plan)
    if plan is None or plan.first.send is None:
        return None
    terms = msgspec.structs.replace(
        draft.terms,
        start_plan="",
        body=plan.first.send,
        route=plan.first.route or plan.route or draft.terms.route,
        tracking_link="none",
        encoding=plan.encoding,
        max_segments=plan.max_segments,
        quiet_hours=plan.quiet_hours,
        marketing_hours=plan.marketing_hours,
        purpose=plan.purpose,
        reads_person=True,
    )
    return msgspec.structs.replace(draft, terms=terms)
