"""What a `*.test.yaml` may hold: one class a mapping, in the words of those who write tests."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from smsnotify.base.errors import RuleError
from smsnotify.gates.zones import known_zone
from smsnotify.rules.patterns import compile_pattern
from smsnotify.rules.scalars import Flag, Names, Word, one_of, refuse, scalar, whole
from smsnotify.rules.scalars_time import Duration
from smsnotify.rules.schema_parts import Keys
from smsnotify.text.address import read_email
from smsnotify.text.languages import is_language

_YEARS: Final = range(1971, 2901)
_E164: Final = re.compile(r"\+[1-9]\d{3,14}", re.ASCII)
_AMOUNT: Final = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)


def _said(value: object) -> str:
    """Take any text, an empty one too: a picture has no words."""
    return "" if value is None else scalar(value, "a text") if value != "" else ""


def _instant(value: object) -> datetime:
    text = scalar(value, "a time such as 2026-03-02T22:10:00+08:00").strip()
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise refuse(f"{text!r} is no time", "write 2026-03-02T22:10:00+08:00") from None
    if read.year not in _YEARS:
        raise refuse(f"{text!r} is in no year that a clock shows", "1971 to 2900")
    return read


def is_whole_number(text: str) -> bool:
    """Say whether a number is written in full: + and the country's code first."""
    return _E164.fullmatch(text) is not None


def _number(value: object) -> str:
    text = scalar(value, 'a number such as "+6591230001"').strip()
    if not is_whole_number(text):
        raise refuse(f"{text!r} is no number in full", 'write "+6591230001"')
    return text


def _mailbox(value: object) -> str:
    text = scalar(value, "an address such as mei@example.com")
    address = read_email(text)
    if not address:
        raise refuse(f"{text!r} is no email address", "write mei@example.com")
    return address


def _tag(value: object) -> str:
    text = scalar(value, "a tag such as en").strip()
    if not is_language(text):
        raise refuse(f"{text!r} is no language", "write its tag, such as en, zh, zh-Hant or pt-BR")
    return text


def _zone(value: object) -> str:
    text = scalar(value, "a zone such as Asia/Singapore").strip()
    if known_zone(text) is None:
        raise refuse(f"{text!r} is no time zone", "write Asia/Singapore, or another of its kind")
    return text


def _one_event(value: object) -> str:
    if isinstance(value, list | dict):
        raise refuse("one event by its name stands here", "did you mean events?")
    return scalar(value, "an event such as completed").strip()


def _pattern(value: object) -> str:
    text = scalar(value, "a pattern")
    try:
        compile_pattern(text)
    except RuleError as error:
        raise refuse(error.message, error.hint, "bad_pattern") from None
    return text


def _address(value: object) -> str:
    return scalar(value, "a number").strip() if "@" in str(value) else _number(value)


def _country(value: object) -> str:
    from smsnotify.text.phone import country_code

    text = scalar(value, "two letters such as SG")
    code = country_code(text)
    if not code:
        raise refuse(f"{text!r} is no country", "write its two letters, such as SG or MY")
    return code


def _money(value: object) -> Decimal:
    text = scalar(value, "an amount such as 12.50").strip()
    if not _AMOUNT.fullmatch(text):
        raise refuse(f"{text!r} is no amount of money", "write 12.50")
    return Decimal(text)


def _some(value: object) -> object:
    if value is None:
        return []
    many = value if isinstance(value, list) else [value]
    return [{"body": one} if isinstance(one, str) else one for one in many]


def _failure(value: object) -> str:
    text = scalar(value, "true, or a word such as unreachable").strip()
    return "unreachable" if text == "true" else text


Instant = Annotated[datetime | None, BeforeValidator(_instant)]
Texts = Annotated[list[str], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]
Number = Annotated[str | None, BeforeValidator(_number)]
Address = Annotated[str | None, BeforeValidator(_address)]
Country = Annotated[str | None, BeforeValidator(_country)]
Money = Annotated[Decimal | None, BeforeValidator(_money)]
Pattern = Annotated[str | None, BeforeValidator(_pattern)]
Tag = Annotated[str | None, BeforeValidator(_tag)]
Zone = Annotated[str | None, BeforeValidator(_zone)]
Event = Annotated[str | None, BeforeValidator(_one_event)]
Mailbox = Annotated[str | None, BeforeValidator(_mailbox)]
Values = dict[str, str | None]


