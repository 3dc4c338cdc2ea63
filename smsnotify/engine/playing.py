"""Plays the tests of `*.test.yaml` on a stage, and compares what came with what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from smsnotify.base.durations import format_duration
from smsnotify.base.errors import SmsNotifyError
from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.stage import Stage
from smsnotify.engine.stage_parts import CUSTOMER, Came, noon
from smsnotify.gates.zones import known_zone
from smsnotify.model.contact import Contact
from smsnotify.model.decision import Decision
from smsnotify.model.facts import Policy
from smsnotify.plans.book import Book
from smsnotify.plans.cases import Case, CaseStepKeys, ContactKeys, ExpectedKeys
from smsnotify.plans.engine import paths_of
from smsnotify.rules.conditions import as_text
from smsnotify.rules.patterns import MAX_VALUE, compile_pattern

Way = tuple[str, str, str]
"""A plan, a step of it, and the path that leads on."""

_PAUSE: Final = timedelta(minutes=1)


class Difference(msgspec.Struct, frozen=True):
    """One thing that was expected and is otherwise: either side may be `''` for nothing."""

    about: str
    expected: str
    got: str


class Failure(msgspec.Struct, frozen=True):
    """The step at which a test failed: where it stands, what happened, what is otherwise."""

    line: int
    step: str
    differences: tuple[Difference, ...]


class Played(msgspec.Struct, frozen=True):
    """What playing one test came to. `ways` are those that people took in plans."""

    case: Case
    failure: Failure | None
    ways: frozenset[Way]
    rules: frozenset[str]


def play(case: Case, book: Book, policy: Policy, terms: ConversationTerms) -> Played:
    """Play a test on a stage of its own.

    Raises:
        StoreError: the temporary folder cannot be written.
    """
    keys = case.keys
    number = keys.number or CUSTOMER
    stage = Stage(book, policy, terms, at=_begin(case, policy, number), number=number)
    spoken = set[str]()
    try:
        failure = _set_up(stage, case)
        for place, step in enumerate(case.steps):
            if failure is not None:
                break
            if place and step.wait is None and step.fail is None:
                stage.now += _PAUSE  # nobody answers in the same moment
            failure = _play_step(stage, step, case.lines[place], spoken)
        return Played(case, failure, frozenset(stage.ways()), frozenset(spoken))
    finally:
        stage.close()


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
    if not keys.job:
        return None
    try:
        stage.know_job(keys.job)
    except SmsNotifyError as error:
        return Failure(case.line, "the job", (Difference("the job", "", error.message),))
    return None


def _introduce(stage: Stage, number: str, known: ContactKeys) -> None:
    contact = Contact(
        name=known.name or "",
        language=known.language or "",
        time_zone=known.time_zone or "",
        tags=frozenset(known.tags),
        facets={name: value for name, value in known.facets.items() if value is not None},
    )
    stage.introduce(number, contact, opted_out=known.opted_out, marketing=known.marketing)


def _play_step(stage: Stage, step: CaseStepKeys, line: int, spoken: set[str]) -> Failure | None:
    try:
        came = _happen(stage, step)
    except SmsNotifyError as error:
        return Failure(line, told(step), (Difference("this cannot happen", "", error.message),))
    spoken |= {one.draft.terms.name for one in came.decisions}
    found = tuple(_differences(stage, step, came))
    return Failure(line, told(step), found) if found else None


def _happen(stage: Stage, step: CaseStepKeys) -> Came:
    if step.says is not None:
        return stage.says(step.says, step.sender or "")
    if step.events:
        return stage.events(step.events)
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
    if step.event is not None:
        return f"event {step.event}"
    if step.wait is not None:
        return f"wait {format_duration(step.wait)}"
    if step.enrol is not None:
        return f"enrol in {step.enrol}"
    return f"the text fails: {step.fail}"


# Comparing.


def _differences(stage: Stage, step: CaseStepKeys, came: Came) -> Iterator[Difference]:
    yield from _texts(step.expect, came.decisions)
    given = step.model_fields_set
    for name, look in _LOOKS.items():
        if name not in given:
            continue
        expected, got = getattr(step, name), look(stage, came)
        if isinstance(expected, dict) and isinstance(got, Mapping):
            for key, value in expected.items():
                if _shown(got.get(key)) != _shown(value):
                    yield Difference(f"{name}.{key}", _shown(value), _shown(got.get(key)))
        elif name == "actions":
            yield from _rows(expected, got)
        elif isinstance(expected, list):
            if [str(one) for one in expected] != [str(one) for one in got]:
                yield Difference(name, ", ".join(expected), ", ".join(map(str, got)))
        elif _shown(expected) != _shown(got):
            yield Difference(name, _shown(expected), _shown(got))


def _shown(value: object) -> str:
    return as_text(value) or ""


def _rows(
    expected: Sequence[Mapping[str, Any]], got: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    for place in range(max(len(expected), len(got))):
        wanted = expected[place] if place < len(expected) else None
        row = got[place] if place < len(got) else None
        if wanted is None or row is None:
            yield Difference("actions", str(wanted or ""), str(dict(row) if row else ""))
            continue
        for key, value in wanted.items():
            if _shown(row.get(key)) != _shown(value):
                yield Difference(f"actions.{key}", _shown(value), _shown(row.get(key)))


_LOOKS: Final[Mapping[str, Callable[[Stage, Came], Any]]] = {
    "read_as": lambda stage, came: came.read_as,
    "outcome": lambda stage, came: stage.enrolment.state if stage.enrolment else "",
    "step": lambda stage, came: stage.enrolment.step if stage.enrolment else "",
    "answers": lambda stage, came: stage.enrolment.answers if stage.enrolment else {},
    "contact": lambda stage, came: _Facts(stage.contact),
    "tags": lambda stage, came: sorted(stage.contact.tags),
    "goals": lambda stage, came: stage.goals(),
    "emits": lambda stage, came: came.emitted,
    "actions": lambda stage, came: came.actions,
    "calls": lambda stage, came: came.calls,
}


class _Facts(Mapping[str, object]):
    """What is known of a contact, by the names after `contact.`."""

    def __init__(self, contact: Contact) -> None:
        self._contact = contact

    def __getitem__(self, name: str) -> object:
        return self._contact.field(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._contact.facets)

    def __len__(self) -> int:
        return len(self._contact.facets)


def _texts(expected: Sequence[ExpectedKeys], got: Sequence[Decision]) -> Iterator[Difference]:
    """Compare whole lists, in order: what nobody expected is a difference too."""
    for place in range(max(len(expected), len(got))):
        wanted = expected[place] if place < len(expected) else None
        decision = got[place] if place < len(got) else None
        if wanted is None:
            assert decision is not None
            yield Difference("a text that nobody expected", "", described(decision))
        elif decision is None:
            yield Difference("a text that did not come", _wanted(wanted), "")
        else:
            yield from _text(wanted, decision)


def _text(wanted: ExpectedKeys, decision: Decision) -> Iterator[Difference]:
    draft = decision.draft
    plain: dict[str, str] = {
        "verdict": decision.verdict.value,
        "rule": draft.terms.name,
        "recipient": draft.recipient,
        "reason": decision.reason,
        "gate": decision.gate,
        "detail": decision.detail,
        "kind": draft.key.kind,
        "encoding": decision.encoding.value if decision.encoding else "",
        "segments": str(decision.segments),
    }
    for name, got in plain.items():
        asked = getattr(wanted, name)
        if asked is not None and asked != got:
            said = f" ({decision.reason})" if name == "verdict" and decision.reason else ""
            yield Difference(name, asked, got + said)
    if wanted.not_before is not None:
        at = decision.not_before
        if at is None or at != wanted.not_before.astimezone(UTC):
            shown = at.astimezone(wanted.not_before.tzinfo).isoformat() if at else "at once"
            yield Difference("not_before", wanted.not_before.isoformat(), shown)
    if wanted.body is not None and wanted.body != decision.body:
        yield Difference("the text", wanted.body, decision.body)
    for part in wanted.contains:
        if part not in decision.body:
            yield Difference("a part of the text", part, decision.body)
    if wanted.matches and not compile_pattern(wanted.matches).search(decision.body[:MAX_VALUE]):
        yield Difference("a pattern in the text", wanted.matches, decision.body)


def described(decision: Decision) -> str:
    """Say a decision in one line."""
    reason = f" ({decision.reason})" if decision.reason else ""
    return f"{decision.verdict.value}{reason} {decision.draft.terms.name}: {decision.body}".rstrip(
        ": "
    )


def _wanted(wanted: ExpectedKeys) -> str:
    parts = [wanted.verdict]
    if wanted.reason:
        parts.append(f"({wanted.reason})")
    if wanted.rule:
        parts.append(f"{wanted.rule}:")
    said = wanted.body or " … ".join(wanted.contains) or wanted.matches or ""
    return " ".join([*parts, said]).strip()


# Coverage.


class Covered(msgspec.Struct, frozen=True):
    """How many of a plan's ways were taken, and which were not: `step → path`."""

    plan: str
    taken: int
    ways: int
    missed: tuple[str, ...]


def coverage(book: Book, played: Sequence[Played]) -> list[Covered]:
    """Say for every plan that is on which ways the tests took."""
    taken = frozenset().union(*(one.ways for one in played))
    found = []
    for plan in book.plans.enabled:
        ways = [(step.name, path) for step in plan.steps.values() for path in paths_of(step)]
        missed = [f"{step} → {path}" for step, path in ways if (plan.name, step, path) not in taken]
        found.append(Covered(plan.name, len(ways) - len(missed), len(ways), tuple(missed)))
    return found


def rules_spoken(book: Book, played: Sequence[Played]) -> dict[str, bool]:
    """Say for every rule that is on whether it decided anything in the tests, or began a plan."""
    spoken = frozenset().union(*(one.rules for one in played))
    begun = {way[0] for one in played for way in one.ways}
    return {
        rule.terms.name: rule.terms.name in spoken or rule.terms.start_plan in begun
        for rule in book.rules.rules
    }
