"""Why a rule fires on an event or does not, check by check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from smsnotify.base.errors import MissingValueError
from smsnotify.model.contact import NOBODY_KNOWN, Contact
from smsnotify.model.event import Event
from smsnotify.model.job import Job
from smsnotify.model.reading import Reading, contact_of, of_person
from smsnotify.rules.compile import CompiledRule, RuleSet, fold
from smsnotify.rules.conditions import Condition, as_text
from smsnotify.text.phone import country_of
from smsnotify.text.speaking import language_for

ANY: Final = "any"
"""What a check expects that nothing was asked of."""


class Check(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One question that a rule asks: what it expects, what the event has, and the answer.

    With `info` the check does not decide whether the rule matches: what it found shows at the
    gates (nobody to text, a value missing in the text).
    """

    name: str
    expected: str
    actual: str
    passed: bool
    info: bool = False


class RuleVerdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rule, whether it matches the event, and every check in the order it is made."""

    rule: CompiledRule
    matched: bool
    checks: tuple[Check, ...]

    def as_json(self) -> dict[str, object]:
        """The outside shape: `{"type": "verdict", "rule": …, "matched": …, "checks": […]}`."""
        return {
            "type": "verdict",
            "rule": self.rule.terms.name,
            "id": self.rule.id,
            "matched": self.matched,
            "checks": [msgspec.to_builtins(check) for check in self.checks],
        }


People = Callable[[CompiledRule, Event], Mapping[str, Contact]]
"""Whom a rule would text about an event, with what is known of each."""


def nobody_known(rule: CompiledRule, event: Event) -> Mapping[str, Contact]:
    """Say that nothing is known of anybody."""
    return {"": NOBODY_KNOWN}


def explain(event: Event, rules: RuleSet, people: People = nobody_known) -> list[RuleVerdict]:
    """Return a verdict for every rule, enabled or not, in file order.

    All checks are made, also after one has failed. The job must be of the rules' `job_type`; a
    field that it does not have counts as missing. `people` is asked for rules that read the
    recipient; what they ask of the contact must hold for one of the recipients.
    """
    return [explain_rule(event, rule, people) for rule in rules.all]


def explain_rule(event: Event, rule: CompiledRule, people: People = nobody_known) -> RuleVerdict:
    """Return the verdict of one rule."""
    readers = [
        (number, Reading(event.job, contact, "link"))  # whether there is one, the settings say
        for number, contact in (people(rule, event) if rule.terms.reads_person else {}).items()
    ]
    checks = [
        Check(
            name="enabled",
            expected="yes",
            actual="yes" if rule.enabled else "no",
            passed=rule.enabled,
        ),
        _one_of("event", sorted(rule.events), event.name, event.name in rule.events),
        Check(
            name="job_type",
            expected=ANY if rule.job_type == "job" else rule.job_type,
            actual=event.job.kind,
            passed=rule.job_type in ("job", event.job.kind),
        ),
        _folded("group", rule.groups, event.job.group_name),
    ]
    if "failed" in rule.events:
        reasons = rule.reasons if event.name == "failed" else frozenset()
        checks.append(_folded("reason", reasons, event.job.reason))
    checks += [
        Check(
            name=f"where {condition.field}",
            expected=condition.describe(),
            actual=_shown(condition.value(event.job)),
            passed=condition.test(event.job),
        )
        for condition in rule.conditions
        if not of_person(condition.field)
    ]
    asked = [condition for condition in rule.conditions if of_person(condition.field)]
    checks += [_asked_of(condition, readers) for condition in asked]
    meant = [who for _, who in readers if all(test(who) for test in rule.terms.contact_tests)]
    matched = all(check.passed for check in checks) and bool(meant or not asked)
    reading = next(iter([*meant, *(who for _, who in readers)]), Reading(event.job, NOBODY_KNOWN))
    return RuleVerdict(
        rule=rule,
        matched=matched,
        checks=(
            *checks,
            *_bounds(rule),
            _recipients(rule, event.job),
            *_language(rule, event.job, readers),
            _body(rule, reading),
        ),
    )


def _one_of(name: str, expected: list[str], actual: str, passed: bool) -> Check:
    return Check(
        name=name, expected=", ".join(expected) or ANY, actual=actual or "none", passed=passed
    )


def _folded(name: str, wanted: frozenset[str], value: object) -> Check:
    written = as_text(value) or ""
    return _one_of(name, sorted(wanted), written, not wanted or fold(written) in wanted)


def _recipients(rule: CompiledRule, job: Job) -> Check:
    """Say what stands in each recipient field; reading it as a number is the first gate's work."""
    found = [f"{field}: {_shown(getattr(job, field, None))}" for field in rule.recipient_fields]
    someone = any(_shown(getattr(job, field, None)) != "none" for field in rule.recipient_fields)
    found += [f"fixed: {number}" for number in rule.fixed]
    return Check(
        name="recipients",
        expected=", ".join((*rule.recipient_fields, *(["fixed"] if rule.fixed else []))),
        actual="; ".join(found),
        passed=someone or bool(rule.fixed),
        info=True,
    )


def _bounds(rule: CompiledRule) -> list[Check]:
    """Say what bounds the rule: whether that stops a text is the gates' word."""
    told = rule.terms.bounds.told() if rule.terms.bounds is not None else {}
    return [
        Check(name=name, expected=bound, actual=bound, passed=True, info=True)
        for name, bound in told.items()
    ]


def _language(rule: CompiledRule, job: Job, readers: Sequence[tuple[str, Reading]]) -> list[Check]:
    """Say in which language each recipient is told, and why."""
    languages = rule.terms.languages
    if languages is None:
        return []
    told = []
    for number, who in readers:
        country = country_of(number) if number.startswith("+") else ""
        chosen = language_for(languages, contact_of(who), job, country)
        told.append(": ".join(filter(None, (number, chosen.told(languages, country)))))
    offered = ", ".join(languages.offered)
    actual = "; ".join(told) or "nobody"
    return [Check(name="language", expected=offered, actual=actual, passed=True, info=True)]


def _asked_of(condition: Condition, readers: Sequence[tuple[str, Reading]]) -> Check:
    """Ask something of every recipient: it is enough that it holds for one."""
    told = [": ".join(filter(None, (one, _shown(condition.value(who))))) for one, who in readers]
    return Check(
        name=f"where {condition.name}",
        expected=condition.describe(),
        actual="; ".join(told) or "nobody",
        passed=any(condition.test(who) for _, who in readers),
    )


def _body(rule: CompiledRule, read: Reading) -> Check:
    if plan := rule.terms.start_plan:
        return Check(name="start_plan", expected=plan, actual=plan, passed=True, info=True)
    missing = ""
    try:
        rule.terms.body(read)
    except MissingValueError as error:
        missing = f"{error.field} has no value"
    return Check(
        name="body",
        expected="a value for every field",
        actual=missing or "complete",
        passed=not missing,
        info=True,
    )


def _shown(value: object) -> str:
    if isinstance(value, list):
        if any(as_text(entry) is None for entry in value):
            return f"{len(value)} entries"
        return ", ".join(_shown(entry) for entry in value) or "none"
    return as_text(value) or "none"