class ExpectedKeys(Keys):
    """One text or decision that must come; what is left out may be anything."""

    verdict: Annotated[str, one_of("send", "hold", "stop")] = Field(
        default="send", description="`send` (the default), `hold` or `stop`."
    )
    body: str | None = Field(default=None, description="The whole text.")
    contains: Texts = Field(default=[], description="Parts of the text.")
    matches: Pattern = Field(default=None, description="A pattern that is found in the text.")
    rule: Word = Field(default=None, description="The rule's or plan's name.")
    recipient: Word = Field(default=None, description="Who gets it.")
    reason: Word = Field(default=None, description="Why it waits or stops.")
    gate: Word = Field(default=None, description="The gate that held or stopped it.")
    detail: Word = Field(default=None, description="What the gate adds, word for word.")
    kind: Word = Field(default=None, description="plan, consent, alert, or a rule's event.")
    channel: Word = Field(default=None, description="`sms` or `email`.")
    subject: Word = Field(default=None, description="A mail's subject line.")
    encoding: Word = Field(default=None, description="`GSM7` or `UCS2`.")
    segments: Word = Field(default=None, description="What it costs.")
    language: Word = Field(default=None, description="The language of a rule with several.")
    not_before: Instant = Field(default=None, description="When a held one may leave.")


class CaseStepKeys(Keys):
    """One thing that happens, and everything that comes of it."""

    says: Annotated[str | None, BeforeValidator(_said)] = Field(
        default=None, description="The customer's text."
    )
    sender: Number = Field(default=None, description="Who says it, if not the test's own customer.")
    events: list[dict[str, Any]] = Field(default=[], description="Events as in a feed.")
    file: Word = Field(
        default=None, description="Events of a file, found from the test file's folder."
    )
    event: Event = Field(
        default=None, description="An event about the customer, or the job that a plan asked about."
    )
    wait: Duration = Field(default=None, description="Time passes.")
    enrol: Word = Field(default=None, description="A clerk puts the customer into this plan.")
    fail: Annotated[str | None, BeforeValidator(_failure)] = Field(
        default=None, description="The last text comes back undelivered, with this word."
    )
    expect: Annotated[list[ExpectedKeys], BeforeValidator(_some)] = Field(
        default=[], description="Every text that goes out, waits or is stopped, in order."
    )
    read_as: Word = Field(default=None, description="What the customer's text was taken for.")
    outcome: Word = Field(default=None, description="How the last plan ended; waiting if not.")
    step: Word = Field(default=None, description="Where the customer stands in it.")
    answers: Values = Field(default={}, description="What is kept of the answers.")
    contact: Values = Field(default={}, description="What is known of the customer.")
    tags: Names = Field(default=[], description="Tags that the customer has.")
    goals: Values = Field(default={}, description="Goals reached so far, and their whole value.")
    emits: Names = Field(default=[], description="Events that plans made here.")
    actions: list[Values] = Field(default=[], description="Lines for the firm's own system.")
    calls: Names = Field(default=[], description="Addresses that were called.")


class SentKeys(Keys):
    """Texts that went out before the test begins, in the hour and on the day of its beginning."""

    texts: Annotated[int, BeforeValidator(whole(0, 1_000_000))] = Field(
        default=1, description="How many."
    )
    recipient: Address = Field(default=None, description="To whom: then they count for their caps.")
    rule: Word = Field(default=None, description="Of which rule: then they count for its caps.")
    country: Country = Field(
        default=None, description="To which country; without it, that of the recipient."
    )
    money: Money = Field(default=None, description="What they cost together.")


class SilenceKeys(Keys):
    """Rules that are silent when the test begins; without `group` and `rule`, all of them."""

    group: Word = Field(default=None, description="Only jobs of this group.")
    rule: Word = Field(default=None, description="Only this rule.")
    lasting: Duration = Field(
        default=None, alias="for", description="How long from the beginning on; else a day."
    )


class ContactKeys(Keys):
    """What is known of somebody when the test begins."""

    name: Word = Field(default=None, description="The person's name.")
    email: Mailbox = Field(default=None, description="The person's email address.")
    language: Tag = Field(default=None, description="A language tag.")
    time_zone: Zone = Field(default=None, description="An IANA zone.")
    tags: Names = Field(default=[], description="Tags.")
    opted_out: Flag = Field(default=False, description="Wants no texts.")
    marketing: Flag = Field(default=False, description="Has asked for marketing.")
    facets: Values = Field(default={}, description="Everything else: free keys and values.")


def _contact(value: object) -> object:
    """Take keys that are no field of a contact as facets."""
    if not isinstance(value, dict):
        return value
    known = ContactKeys.model_fields
    facets = {key: one for key, one in value.items() if key not in known}
    rest = {key: one for key, one in value.items() if key in known}
    return {**rest, "facets": {**facets, **(rest.get("facets") or {})}}


Known = Annotated[ContactKeys, BeforeValidator(_contact)]


class CaseKeys(Keys):
    """One test: a clock and what is known. Its `steps` are read one by one."""

    name: Word = Field(default=None, description="What the test is called.")
    at: Instant = Field(default=None, description="When it begins; else noon, where they are.")
    number: Number = Field(default=None, description="The customer's number.")
    contact: Known = Field(default=ContactKeys(), description="The customer.")
    contacts: dict[str, Known] = Field(default={}, description="Others, by number.")
    job: dict[str, Any] = Field(default={}, description="A job that is known already.")
    already_sent: list[SentKeys] = Field(
        default=[], description="What was sent already, for caps to count."
    )
    silences: list[SilenceKeys] = Field(default=[], description="What is silent.")
