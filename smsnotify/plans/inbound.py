"""What a text from a person is: consent, an answer, a way into a plan, or something for a clerk.

The order, which the first that fits ends:

1. the same text again within seconds: a repeat;
2. STOP, START and HELP, whatever an open wait knows: plans with such words are refused. YES (and
   the like) is START from somebody who is out, and an answer like any other from everybody else;
3. a likely opt-out, unless the whole text is an answer or a keyword that is waited for;
4. the number that settles which of several questions an earlier answer meant;
5. an open wait with a branch that the text fits; several: which one?
6. the keyword of a plan that the person can come into;
7. the open wait that takes any other answer, the newest one first;
8. a plan that any text begins, when no wait is open;
9. the inbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

import msgspec

from smsnotify.model.contact import NOBODY_KNOWN, Contact
from smsnotify.model.enrolment import Enrolment
from smsnotify.model.plan import Plan
from smsnotify.plans.book import PlanSet
from smsnotify.plans.consent_words import ConsentWords, Family
from smsnotify.plans.engine import answer_of, awaits_reply
from smsnotify.plans.view import PlanView
from smsnotify.plans.words import keys_matcher, normalise, number

REPEATED_WITHIN: Final = timedelta(seconds=10)
"""The same text from the same person this soon is the same text, whatever its id."""

READ_WITHIN: Final = timedelta(seconds=3)
"""Nobody has read and answered a question that is younger."""

Kind = Literal[
    "repeat",
    "stop",
    "start",
    "help",
    "doubt",
    "choice",
    "branch",
    "which",
    "keyword",
    "other",
    "any_text",
    "inbox",
]


class HeardText(Protocol):
    """A text from a person, as the books have it."""

    @property
    def id(self) -> str:
        """Our id of it."""

    @property
    def to(self) -> str:
        """Our number that it came to."""

    @property
    def body(self) -> str:
        """The words."""

    @property
    def keyword(self) -> str:
        """The provider's own STOP, START or HELP, when it has taken it for one."""

    @property
    def received_at(self) -> datetime:
        """When it reached us."""


