"""The parts of a rule's keys that have keys of their own: hours, caps, reminders, recipients."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from smsnotify.rules.scalars import DaysBefore, Items, Limit, Names, Segments, Text, one_of, refuse
from smsnotify.rules.scalars_time import Clock, Span, Thens, Wait


def _none_switches_off(value: object) -> object:
    if isinstance(value, str) and value.strip().lower() == "none":
        return None
    if isinstance(value, str):
        raise refuse(f"{value!r} are no quiet hours", 'write {from: "21:00", to: "08:00"} or none')
    return value


def _none_lifts(value: object) -> object:
    if isinstance(value, str) and value.strip().lower() == "none":
        return None
    if value is None or isinstance(value, str):
        told = "there are no caps" if value is None else f"{value!r} are no caps"
        raise refuse(told, "write {per_hour: 3, per_day: 6} or none")
    return value


def _hours(value: object) -> object:
    if value is None or isinstance(value, str):
        raise refuse(f"{value!r} are no marketing hours", 'write {from: "10:00", to: "20:00"}')
    return value


def none_is_empty(value: object) -> object:
    """Take nothing for an empty mapping."""
    return {} if value is None else value


class Keys(BaseModel):
    """A mapping of a rule file: only its own keys, and nothing changes them."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), defer_build=True
    )


class QuietHoursKeys(Keys):
    """Hours in which no text leaves, in the recipient's time zone."""

    start: Clock = Field(alias="from", description="When the quiet begins, local time, HH:MM.")
    end: Clock = Field(
        alias="to",
        description="When the quiet ends, local time, HH:MM; earlier than `from` means over "
        "midnight.",
    )
    then: Thens = Field(
        default=None,
        description="`hold` keeps the text until the quiet ends, `drop` stops it; also by event: "
        "`{default: hold, arrived: drop}`. Without it heading_to, arrived, delayed and "
        "out_for_delivery are dropped, the rest is held.",
    )


class MarketingHoursKeys(Keys):
    """Hours in which marketing may leave, in the recipient's time zone."""

    start: Clock = Field(alias="from", description="When they begin, local time, HH:MM.")
    end: Clock = Field(
        alias="to", description="When they end, local time, HH:MM, later on the same day."
    )


class CapsKeys(Keys):
    """How many texts of one rule one recipient gets at most; a mail is one too."""

    per_hour: Limit = Field(
        default=None,
        description="In an hour of the clock. A number is hard: what is beyond it stops. `{soft: "
        "2, hard: 3}`: what is beyond `soft` goes, with a warning.",
    )
    per_day: Limit = Field(
        default=None, description="In a day, from midnight in the settings' zone; written alike."
    )


class PreJobKeys(Keys):
    """When a reminder leaves. Needed by, and only for, the event `pre_job`."""

    days_before: DaysBefore = Field(description="Days before the job's date, 0 to 5.")
    at: Clock = Field(description="The time of that day, HH:MM, in the job's time zone.")
    late: Annotated[Literal["send", "drop"], one_of("send", "drop")] = Field(
        default="send",
        description="What becomes of a job that is first seen after that moment.",
    )


class ToKeys(Keys):
    """Who is texted: numbers in fields of the job, fixed numbers, or both."""

    fields: Items = Field(
        default=[], description="Job fields that hold phone numbers, or email addresses for mails."
    )
    fixed: Items = Field(
        default=[],
        description="Numbers that always get the text, such as a dispatcher's; in quotes, with "
        "+. Email addresses for mails.",
    )


class InhibitedByKeys(Keys):
    """Events that mute the rule, and for how long."""

    events: Names = Field(description="The events of the job that mute the rule.")
    within: Span = Field(
        description="They mute it when they happened no longer than this before its own event, "
        "or after it."
    )


class DigestKeys(Keys):
    """Several jobs for one recipient make one text, which has them all as `jobs`."""

    by: Items = Field(
        description="Job fields that the jobs of one text have in common, beside the recipient.",
    )
    wait: Wait = Field(
        description="How long the first job's text waits for others, 1s to 24h.",
    )


QuietHours = Annotated[
    QuietHoursKeys | None,
    BeforeValidator(_none_switches_off),
]
Caps = Annotated[CapsKeys | None, BeforeValidator(_none_lifts)]
MarketingHours = Annotated[MarketingHoursKeys | None, BeforeValidator(_hours)]
Encoding = Annotated[Literal["auto", "gsm7", "ucs2"], one_of("auto", "gsm7", "ucs2")]
Tracking = Annotated[Literal["append", "inline", "none"], one_of("append", "inline", "none")]
Where = Annotated[dict[str, Any], BeforeValidator(none_is_empty)]


SEGMENTS: Final = "The most segments that one text may cost, 1 to 10; a longer text is stopped."


class CountryKeys(Keys):
    """What is different for texts to one country."""

    first_text_suffix: Text = Field(
        default=None,
        description="What ends the first text that a number ever gets, such as `Reply STOP to opt "
        "out`; `none`: nothing.",
    )
    max_segments: Segments = Field(default=None, description=SEGMENTS)


Countries = Annotated[dict[str, CountryKeys], BeforeValidator(none_is_empty)]
