"""What judging and sending need to know of a rule, without the rule language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

from smsnotify.base.durations import format_duration
from smsnotify.model.caps import Cap

SMS: Final = "sms"
"""The channel of texts."""

EMAIL: Final = "email"
"""The channel of mails."""

APPRISE: Final = "apprise"
"""The channel of alarms to the firm's own people; who is behind it, the route's accounts say."""


class Priority(StrEnum):
    """The order in which waiting messages are claimed."""

    URGENT = "urgent"
    NORMAL = "normal"
    BULK = "bulk"

    @property
    def rank(self) -> int:
        """0 is claimed first."""
        return ("urgent", "normal", "bulk").index(self.value)


class Purpose(StrEnum):
    """Why a text is sent: marketing needs a recorded opt-in and keeps marketing hours."""

    SERVICE = "service"
    MARKETING = "marketing"


Then = Literal["hold", "drop"]


class QuietHours(msgspec.Struct, frozen=True):
    """Local hours in which no text leaves. `start` may be later than `end`: over midnight.

    `then` is what becomes of a text, unless `by_event` names its event.
    """

    start: time
    end: time
    then: Then = "hold"
    by_event: Mapping[str, Then] = {}

    def then_of(self, event: str) -> Then:
        """Return what becomes of a text about an event of this name."""
        return self.by_event.get(event, self.then)


WORTHLESS_LATER: Final = frozenset({"heading_to", "arrived", "delayed", "out_for_delivery"})
"""Events that are no news any more when the quiet hours end: dropped unless a rule says more."""


class MarketingHours(msgspec.Struct, frozen=True, gc=False):
    """Local hours of one day in which marketing may leave: `start` is in, `end` is out."""

    start: time
    end: time


MARKETING_HOURS: Final = MarketingHours(time(10), time(20))
"""When marketing may leave unless a file says otherwise."""


class PreJob(msgspec.Struct, frozen=True, gc=False):
    """A reminder `days_before` the job's date (0 to 5) at a local time."""

    days_before: int
    at: time
    late: Literal["send", "drop"] = "send"


class Inhibition(msgspec.Struct, frozen=True, gc=False):
    """Events that mute a rule when they happened to the job no longer ago than `within`."""

    events: tuple[str, ...]
    within: timedelta


class Digest(msgspec.Struct, frozen=True, gc=False):
    """Several jobs make one text: those that are alike in the fields `by`, for one recipient.

    `wait` is how long the first text waits for others.
    """

    by: tuple[str, ...]
    wait: timedelta


