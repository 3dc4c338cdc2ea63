"""Plays the tests of `*.test.yaml` on a stage, and compares what came with what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from smsnotify.base.durations import format_duration
from smsnotify.base.errors import SmsNotifyError, UsageError
from smsnotify.engine.comparing import Difference, differences
from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.expecting import expectations
from smsnotify.engine.sent_before import SentBefore, note_sent
from smsnotify.engine.silencing import make_silence
from smsnotify.engine.silent import people_of
from smsnotify.engine.stage import Stage
from smsnotify.engine.stage_parts import CUSTOMER, Came, noon
from smsnotify.events.read import read_chunks
from smsnotify.gates.zones import known_zone
from smsnotify.model.contact import Contact
from smsnotify.model.decision import Decision
from smsnotify.model.facts import Policy
from smsnotify.model.silence import Silence
from smsnotify.plans.book import Book
from smsnotify.plans.case_keys import CaseStepKeys, ContactKeys, SentKeys, SilenceKeys
from smsnotify.plans.cases import Case
from smsnotify.rules.noting import Noted, NotingRules
from smsnotify.text.phone import country_of

Way = tuple[str, str, str]
"""A plan, a step of it, and the path that leads on."""

_DAY: Final = timedelta(days=1)
_PAUSE: Final = timedelta(minutes=1)


class Failure(msgspec.Struct, frozen=True):
    """The step at which a test failed: where it stands, what happened, what is otherwise.

    `cannot`: it could not happen at all.
    """

    line: int
    step: str
    differences: tuple[Difference, ...]
    cannot: bool = False


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What playing one test came to; `failure` is the first.

    `ways` are those that people took in plans, `rules` decided something, `noted` says which of
    their conditions held or not, `gates` are (rule, gate) that stopped or held a text.
    `wanted` are the keys of steps, by their place, as they must be written for the test to hold.
    """

    case: Case
    failure: Failure | None
    ways: frozenset[Way]
    rules: frozenset[str]
    noted: frozenset[Noted] = frozenset()
    gates: frozenset[tuple[str, str]] = frozenset()
    wanted: Mapping[int, Mapping[str, Any]] = {}


def play(
    case: Case, book: Book, policy: Policy, terms: ConversationTerms, *, to_end: bool = False
) -> Played:
    """Play a test on a stage of its own, up to the first step that fails.

    `to_end`: go on behind a step that came out otherwise, and say what each would have to expect.

    Raises:
        StoreError: the temporary folder cannot be written.
    """
    number = case.keys.number or CUSTOMER
    rules = NotingRules(book.rules)
    book = Book(rules, book.plans)
    stage = Stage(book, policy, terms, at=_begin(case, policy, number), number=number)
    rules.people = people_of(stage.store, stage.desk.policy, stage.now)
    decided: list[Decision] = []
    wanted: dict[int, Mapping[str, Any]] = {}
    try:
        failure = _set_up(stage, case)
        for place, step in enumerate(case.steps):
            if failure is not None and not (to_end and wanted):
                break
            if place and step.wait is None and step.fail is None:
                stage.now += _PAUSE  # nobody answers in the same moment
            try:
                came = _happen(stage, case, step)
            except SmsNotifyError as error:
                failure = _impossible(step, case.lines[place], error)
                break
            decided += came.decisions
            differing = tuple(differences(stage, step, came))
            if differing:
                failure = failure or Failure(case.lines[place], told(step), differing)
                wanted[place] = expectations(stage, step, came)
        return Played(
            case=case,
            failure=failure,
            ways=frozenset(stage.ways()),
            rules=frozenset(one.draft.terms.name for one in decided),
            noted=frozenset(rules.noted),
            gates=frozenset((one.draft.terms.name, one.gate) for one in decided if one.gate),
            wanted=wanted,
        )
    finally:
        stage.close()


def _impossible(step: CaseStepKeys, line: int, error: SmsNotifyError) -> Failure:
    what = Difference("this cannot happen", "", error.message)
    return Failure(line, told(step), (what,), cannot=True)


def _begin(case: Case, policy: Policy, number: str) -> datetime:
    at = case.keys.at
    if at is None:
        return noon(number, policy.timezone)
    return (at if at.tzinfo else at.replace(tzinfo=known_zone(policy.timezone))).astimezone(UTC)


def _set_up(stage: Stage, case: Case) -> Failure | None:
    keys = case.keys
    if keys.contact != ContactKeys():
        _introduce(stage, stage.number, keys.contact)
    for number, known in keys.contacts.items():
        _introduce(stage, number, known)
    try:
        for sent in keys.already_sent:
            note_sent(stage.desk, _sent_before(sent), stage.now)
    except UsageError as error:
        return Failure(case.line, "already_sent", (Difference("already_sent", "", error.message),))
    for silent in keys.silences:
        stage.store.add_silence(_silence(silent, stage))
    if not keys.job:
        return None
    try:
        stage.know_job(keys.job)
    except SmsNotifyError as error:
        what = Difference("the job", "", error.message)
        return Failure(case.line, "the job", (what,), cannot=True)
    return None


def _sent_before(keys: SentKeys) -> SentBefore:
    recipient = keys.recipient or ""
    return SentBefore(
        texts=keys.texts,
        rule=keys.rule or "",
        recipient=recipient,
        country=keys.country or country_of(recipient),
        money=keys.money or Decimal(),
    )


def _silence(keys: SilenceKeys, stage: Stage) -> Silence:
    """Return the silence of a test; a rule that there is not silences nothing."""
    named = [one.id for one in stage.desk.book.rules.all if one.terms.name == keys.rule]
    return make_silence(
        group=keys.group or "",
        rule=named[0] if named else keys.rule or "",
        reason="as the test says",
        author="test",
        begins=stage.now,
        lasting=keys.lasting or _DAY,
        now=stage.now,
    )


def _introduce(stage: Stage, number: str, known: ContactKeys) -> None:
    contact = Contact(
        addresses=(known.email,) if known.email else (),
        name=known.name or "",
        language=known.language or "",
        time_zone=known.time_zone or "",
        tags=frozenset(known.tags),
        facets={name: value for name, value in known.facets.items() if value is not None},
    )
    stage.introduce(number, contact, opted_out=known.opted_out, marketing=known.marketing)


def _happen(stage: Stage, case: Case, step: CaseStepKeys) -> Came:
    if step.says is not None:
        return stage.says(step.says, step.sender or "")
    if step.events:
        return stage.events(step.events)
    if step.file is not None:
        return stage.feed(read_chunks(str(Path(case.file).parent / step.file)), step.file)
    if step.event is not None:
        return stage.happens(step.event)
    if step.wait is not None:
        return stage.wait(step.wait)
    if step.enrol is not None:
        return stage.enrol(step.enrol)
    return stage.fails(step.fail or "unreachable")


def told(step: CaseStepKeys) -> str:
    """Say in words what happens in a step."""
    if step.says is not None:
        return f"customer says {step.says!r}"
    if step.events:
        return "events " + ", ".join(str(one.get("event", "?")) for one in step.events)
    if step.file is not None:
        return f"the events of {step.file}"
    if step.event is not None:
        return f"event {step.event}"
    if step.wait is not None:
        return f"wait {format_duration(step.wait)}"
    if step.enrol is not None:
        return f"enrol in {step.enrol}"
    return f"the text fails: {step.fail}"
