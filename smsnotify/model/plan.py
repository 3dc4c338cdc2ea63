"""An automation plan after compiling: what the plan engine walks through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time, timedelta
from enum import StrEnum
from typing import Final, Literal

import msgspec

from smsnotify.model.rule import MARKETING_HOURS, SMS, MarketingHours, Purpose, QuietHours

TEXT_DELIVERED: Final = "text_delivered"
TEXT_FAILED: Final = "text_failed"
RECEIPT_EVENTS: Final = frozenset({TEXT_DELIVERED, TEXT_FAILED})
"""What only `listen` hears: what became of a text that this plan sent to this person."""


class Outcome(StrEnum):
    """How an enrolment ended."""

    FINISHED = "finished"  # all the way through
    EXITED = "exited"  # a rule, a reply or a person ended it
    EXPIRED = "expired"  # nobody answered in time, or its life was over
    FAILED = "failed"  # the plan could not go on: a step budget, a plan that is gone


ENDS: Final = frozenset({"end", *Outcome})
"""Targets that are no step: `end` leaves the outcome to the place it stands in."""


class Match(StrEnum):
    """How a text is compared with a keyword."""

    FIRST_WORD = "first_word"
    ONLY_WORD = "only_word"
    NUMBER = "number"  # the key is a number, or a range such as 1-5; the text must be one
    REGEX = "regex"


class View:
    """What a plan's templates and conditions read: attributes by name.

    A job's fields by their own names, `contact__KEY` for `{{ contact.KEY }}` and `replies__STEP`
    for `{{ replies.STEP }}`; `opt_out_link`. An absent one is a missing value.
    """


Words = Callable[[object], str]
"""A compiled template: takes a view, returns the text, raises MissingValueError."""

Test = Callable[[object], bool]
"""A compiled condition on a view."""


class Branch(msgspec.Struct, frozen=True, gc=False):
    """One answer that a wait knows: `key` as it is written, and the target."""

    key: str
    target: str


class Other(msgspec.Struct, frozen=True):
    """What an answer gets that no branch knows. `send` up to `times` times, then `then`."""

    send: Words | None = None
    times: int = 1
    then: str = "end"
    source: str = ""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Wait for a reply, `lasting` at the most.

    `other` None: an answer that fits no branch goes to the clerks' inbox and the wait goes on.
    Targets are step names or one of ENDS.
    """

    lasting: timedelta
    branches: tuple[Branch, ...] = ()
    match: Match = Match.FIRST_WORD
    other: Other | str | None = None
    no_reply: str = Outcome.EXPIRED
    not_delivered: str = Outcome.EXITED


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """Wait for an event about the job or the person, `lasting` at the most."""

    events: frozenset[str]
    lasting: timedelta
    then: str
    otherwise: str = Outcome.EXPIRED


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """Wait a while (`lasting`), or until the next local time `until` of the person's day."""

    lasting: timedelta | None = None
    until: time | None = None
    then: str = ""


class Choice(msgspec.Struct, frozen=True):
    """One line of a decision: the first whose tests all hold leads on; no tests: else.

    `asked` says the tests in words, such as `contact.tier eq gold`.
    """

    target: str
    tests: tuple[Test, ...] = ()
    asked: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step. What it does comes in the order of these fields; then one of the last six
    says how it goes on; without any, `then`, the next step of the file or `finished`.

    On the channel `email`, `send` is Markdown with the values escaped and `title` the subject
    line. `line` is where it stands in its file.
    """

    name: str
    line: int = 0
    set: Mapping[str, Words | str | int | float | bool] = {}
    tag: tuple[str, ...] = ()
    goal: str = ""
    value: float | None = None
    emit: str = ""
    action: Mapping[str, Words] = {}
    webhook: str = ""
    alert: Words | None = None
    alert_source: str = ""
    send: Words | None = None
    send_source: str = ""
    channel: str = SMS
    title: Words | None = None
    title_source: str = ""
    start_plan: str = ""
    route: str = ""
    wait: Wait | None = None
    listen: Listen | None = None
    delay: Delay | None = None
    decide: tuple[Choice, ...] = ()
    move_to: str = ""
    end: Outcome | None = None
    then: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """How people come into a plan: a word, any text, an event; by a rule or by hand always."""

    keywords: tuple[str, ...] = ()
    match: Match = Match.FIRST_WORD
    any_text: bool = False
    events: frozenset[str] = frozenset()
    tests: tuple[Test, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One plan. `version` is a hash of `content`, the plan as canonical JSON, which is stored so
    that a running enrolment stays on its version; `steps` are in the file's order, the first one
    is where people begin.

    `max_steps` is the budget of one enrolment, `max_burst` of one input. `reads` are the
    attributes of a View that its texts and conditions look at.
    """

    name: str
    version: str
    content: bytes = b""
    entry: Entry = Entry()
    purpose: Purpose = Purpose.SERVICE
    re_enter: Literal["never", "after_exit", "always"] = "after_exit"
    max_life: timedelta = timedelta(days=30)
    steps: Mapping[str, Step]
    route: str = ""
    encoding: Literal["auto", "gsm7", "ucs2"] = "auto"
    max_segments: int = 3
    quiet_hours: QuietHours | None = None
    marketing_hours: MarketingHours = MARKETING_HOURS
    expires: timedelta = timedelta(hours=24)
    enabled: bool = True
    max_steps: int = 1000
    max_burst: int = 100
    reads: frozenset[str] = frozenset()
    file: str = ""
    line: int = 0

    @property
    def first(self) -> Step:
        """Where people begin."""
        return next(iter(self.steps.values()))

    def after(self, step: str) -> str:
        """Return the name of the step behind one in the file's order, `finished` at the end."""
        names = list(self.steps)
        place = names.index(step) + 1
        return names[place] if place < len(names) else Outcome.FINISHED
