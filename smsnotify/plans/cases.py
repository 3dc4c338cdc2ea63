"""Reads `*.test.yaml`: what happens, and what must come of it; every mistake with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from pydantic import BeforeValidator, Field

from smsnotify.base.errors import RuleError
from smsnotify.model.problem import Problem
from smsnotify.rules.patterns import compile_pattern
from smsnotify.rules.problems import Path as Place
from smsnotify.rules.problems import Reporter, validate
from smsnotify.rules.scalars import Flag, Names, Word, one_of, refuse, scalar, whole
from smsnotify.rules.scalars_time import Duration
from smsnotify.rules.schema_parts import Keys
from smsnotify.rules.yaml_nodes import MapNode, plain
from smsnotify.rules.yaml_positions import YamlError, decode_text, read_yaml
from smsnotify.text.address import read_email

_HAPPENS: Final = ("says", "events", "file", "event", "wait", "enrol", "fail")
_YEARS: Final = range(1971, 2901)
_LONGEST_WAIT: Final = timedelta(days=3660)
_E164: Final = re.compile(r"\+[1-9]\d{3,14}", re.ASCII)
_AMOUNT: Final = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
ENDINGS: Final = (".test.yaml", ".test.yml")


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


def _number(value: object) -> str:
    text = scalar(value, 'a number such as "+6591230001"').strip()
    if not _E164.fullmatch(text):
        raise refuse(f"{text!r} is no number in full", 'write "+6591230001"')
    return text


def _mailbox(value: object) -> str:
    text = scalar(value, "an address such as mei@example.com")
    address = read_email(text)
    if not address:
        raise refuse(f"{text!r} is no email address", "write mei@example.com")
    return address


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
    event: Word = Field(
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


class ContactKeys(Keys):
    """What is known of somebody when the test begins."""

    name: Word = Field(default=None, description="The person's name.")
    email: Mailbox = Field(default=None, description="The person's email address.")
    language: Word = Field(default=None, description="A language tag.")
    time_zone: Word = Field(default=None, description="An IANA zone.")
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


class Case(msgspec.Struct, frozen=True):
    """A test as it is written, the one at `place` in its file. `lines`: where its steps stand."""

    file: str
    line: int
    place: int
    keys: CaseKeys
    steps: tuple[CaseStepKeys, ...]
    lines: tuple[int, ...]

    @property
    def name(self) -> str:
        """What the test is called."""
        return self.keys.name or f"the test of line {self.line}"


def test_files(paths: tuple[Path, ...]) -> list[Path]:
    """Return the test files beside rule files: of `rules.yaml`, `rules.test.yaml` and
    `rules.NAME.test.yaml`; of a folder, all in it."""
    found: dict[Path, None] = {}
    for path in paths:
        folder = path if path.is_dir() else path.parent
        stem = "" if path.is_dir() else path.name.rsplit(".", 1)[0] + "."
        names = sorted(folder.iterdir()) if folder.is_dir() else []
        for each in names:
            if each.name.lower().endswith(ENDINGS) and each.name.startswith(stem):
                found.setdefault(each, None)
    return list(found)


def read_cases(path: Path) -> tuple[list[Case], list[Problem]]:
    """Read one test file; the tests that are right, and every mistake."""
    file = str(path)
    try:
        text = decode_text(path.read_bytes())
        root = read_yaml(text).root
    except OSError as error:
        told = (error.strerror or "it cannot be opened").lower()
        message = f"the file cannot be read: {told}"
        return [], [Problem(file=file, code="unreadable", message=message)]
    except YamlError as error:
        return [], [
            Problem(
                file=file,
                line=error.line,
                column=error.column,
                code=error.code,
                message=error.message,
                hint=error.hint,
            )
        ]
    if not isinstance(root, MapNode) or "tests" not in root.values:
        message, hint = "the file has no tests", "it begins with tests:"
        return [], [
            Problem(file=file, line=1, column=1, code="no_tests", message=message, hint=hint)
        ]
    report = Reporter(file, text, root)
    for key in root.values:
        if key not in ("tests", "version"):
            report.error((key,), "unknown_key", f"unknown key {key!r}", "tests:", key=True)
    return list(_cases(report, plain(root.values["tests"]))), report.problems


def _cases(report: Reporter, written: object) -> Iterator[Case]:
    if not isinstance(written, list) or not written:
        report.error(("tests",), "bad_type", "tests must be a list", "begin each with - name:")
        return
    for index, data in enumerate(written):
        path = ("tests", index)
        if not isinstance(data, dict):
            report.error(path, "bad_type", "a test must be a mapping", "- name: …")
            continue
        before = report.errors
        head = {key: value for key, value in data.items() if key != "steps"}
        keys = validate(CaseKeys, head, report, path)
        steps = tuple(_steps(data.get("steps"), report, (*path, "steps")))
        if not steps and report.errors == before:
            report.error(path, "missing_key", "the test has no steps", "steps: [{says: HELLO}]")
        if report.errors == before:
            lines = (report.place((*path, "steps", n))[0] for n in range(len(steps)))
            yield Case(report.file, report.place(path)[0], index, keys, steps, tuple(lines))


def _steps(written: object, report: Reporter, path: Place) -> Iterator[CaseStepKeys]:
    if not isinstance(written, list):
        if written is not None:
            report.error(path, "bad_type", "steps must be a list", "begin each with - says:")
        return
    for number, data in enumerate(written):
        at = (*path, number)
        if not isinstance(data, dict):
            report.error(at, "bad_type", "a step must be a mapping", "- says: HELLO")
            continue
        before = report.errors
        step = validate(CaseStepKeys, data, report, at)
        if report.errors == before:
            _check_step(step, report, at)
        yield step


def _check_step(step: CaseStepKeys, report: Reporter, path: Place) -> None:
    happens = [key for key in _HAPPENS if key in step.model_fields_set]
    if len(happens) != 1:
        report.error(
            path,
            "bad_step",
            "a step is one thing that happens" if happens else "nothing happens in this step",
            "says, events, file, event, wait, enrol or fail",
        )
    if step.wait is not None and step.wait > _LONGEST_WAIT:
        report.error((*path, "wait"), "bad_value", "nobody waits longer than ten years", "3d")
