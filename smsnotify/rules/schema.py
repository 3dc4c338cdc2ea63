"""What may stand in a rule file: every key, its type, and the sentence that explains it.

The models check shape and type only. Required keys of a rule are optional here, so that one bad
key does not hide what is wrong with the others; `build.py` asks for them.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from smsnotify.model.job import Kind
from smsnotify.rules.scalars import (
    Channels,
    Flag,
    Items,
    Names,
    Segments,
    Word,
    Wording,
    one_of,
    refuse,
)
from smsnotify.rules.scalars_time import Ages, Begin, Duration, End
from smsnotify.rules.schema_parts import (
    SEGMENTS,
    Caps,
    Countries,
    DigestKeys,
    Encoding,
    InhibitedByKeys,
    Keys,
    MarketingHours,
    PreJobKeys,
    QuietHours,
    ToKeys,
    Tracking,
    Where,
    none_is_empty,
)

FIELD_KINDS: Final[dict[str, Kind]] = {
    "string": "text",
    "number": "number",
    "flag": "flag",
    "date": "date",
    "time": "clock",
    "instant": "instant",
    "list": "list",
}
"""The words for the kind of a custom field, and what they mean."""

REQUIRED: Final = ("name", "events", "to", "body")
"""Keys that every rule must have; in place of `body` it may be `start_plan`."""


def _version(value: object) -> int:
    if value == "1":
        return 1
    raise refuse(
        f"version {value!r} is not known",
        "this program reads version 1",
        "unknown_version",
    )


Version = Annotated[int, BeforeValidator(_version), WithJsonSchema({"const": 1})]

_ROUTE: Final = "The route, or account, of the settings that carries the text."
_LINK: Final = (
    "Where the job's tracking link goes: `append` puts it on a line of its own, `inline` means "
    "that the body has {{ tracking_link }}, `none` leaves it out. A body with the tag counts as "
    "inline."
)
_QUIET: Final = "Hours in which no text leaves; `none` switches them off."
_MARKETING: Final = "Hours in which marketing may leave; outside them it waits."
_MAX_AGE: Final = (
    "An event older than this makes no text; `none` is any age. By event: `{heading_to: 30m, "
    "default: 24h}`."
)
_EXPIRES: Final = "A text that has not left this long after it might have is given up."
_CAPS: Final = (
    "How many texts of a rule one recipient gets at most, by hour and day; `none` lifts the caps. "
    "Those over all rules stand in the settings."
)
_ENCODING: Final = (
    "`auto` swaps look-alike punctuation to stay cheap, `gsm7` also spells letters out, `ucs2` "
    "leaves every character as it is."
)


_LANGUAGE: Final = (
    "The language of days, times and amounts, such as `de` or `pt-BR`. Of a body in several "
    "languages: the one for whom none other suits."
)
_LANGUAGE_FIELD: Final = (
    "The job field that names the reader's language, where the contact has none."
)


_COUNTRIES: Final = (
    "What is different for texts to some countries, by two letters: "
    "`{US: {first_text_suffix: Reply STOP to opt out}}`."
)


class DefaultsKeys(Keys):
    """What every rule of this file does unless it says otherwise."""

    route: Word = Field(default="default", description=_ROUTE)
    tracking_link: Tracking = Field(default="append", description=_LINK)
    quiet_hours: QuietHours = Field(default=None, description=_QUIET)
    marketing_hours: MarketingHours = Field(default=None, description=_MARKETING)
    max_segments: Segments = Field(default=3, description=SEGMENTS)
    max_age: Ages = Field(default=None, description=_MAX_AGE)
    expires: Duration = Field(default=None, description=_EXPIRES)
    caps: Caps = Field(default=None, description=_CAPS)
    encoding: Encoding = Field(default="auto", description=_ENCODING)
    language: Word = Field(default=None, description=_LANGUAGE)
    language_field: Word = Field(default=None, description=_LANGUAGE_FIELD)
    countries: Countries = Field(default={}, description=_COUNTRIES)


class RuleKeys(Keys):
    """One rule: which events it listens to, for which jobs, and who is told what."""

    name: Word = Field(default=None, description="What the rule is called in lists and decisions.")
    id: Word = Field(
        default=None,
        description="What the rule's message keys are made of; defaults to the name, so keep it "
        "when you rename the rule.",
    )
    enabled: Flag = Field(default=True, description="A rule that is off sends nothing.")
    active_from: Begin = Field(
        default=None,
        description="A date or an instant before which the rule sends nothing; without an offset "
        "it is in the settings' zone.",
    )
    active_until: End = Field(
        default=None,
        description="A date, the last day, or an instant from which on the rule sends nothing.",
    )
    inhibited_by: InhibitedByKeys | None = Field(
        default=None,
        description="Other events of the job that mute the rule for a while: delivered mutes "
        "delayed.",
    )
    after: Duration = Field(
        default=None,
        description="Each text leaves this long after its event, and is judged again then.",
    )
    unless: Names = Field(
        default=[],
        description="With `after` or `for`: a text that waits is cancelled when one of these "
        "events happens to the job.",
    )
    unchanged: Duration = Field(
        default=None,
        alias="for",
        description="Each text leaves this long after its event, and only if the job has had no "
        "other status since.",
    )
    channel: Channels = Field(
        default=("sms",),
        description="How the recipient is told: `sms`, `email`, or both. `apprise` alarms the "
        "firm's own people behind the route's accounts.",
    )
    fallback: Annotated[Literal["email"] | None, one_of("email")] = Field(
        default=None,
        description="`email`: a mail goes where no text can go, because the job has no number "
        "that can be texted.",
    )
    subject: Wording = Field(
        default=None,
        description="The subject line of a mail, or the heading of an alarm; {{ field }} prints a "
        "job field. By language, if the body is.",
    )
    job_type: Annotated[
        Literal["job", "delivery", "collection"], one_of("job", "delivery", "collection")
    ] = Field(default="job", description="Which jobs: `delivery`, `collection`, or `job` for both.")
    events: Names = Field(default=[], description="The events that the rule listens to.")
    groups: Names = Field(
        default=[],
        description="Only jobs of these groups (`group_name`, in any letter case); empty: every "
        "group.",
    )
    reasons: Names = Field(
        default=[],
        description="Only with the event `failed`: only these reasons, in any letter case; empty: "
        "every reason.",
    )
    where: Where = Field(
        default={},
        description="More conditions on the job, or on the recipient as `contact.NAME`; all must "
        "hold.",
    )
    purpose: Annotated[Literal["service", "marketing"], one_of("service", "marketing")] = Field(
        default="service",
        description="`marketing` reaches only those with a recorded opt-in, in marketing hours.",
    )
    pre_job: PreJobKeys | None = Field(
        default=None, description="When a reminder leaves; with the event `pre_job`."
    )
    to: ToKeys | None = Field(
        default=None, description="Who is texted. Alarms go wherever the route's accounts lead."
    )
    body: Wording = Field(
        default=None,
        description="The text, or texts by language: `{en: …, zh: …}`. {{ field }} prints a job "
        "field, {{ contact.name }} what is known of the recipient, {{ opt_out_link }} an address "
        "to opt out; without a value the text is stopped, unless {{ field | default('…') }} says "
        "otherwise.",
    )
    start_plan: Word = Field(
        default=None,
        description="In place of a body: the plan that begins for each recipient, about this job.",
    )
    route: Word = Field(default=None, description=_ROUTE)
    tracking_link: Tracking = Field(default="append", description=_LINK)
    quiet_hours: QuietHours = Field(default=None, description=_QUIET)
    marketing_hours: MarketingHours = Field(default=None, description=_MARKETING)
    digest: DigestKeys | None = Field(
        default=None,
        description="Several jobs for one recipient that agree in some fields make one text, "
        "with all of them as `jobs`.",
    )
    max_segments: Segments = Field(default=None, description=SEGMENTS)
    encoding: Encoding = Field(default="auto", description=_ENCODING)
    language: Word = Field(default=None, description=_LANGUAGE)
    language_field: Word = Field(default=None, description=_LANGUAGE_FIELD)
    countries: Countries = Field(default={}, description=_COUNTRIES)
    registered_text: Wording = Field(
        default=None,
        description="The text as it was registered (India's DLT, sender-ID registries), with "
        "`{#var#}` where something else may stand: whatever departs from it stops. By language, "
        "if the body is.",
    )
    max_age: Ages = Field(default=None, description=_MAX_AGE)
    expires: Duration = Field(default=None, description=_EXPIRES)
    caps: Caps = Field(default=None, description=_CAPS)
    repeat: Annotated[Literal["each"] | None, one_of("each")] = Field(
        default=None,
        description="`each`: every time the event happens again to a job is news, not only the "
        "first. It has happened again when its `time`, or the job's own stamp for it, is another.",
    )
    priority: Annotated[
        Literal["urgent", "normal", "bulk"] | None, one_of("urgent", "normal", "bulk")
    ] = Field(
        default=None,
        description="Which texts leave first when many wait; without it the event decides.",
    )
    on_unknown: Annotated[Literal["hold", "resend"], one_of("hold", "resend")] = Field(
        default="hold",
        description="When a provider gave no answer: `hold` waits until it is known, `resend` "
        "may text twice. Alarms (`channel: apprise`) are sent again unless this says `hold`.",
    )


class HeadKeys(Keys):
    """A rule file without its rules; they are validated one by one."""

    version: Version = Field(default=1, description="The version of this file format: 1.")
    custom_fields: Annotated[
        dict[str, Annotated[str, one_of(*FIELD_KINDS)]],
        BeforeValidator(none_is_empty),
    ] = Field(
        default={},
        description="Job fields beyond Detrack's, each with its kind: " + ", ".join(FIELD_KINDS),
    )
    custom_events: Items = Field(default=[], description="Event names beyond the built-in ones.")
    defaults: DefaultsKeys = Field(
        default_factory=DefaultsKeys.model_construct,  # no validator needs building
        description="What every rule of this file does unless it says otherwise.",
    )


class FileKeys(HeadKeys):
    """Rules of sms-notify: who is texted what, and when."""

    rules: list[RuleKeys] = Field(description="The rules.", min_length=1)