class AskedWhich(Protocol):
    """A question which of several enrolments an answer meant."""

    @property
    def options(self) -> tuple[str, ...]:
        """Ids of enrolments, in the order of their numbers."""

    @property
    def due_at(self) -> datetime:
        """Until when it can be answered."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a person stands when a text comes.

    `waiting` are the enrolments that are not over, each with the plan of its version. `choice` is
    what they were asked and have not answered. `recent` are their texts of the last minute, this
    one may be among them. `been_in` names the plans that they were ever in.
    """

    contact: Contact = NOBODY_KNOWN
    waiting: tuple[tuple[Enrolment, Plan], ...] = ()
    choice: AskedWhich | None = None
    recent: Sequence[HeardText] = ()
    opted_out: bool = False
    been_in: frozenset[str] = frozenset()


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a text is.

    `enrolment` is whom it goes to, with its `plan` (`branch`, `other`, `choice`); a plan alone is
    one to come into (`keyword`, `any_text`). `options` are what it fitted (`which`). `word` is
    the branch's key, the keyword, or the word of consent. `by_provider`: the provider has
    answered it already.
    """

    kind: Kind
    enrolment: Enrolment | None = None
    plan: Plan | None = None
    options: tuple[tuple[Enrolment, Plan], ...] = ()
    word: str = ""
    by_provider: bool = False


def read_reply(
    reply: HeardText, standing: Standing, plans: PlanSet, words: ConsentWords, now: datetime
) -> Reading:
    """Return what a text is. Whether it is from our own number or a flood is asked before."""
    if _is_repeat(reply, standing):
        return Reading(kind="repeat")
    open_waits = _open_waits(reply, standing)
    answers = [
        (one, plan, key)
        for one, plan in open_waits
        if (key := answer_of(plan, one, reply.body)) is not None
    ]
    entry = _entry(reply, standing, plans)
    consent = _consent(reply, standing, words)
    if consent is not None:
        return consent
    claimed = [key for _, _, key in answers] + ([entry.word] if entry is not None else [])
    said = normalise(reply.body)
    if said not in map(normalise, claimed) and words.is_likely_stop(reply.body):
        return Reading(kind="doubt", word=said[:60])
    settled = _settled(reply, standing)
    if settled is not None:
        return settled
    if len(answers) == 1:
        one, plan, key = answers[0]
        return Reading(kind="branch", enrolment=one, plan=plan, word=key)
    if answers:
        return Reading(kind="which", options=tuple((one, plan) for one, plan, _ in answers))
    return entry or _rest(open_waits, standing, plans)


def _is_repeat(reply: HeardText, standing: Standing) -> bool:
    """Find the same text a moment ago, to which nothing has been asked since that was read."""
    said = normalise(reply.body) or reply.body.strip()
    for other in standing.recent:
        apart = reply.received_at - other.received_at
        if other.id == reply.id or not timedelta() <= apart <= REPEATED_WITHIN:
            continue
        if other.to != reply.to or (normalise(other.body) or other.body.strip()) != said:
            continue
        if not said:
            continue  # two pictures are two pictures
        since = [one.waits_since for one, _ in standing.waiting if one.waits_since is not None]
        if not any(other.received_at < at <= reply.received_at - READ_WITHIN for at in since):
            return True
    return False


def _open_waits(reply: HeardText, standing: Standing) -> list[tuple[Enrolment, Plan]]:
    """Return the waits that see this text, the newest first; those on its number if any are."""
    found = [pair for pair in standing.waiting if awaits_reply(pair[0], reply.received_at)]
    if len(found) > 1:
        found = [pair for pair in found if pair[0].ours == reply.to] or found
        found.sort(key=lambda pair: (pair[0].waits_since, pair[0].id), reverse=True)
    return found


def _consent(reply: HeardText, standing: Standing, words: ConsentWords) -> Reading | None:
    told = reply.keyword.strip().lower()
    family = words.family(reply.body)
    by_provider = told in ("stop", "start", "help")
    if by_provider and family is not Family.STOP:
        family = Family(told)
    word = normalise(reply.body)[:60]
    if family is Family.STOP:
        return Reading(kind="stop", word=word, by_provider=by_provider)
    if family in (Family.START, Family.YES) and standing.opted_out:
        return Reading(kind="start", word=word, by_provider=by_provider)
    if family is None or family is Family.YES:
        return None
    kind: Kind = "start" if family is Family.START else "help"
    return Reading(kind=kind, word=word, by_provider=by_provider)


def _settled(reply: HeardText, standing: Standing) -> Reading | None:
    """Read the number that says which of several questions was meant."""
    choice = standing.choice
    if choice is None or reply.received_at > choice.due_at:
        return None
    chosen = number(normalise(reply.body))
    if chosen is None or not 1 <= chosen <= len(choice.options):
        return None
    for one, plan in standing.waiting:
        if one.id == choice.options[chosen - 1]:
            return Reading(kind="choice", enrolment=one, plan=plan, word=str(chosen))
    return None  # that one is over meanwhile


def _entry(reply: HeardText, standing: Standing, plans: PlanSet) -> Reading | None:
    for plan in plans.with_keywords:
        key = keys_matcher(plan.entry.keywords, plan.entry.match)(reply.body)
        if key is not None and may_enter(plan, standing):
            return Reading(kind="keyword", plan=plan, word=key)
    return None


def may_enter(plan: Plan, standing: Standing) -> bool:
    """Tell whether a person can come into a plan now, by a word or any text."""
    if plan.re_enter == "never" and plan.name in standing.been_in:
        return False
    is_inside = any(one.plan == plan.name for one, _ in standing.waiting)
    if is_inside and plan.re_enter != "always":
        return False
    view = PlanView(standing.contact, {}, None)
    return all(test(view) for test in plan.entry.tests)


def _rest(
    open_waits: Sequence[tuple[Enrolment, Plan]], standing: Standing, plans: PlanSet
) -> Reading:
    for one, plan in open_waits:
        step = plan.steps.get(one.step)
        if step is not None and step.wait is not None and step.wait.other is not None:
            return Reading(kind="other", enrolment=one, plan=plan)
    if open_waits:
        one, plan = open_waits[0]
        return Reading(kind="inbox", enrolment=one, plan=plan)
    any_text = plans.any_text
    if any_text is not None and may_enter(any_text, standing):
        return Reading(kind="any_text", plan=any_text)
    return Reading(kind="inbox")
