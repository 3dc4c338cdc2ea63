"""What a test expected of a step beside what came of it: every difference, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

import msgspec

from smsnotify.engine.stage import Stage
from smsnotify.engine.stage_parts import Came
from smsnotify.model.contact import Contact
from smsnotify.model.decision import Decision
from smsnotify.plans.case_keys import CaseStepKeys, ExpectedKeys
from smsnotify.rules.conditions import as_text
from smsnotify.rules.patterns import MAX_VALUE, compile_pattern


class Difference(msgspec.Struct, frozen=True):
    """One thing that was expected and is otherwise: either side may be `''` for nothing."""

    about: str
    expected: str
    got: str


def differences(stage: Stage, step: CaseStepKeys, came: Came) -> Iterator[Difference]:
    """Yield what is otherwise than a step expects, its texts first."""
    yield from differing_texts(step.expect, came.decisions)
    for name, look in asked_looks(step):
        yield from differing_values(name, getattr(step, name), look(stage, came))


def asked_looks(step: CaseStepKeys) -> Iterator[tuple[str, Look]]:
    """Yield the keys beside `expect` that a step asks for, each with what looks it up."""
    given = step.model_fields_set
    return ((name, look) for name, look in _LOOKS.items() if name in given)


def differing_values(name: str, expected: Any, got: Any) -> Iterator[Difference]:
    """Yield how the value of one key of a step differs."""
    if isinstance(expected, dict) and isinstance(got, Mapping):
        for key, value in expected.items():
            if shown(got.get(key)) != shown(value):
                yield Difference(f"{name}.{key}", shown(value), shown(got.get(key)))
    elif name == "actions":
        yield from _rows(expected, got)
    elif isinstance(expected, list):
        if [str(one) for one in expected] != [str(one) for one in got]:
            yield Difference(name, ", ".join(expected), ", ".join(map(str, got)))
    elif shown(expected) != shown(got):
        yield Difference(name, shown(expected), shown(got))


def shown(value: object) -> str:
    """Return a value as it is compared: the text that stands for it, `''` for none."""
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
            if shown(row.get(key)) != shown(value):
                yield Difference(f"actions.{key}", shown(value), shown(row.get(key)))


Look = Callable[[Stage, Came], Any]
"""Looks up what a key of a step is about."""

_LOOKS: Final[Mapping[str, Look]] = {
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


def differing_texts(
    expected: Sequence[ExpectedKeys], got: Sequence[Decision]
) -> Iterator[Difference]:
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
            yield from differing_text(wanted, decision)


def differing_text(wanted: ExpectedKeys, decision: Decision) -> Iterator[Difference]:
    """Yield how one text differs from the one that was expected in its place."""
    for name, got in plain_values(decision).items():
        asked = getattr(wanted, name)
        if asked is not None and asked != got:
            said = f" ({decision.reason})" if name == "verdict" and decision.reason else ""
            yield Difference(name, asked, got + said)
    if wanted.not_before is not None:
        at = decision.not_before
        if at is None or at != wanted.not_before.astimezone(UTC):
            told = at.astimezone(wanted.not_before.tzinfo).isoformat() if at else "at once"
            yield Difference("not_before", wanted.not_before.isoformat(), told)
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


def plain_values(decision: Decision) -> dict[str, str]:
    """Return what a test may ask of a decision word for word, by the keys of `expect`."""
    draft = decision.draft
    return {
        "verdict": decision.verdict.value,
        "rule": draft.terms.name,
        "recipient": draft.recipient,
        "reason": decision.reason,
        "gate": decision.gate,
        "detail": decision.detail,
        "kind": draft.key.kind,
        "channel": draft.key.channel,
        "subject": decision.title,
        "encoding": decision.encoding.value if decision.encoding else "",
        "segments": str(decision.segments),
        "language": decision.language,
    }
