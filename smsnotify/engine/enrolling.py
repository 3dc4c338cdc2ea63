"""People let into plans by hand, taken out, and put on another step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from smsnotify.base.errors import OvertakenError, PlanError
from smsnotify.engine.conversing import Conversed, keep
from smsnotify.engine.conversing_portion import Desk, Entering, Portion
from smsnotify.engine.conversing_texts import BY_THE_CLOCK
from smsnotify.engine.keep import Ticket
from smsnotify.engine.supposing import suppose
from smsnotify.model.decision import Decision, Verdict
from smsnotify.model.enrolment import Ended, Enrolment, MovedTo
from smsnotify.model.plan import Plan
from smsnotify.store.people_batch import BroughtPerson

AT_ONCE: Final = 500
NOBODY_SUPPOSED: Final[Mapping[str, BroughtPerson]] = MappingProxyType({})
_TRIES: Final = 5


class Enrolled:
    """What enrolling some people came to: how many came in, and why others did not."""

    def __init__(self) -> None:
        """Nobody yet."""
        self.entered = 0
        self.left_out = 0
        self.decisions: list[Decision] = []
        self.reasons: Counter[str] = Counter()

    def add(self, portion: Portion, asked: int) -> None:
        """Count what a portion of people came to."""
        entered = len(portion.batch.entered)
        self.entered += entered
        self.left_out += asked - entered
        self.decisions += portion.batch.decisions
        for one in portion.batch.decisions:
            if one.verdict is not Verdict.SEND:
                self.reasons[one.reason] += 1


def enrol_people(
    desk: Desk,
    plan: Plan,
    numbers: Sequence[str],
    ref: str,
    ticket: Ticket,
    now: datetime,
    *,
    dry_run: bool = False,
    supposed: Mapping[str, BroughtPerson] = NOBODY_SUPPOSED,
) -> Enrolled:
    """Let people into a plan, some a transaction; the same `ref` lets nobody in twice.

    In a dry run everything is decided and nothing is kept; `supposed` are people by number whom
    an import would bring before.

    Raises:
        StoreError: the database failed; who came in before stays in.
    """
    report = Enrolled()
    wanted = list(dict.fromkeys(numbers))
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        for tries_left in reversed(range(_TRIES)):
            portion = Portion(desk, now, ticket)
            portion.know(some)
            if dry_run:
                suppose(portion, [supposed[number] for number in some if number in supposed])
            else:
                portion.adopt(some, {plan.name})
            for number in some:
                entering = Entering(plan=plan, number=number, source="hand", ref=ref)
                if portion.may_enter(entering):
                    portion.enter(entering, BY_THE_CLOCK)
            try:
                if dry_run:
                    portion.finish()
                else:
                    keep(portion, Conversed())
            except OvertakenError:
                if not tries_left:
                    raise
                continue
            report.add(portion, len(some))
            break
    return report


def stop(desk: Desk, enrolments: Sequence[Enrolment], now: datetime) -> int:
    """Take people out of their plans; texts that wait there are cancelled. Return how many."""
    ended = 0
    for start in range(0, len(enrolments), AT_ONCE):
        portion = Portion(desk, now)
        some = enrolments[start : start + AT_ONCE]
        portion.know({one.number for one in some})
        wanted = {one.id for one in some}
        for known in list(portion.waiting.values()):
            for one in list(known):
                if one.id in wanted:
                    portion.move(one, Ended(reason="by_hand"), BY_THE_CLOCK)
                    portion.cancel_texts_of(one)
                    ended += 1
        keep(portion, Conversed())
    return ended


def move(desk: Desk, enrolment: Enrolment, step: str, now: datetime) -> Enrolment:
    """Put somebody on another step, and on today's version of the plan; return where they stand.

    Raises:
        PlanError: there is no such plan any more, or no such step in it.
    """
    plan = desk.book.plans.named(enrolment.plan)
    if step not in plan.steps:
        raise PlanError(
            f"the plan {plan.name!r} has no step {step!r}",
            hint=f"its steps are {', '.join(plan.steps)}",
        )
    if enrolment.is_over:
        raise PlanError(f"that person is out of the plan already: {enrolment.state}")
    portion = Portion(desk, now)
    portion.know([enrolment.number])
    portion.cancel_texts_of(enrolment)
    portion.know_version(plan)
    portion.move(enrolment, MovedTo(step=step), BY_THE_CLOCK, plan=plan)
    keep(portion, Conversed())
    return portion.latest(enrolment)
