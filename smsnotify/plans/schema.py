"""What may stand in a plan: every key, its type, and the sentence that explains it.

As with rules, the models check shape and type; `build.py` asks what the keys mean, and `check.py`
whether the plan as a whole leads anywhere.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from smsnotify.model.plan import Outcome
from smsnotify.rules.scalars import (
    LANGUAGE_PATTERN,
    WORD_SCHEMA,
    WORDING_SCHEMA,
    Flag,
    Names,
    Segments,
    Word,
    one_of,
    refuse,
    scalar,
    whole,
    wording,
)
from smsnotify.rules.scalars_time import Clock, Duration
from smsnotify.rules.schema import FileKeys
from smsnotify.rules.schema_parts import (
    Encoding,
    Keys,
    MarketingHours,
    QuietHours,
    Where,
    none_is_empty,
)

_NUMBER: Final = re.compile(r"[+-]?\d{1,12}(\.\d{1,4})?")
_OUTCOMES: Final = tuple(outcome.value for outcome in Outcome)


def _number(value: object) -> float:
    text = scalar(value, "a number").strip()
    if not _NUMBER.fullmatch(text):
        raise refuse(f"{text!r} is no number", "write 10 or 9.50")
    return float(text)


def _text_of_sms(value: object) -> object:
    if isinstance(value, dict):
        raise refuse(
            "a mapping stands here", "write the text; channel: email and subject: make a mail of it"
        )
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, str):
        raise refuse("the text is blank", "write what the person shall read", "blank_body")
    return scalar(value, "a text")


_TAG: Final = re.compile(LANGUAGE_PATTERN)


def _saying(value: object) -> object:
    """Read one text; texts by language are read where the step is built."""
    if isinstance(value, dict) and all(map(_TAG.match, value)):
        return wording(value)
    return _text_of_sms(value)


def _target_alone(value: object) -> object:
    """Take `other: STEP` for `other: {then: STEP}`."""
    return {"then": value} if isinstance(value, str) else value


def _facet(value: object) -> str:
    return scalar(value, "a text, a number, true or false")


Number = Annotated[float | None, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
Sms = Annotated[
    str | None, BeforeValidator(_text_of_sms), WithJsonSchema({"type": "string", "pattern": r"\S"})
]
Saying = Annotated[
    str | dict[str, Any] | None, BeforeValidator(_saying), WithJsonSchema(WORDING_SCHEMA)
]
Target = Annotated[str, BeforeValidator(lambda value: scalar(value, "a step").strip())]
Targets = Annotated[dict[str, Target], BeforeValidator(none_is_empty)]
Texts = Annotated[
    dict[str, Annotated[str, BeforeValidator(_facet), WithJsonSchema(WORD_SCHEMA)]],
    BeforeValidator(none_is_empty),
]
Ending = Literal["finished", "exited", "expired", "failed"]
Matching = Annotated[
    Literal["first_word", "only_word", "number", "regex"],
    one_of("first_word", "only_word", "number", "regex"),
]
_MATCH: Final = (
    "How a text is compared with a keyword: `first_word` (the text begins with it), `only_word` "
    "(the text is nothing else), `number` (the text is this number, or one in a range such as "
    "1-5) or `regex` (found anywhere in the text). Letter case, quotes and final punctuation never "
    "count for words."
)


class EnterKeys(Keys):
    """How people come into a plan. Without it, only a rule, another plan or a clerk starts it."""

    keywords: Names = Field(default=[], description="Texts that begin the plan.")
    match: Matching = Field(default="first_word", description=_MATCH)
    any_text: Flag = Field(
        default=False,
        description="`true`: a text that nothing else knows begins the plan. One plan at the most.",
    )
    events: Names = Field(
        default=[],
        description="Events that begin the plan for the person whom they are about: a job's "
        "`phone_number`, or the contact of an interaction.",
    )
    where: Where = Field(
        default={},
        description="Conditions on `contact.NAME` and job fields; all must hold to come in.",
    )


class OtherKeys(Keys):
    """What an answer gets that no branch knows."""

    send: Saying = Field(
        default=None, description="The text that asks again; by language too: `{en: …, zh: …}`."
    )
    times: Annotated[
        int,
        BeforeValidator(whole(1, 20)),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 20}),
    ] = Field(default=1, description="How often `send` is sent, 1 to 20, before `then`.")
    then: Target = Field(default="end", description="Where the person goes after that.")


class WaitKeys(Keys):
    """Wait for a reply."""

    lasting: Duration = Field(alias="for", description="How long to wait at the most.")
    replies: Targets = Field(
        default={},
        description="For every answer the step that follows, or `end`, `finished`, `exited`, "
        "`expired`, `failed`. The first one that fits is taken.",
    )
    match: Matching = Field(default="first_word", description=_MATCH)
    other: Annotated[OtherKeys | None, BeforeValidator(_target_alone)] = Field(
        default=None,
        description="What an answer gets that no branch knows: a step, or a text that asks again. "
        "Without it, the answer goes to the inbox and the wait goes on.",
    )
    no_reply: Target = Field(
        default="expired", description="Where the person goes when no answer came in time."
    )
    not_delivered: Target = Field(
        default="exited",
        description="Where the person goes when the text did not arrive or was stopped.",
    )


class ListenKeys(Keys):
    """Wait for an event about the job or the person."""

    events: Names = Field(
        description="The events that are waited for; `text_delivered` and `text_failed` tell of a "
        "text of this plan."
    )
    lasting: Duration = Field(alias="for", description="How long to wait at the most.")
    then: Target = Field(
        default="", description="The step that follows when one of them happens; else the next one."
    )
    otherwise: Target = Field(
        default="expired", alias="else", description="Where the person goes when none came in time."
    )


class DelayKeys(Keys):
    """Let time pass."""

    lasting: Duration = Field(default=None, alias="for", description="How long.")
    until: Clock | None = Field(
        default=None, description="Or until this time of the person's day, HH:MM."
    )


class ChoiceKeys(Keys):
    """One line of a decision."""

    where: Where | None = Field(
        default=None,
        alias="if",
        description="Conditions on `contact.NAME`, `replies.STEP` and job fields; all must hold.",
    )
    then: Target = Field(default="", description="The step that follows when they hold.")
    otherwise: Target = Field(
        default="", alias="else", description="In the last line: the step for everybody else."
    )


class StepKeys(Keys):
    """One step: what it does, in the order of these keys, and how it goes on."""

    set: Texts = Field(
        default={},
        description="Facets of the contact and their values; {{ … }} is filled in.",
    )
    tag: Names = Field(default=[], description="Tags that the contact gets.")
    goal: Word = Field(
        default=None,
        description="A goal that is reached here. One that `custom_events` name is an event, too.",
    )
    value: Number = Field(default=None, description="What the goal is worth.")
    emit: Word = Field(
        default=None, description="An event about the job, which rules and other plans can hear."
    )
    action: Texts = Field(
        default={},
        description="A line for the firm's own system, written to the action file as JSON; "
        "{{ … }} is filled in.",
    )
    webhook: Word = Field(
        default=None, description="An address that is told of this step, signed and repeated."
    )
    alert: Sms = Field(default=None, description="A text to the firm's own people (`staff`).")
    send: Saying = Field(
        default=None,
        description="The text that the person gets, or texts by language: `{en: …, zh: …}`. "
        "{{ opt_out_link }} is an address to opt out.",
    )
    channel: Annotated[Literal["sms", "email"], one_of("sms", "email")] = Field(
        default="sms",
        description="How `send` goes out: as a text, or as a mail to the contact's email address, "
        "with its body in Markdown.",
    )
    subject: Saying = Field(
        default=None, description="The subject line of a mail; by language, if `send` is."
    )
    start_plan: Word = Field(
        default=None, description="Another plan that begins for the person; this one goes on."
    )
    route: Word = Field(default=None, description="The route of this step's text or mail.")
    wait: WaitKeys | None = Field(default=None, description="Wait for a reply.")
    listen: ListenKeys | None = Field(default=None, description="Wait for an event.")
    delay: DelayKeys | None = Field(default=None, description="Let time pass.")
    decide: list[ChoiceKeys] | None = Field(
        default=None, description="Go on by what is known: the first line that holds leads."
    )
    move_to: Word = Field(
        default=None, description="Another plan that begins for the person in place of this one."
    )
    end: Annotated[
        Literal["finished", "exited", "expired", "failed"] | None, one_of(*_OUTCOMES)
    ] = Field(default=None, description="The plan is over for the person, with this outcome.")
    then: Word = Field(
        default=None,
        description="The step that follows; without it the next one in the file.",
    )


class PlanHeadKeys(Keys):
    """A plan without its steps; they are validated one by one."""

    name: Word = Field(default=None, description="What the plan is called, everywhere.")
    enabled: Flag = Field(
        default=True, description="`false`: nobody comes in; who is in it goes on."
    )
    enter: EnterKeys | None = Field(default=None, description="How people come in.")
    purpose: Annotated[Literal["service", "marketing"], one_of("service", "marketing")] = Field(
        default="service",
        description="`marketing` needs a recorded opt-in and keeps marketing hours; whoever texts "
        "an entry keyword has given it.",
    )
    re_enter: Annotated[
        Literal["never", "after_exit", "always"], one_of("never", "after_exit", "always")
    ] = Field(default="after_exit", description="Whether a person can come in again, and when.")
    max_life: Duration = Field(
        default=None, description="After this time a person is out, wherever they are."
    )
    route: Word = Field(
        default=None,
        description="The route of the plan's texts; else `conversation`, where the settings have "
        "it, else `default`.",
    )
    encoding: Encoding = Field(
        default="auto", description="As for a rule: `auto`, `gsm7` or `ucs2`."
    )
    max_segments: Segments = Field(
        default=None, description="The most segments that one text may cost, 1 to 10."
    )
    language: Word = Field(
        default=None,
        description="The language of days, times and amounts; of texts in several languages, the "
        "one for whom none other suits.",
    )
    language_field: Word = Field(
        default=None,
        description="The job field that names the person's language, where the contact has none.",
    )
    quiet_hours: QuietHours = Field(
        default=None, description="Hours in which no text leaves; `none` switches them off."
    )
    marketing_hours: MarketingHours = Field(
        default=None,
        description="With `purpose: marketing`: the hours in which its texts may leave.",
    )
    expires: Duration = Field(
        default=None,
        description="A text that has not left this long after it might have is given up.",
    )
    max_steps: Annotated[
        int,
        BeforeValidator(whole(1, 100_000)),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100_000}),
    ] = Field(default=1000, description="The most steps that one person may take in this plan.")
    max_burst: Annotated[
        int,
        BeforeValidator(whole(1, 1000)),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 1000}),
    ] = Field(default=100, description="The most steps that one text or event may lead through.")


class PlanKeys(PlanHeadKeys):
    """One automation plan: how people come in, and the steps that they walk."""

    steps: list[dict[str, StepKeys]] = Field(
        description="The steps, each under its name; the first one is where people begin.",
        min_length=1,
    )


class BookKeys(FileKeys):
    """Rules and plans of sms-notify: who is texted what, and when."""

    plans: list[PlanKeys] = Field(description="The automation plans.", min_length=1)


REQUIRED: Final = ("name", "steps")
"""Keys that every plan must have."""

HINTS: Final[dict[str, str]] = {
    "text": "did you mean send?",
    "body": "did you mean send?",
    "message": "did you mean send?",
    "if": "conditions stand under decide: [{if: {…}, then: STEP}, {else: STEP}]",
    "when": "conditions stand under decide: [{if: {…}, then: STEP}, {else: STEP}]",
    "next": "did you mean then?",
    "goto": "did you mean then?",
    "replies": "replies stand under wait",
    "for": "a duration stands under wait, listen or delay",
    "email": "channel: email, with subject beside send",
    "to": "a text goes to the person's number, channel: email to the contact's address",
    "title": "did you mean subject?",
    "keywords": "keywords stand under enter",
    "events": "events stand under enter, or under listen in a step",
    "reentry": "did you mean re_enter?",
    "wait.reply": "did you mean replies?",
    "wait.answers": "did you mean replies?",
    "wait.timeout": "did you mean no_reply?",
    "wait.else": "did you mean other or no_reply?",
    "wait.then": "each reply has its own step: replies: {YES: STEP}",
    "wait.other.text": "did you mean send?",
    "listen.no_reply": "did you mean else?",
    "delay.then": "then stands beside delay, in the step",
}
"""What to say of a key that stands in the wrong place or is called otherwise here."""