class Bounds(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What bounds a few rules beyond the usual.

    The rule is active from `active_from` until just before `active_until`; a naive one is on the
    wall clock of the settings' zone. Its texts wait `after` the event, unless one of the events
    `unless` happens to the job meanwhile, or as long as the job's status must be `unchanged`.
    `asks` are the events of the job that judging must know of. With a `digest` they
    wait for each other. `caps` are about what one recipient gets of it.
    """

    active_from: datetime | None = None
    active_until: datetime | None = None
    inhibited_by: Inhibition | None = None
    after: timedelta | None = None
    unless: tuple[str, ...] = ()
    unchanged: timedelta | None = None
    asks: frozenset[str] = frozenset()
    digest: Digest | None = None
    caps: tuple[Cap, ...] = ()

    def told(self) -> dict[str, str]:
        """Return what bounds there are, in words, by the key that says so."""
        times = {"active_from": self.active_from, "active_until": self.active_until}
        told = {key: at.isoformat(" ", "minutes") for key, at in times.items() if at is not None}
        if self.inhibited_by is not None:
            events, within = self.inhibited_by.events, self.inhibited_by.within
            told["inhibited_by"] = f"{' or '.join(events)} within {format_duration(within)}"
        for key, span in (("after", self.after), ("for", self.unchanged)):
            if span is not None:
                told[key] = format_duration(span)
        if self.unless:
            told["unless"] = " or ".join(self.unless)
        if self.digest is not None:
            wait = format_duration(self.digest.wait)
            told["digest"] = f"by {', '.join(self.digest.by)}, wait {wait}"
        if self.caps:
            told["caps"] = "; ".join(cap.told() for cap in self.caps)
        return told


class CountryTerms(msgspec.Struct, frozen=True, gc=False):
    """What is different for texts to one country.

    `first_text_suffix` ends the first text that a number ever gets; `max_segments` 0: as elsewhere.
    """

    first_text_suffix: str = ""
    max_segments: int = 0


class Languages(msgspec.Struct, frozen=True, kw_only=True):
    """The languages that a rule speaks: its terms in each, by tag.

    `offered` are the tags in the file's order, `fallback` one of them. `field` is the job's field
    that names the reader's language, `''` for none.
    """

    terms: Mapping[str, RuleTerms]
    offered: tuple[str, ...]
    fallback: str
    field: str = ""


class RuleTerms(msgspec.Struct, frozen=True, kw_only=True):
    """One rule after compiling: everything that does not decide whether it matches.

    `body` renders the text for a job, without the tracking link; it raises MissingValueError.
    With `reads_person` it takes a `model.reading.Reading`: the job, the recipient's contact and
    opt-out link; `contact_tests` must all hold for it, else the recipient is not meant.
    `fixed` are the rule's own staff, whom no quiet hours keep waiting. `max_age` is how old an
    event may be, None for any age, unless `max_ages` names it. `expires` counts from the moment
    the message may leave. With `start_plan` the rule texts nobody itself: each recipient
    comes into that plan, and `body` renders nothing. An email has two more of its kind: `title`
    renders the subject line, `markup` the body as Markdown with the values escaped. `bounds` is
    None for most rules: then no gate asks about them. `languages` is None for a rule that has one
    wording, `countries` (by ISO 2) for one that treats all alike. `registered` says where a text
    departs from the registered one, `''` where it does not. `is_plain` is worked out here: a text
    of service at any hour, the same whoever reads it, as most are; the rest of what few rules have
    is then not asked for with each draft.
    """

    id: str
    name: str
    channel: str = "sms"
    body: Callable[[Any], str]
    title: Callable[[Any], str] | None = None
    markup: Callable[[Any], str] | None = None
    route: str = "default"
    tracking_link: Literal["append", "inline", "none"] = "append"
    encoding: Literal["auto", "gsm7", "ucs2"] = "auto"
    max_segments: int = 3
    quiet_hours: QuietHours | None = None
    fixed: frozenset[str] = frozenset()
    purpose: Purpose = Purpose.SERVICE
    marketing_hours: MarketingHours = MARKETING_HOURS
    max_age: timedelta | None = timedelta(hours=24)
    max_ages: Mapping[str, timedelta | None] = {}
    expires: timedelta = timedelta(hours=24)
    pre_job: PreJob | None = None
    repeat_each: bool = False
    on_unknown: Literal["hold", "resend"] = "hold"
    priorities: Mapping[str, Priority] = {}
    start_plan: str = ""
    reads_person: bool = False
    has_opt_out_link: bool = False
    contact_tests: tuple[Callable[[object], bool], ...] = ()
    bounds: Bounds | None = None
    languages: Languages | None = None
    countries: Mapping[str, CountryTerms] | None = None
    registered: Callable[[str], str] | None = None
    is_plain: bool = False

    def __post_init__(self) -> None:
        """Work out `is_plain`."""
        plain = (
            self.channel != EMAIL
            and self.purpose is Purpose.SERVICE
            and self.quiet_hours is None
            and self.bounds is None
            and self.encoding != "ucs2"
            and self.markup is None
            and not self.reads_person
            and self.registered is None
        )
        msgspec.structs.force_setattr(self, "is_plain", plain)

    @property
    def digest(self) -> Digest | None:
        """How the rule's texts are put together, None for the many that leave one by one."""
        return None if self.bounds is None else self.bounds.digest

    @property
    def waits(self) -> tuple[object, ...]:
        """What the rule's texts wait for after their event, empty for those that do not."""
        bounds = self.bounds
        if bounds is None or (bounds.after is None and bounds.unchanged is None):
            return ()
        return (bounds.after, bounds.unchanged, bounds.unless)

    def age_limit(self, event: str) -> timedelta | None:
        """Return how old an event of this name may be, None for any age."""
        return self.max_ages.get(event, self.max_age)

    def priority(self, event: str) -> Priority:
        """Return the priority that a message of this rule gets for an event."""
        return self.priorities.get(event) or DEFAULT_PRIORITIES.get(event, Priority.NORMAL)


DEFAULT_PRIORITIES = {
    "heading_to": Priority.URGENT,
    "heading_to_cancelled": Priority.URGENT,
    "arrived": Priority.URGENT,
    "reply": Priority.URGENT,
    "pre_job": Priority.BULK,
    "feedback": Priority.BULK,
}
"""News that is worthless in five minutes goes first; what can wait goes last."""
