"""Rules ready to run, and the index that finds the few that an event can meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, cast

import msgspec

from smsnotify.model.event import Event
from smsnotify.model.job import (
    CORE_FIELDS,
    JOB_FIELDS,
    PHONE_FIELDS,
    REPLY_FIELDS,
    Job,
    Kind,
    Scalar,
)
from smsnotify.model.reading import of_person
from smsnotify.model.rule import EMAIL, RuleTerms
from smsnotify.rules.conditions import Condition, Test, as_text

_REMEMBERED: Final = 4096
"""How many (event, kind, group) triples are kept as written; strangers' groups must not pile up."""


def fold(written: str) -> str:
    """Return a group or reason as it is compared: trimmed, without letter case."""
    return written.strip().casefold()


class CompiledRule:
    """One rule: what it listens to, whom it texts, and its terms for judging and sending.

    `groups` and `reasons` are folded for comparing; empty means every one. `job_type` is
    `job` (both), `delivery` or `collection`.
    """

    __slots__ = (
        "conditions",
        "enabled",
        "events",
        "file",
        "fixed",
        "groups",
        "job_type",
        "line",
        "mail",
        "mail_instead",
        "reasons",
        "recipient_fields",
        "sole_field",
        "source",
        "template_fields",
        "terms",
        "tests",
    )

    def __init__(
        self,
        terms: RuleTerms,
        *,
        enabled: bool = True,
        events: Iterable[str] = (),
        job_type: str = "job",
        groups: Iterable[str] = (),
        reasons: Iterable[str] = (),
        conditions: Sequence[Condition] = (),
        recipient_fields: Sequence[str] = (),
        fixed: Sequence[str] = (),
        template_fields: frozenset[str] = frozenset(),
        source: str = "",
        file: str = "",
        line: int = 0,
        mail: CompiledRule | None = None,
        mail_instead: bool = False,
    ) -> None:
        """Put one together; `fixed` are E.164, `source` is the body as it was written.

        `mail` is the other half of a rule that sends both texts and mails; `mail_instead`: only
        where no text can go. Of a rule that only mails, `fixed` are email addresses.
        """
        self.terms = terms
        self.enabled = enabled
        self.events = frozenset(events)
        self.job_type = job_type
        self.groups = frozenset(map(fold, groups))
        self.reasons = frozenset(map(fold, reasons))
        self.conditions = tuple(conditions)
        self.recipient_fields = tuple(recipient_fields)
        self.fixed = tuple(fixed)
        # The one field that says whom to text, as in most rules; `''` where there is more to it.
        sole = len(recipient_fields) == 1 and not fixed and mail is None and terms.channel != EMAIL
        self.sole_field = recipient_fields[0] if sole else ""
        self.template_fields = template_fields
        self.source = source
        self.file = file
        self.line = line
        self.mail = mail
        self.mail_instead = mail_instead
        # What is asked of the recipient stands in the terms: judging knows who that is.
        self.tests: tuple[Test, ...] = tuple(
            each.test for each in self.conditions if not of_person(each.field)
        )
        if self.reasons:
            self.tests = (_reason_test(self.reasons), *self.tests)

    def matches(self, job: Job) -> bool:
        """Tell whether the job meets reasons and conditions; the index did the rest.

        Reasons are about the event `failed`: `RuleSet.candidates` gives the rule without them
        for any other event that it listens to.
        """
        for test in self.tests:  # noqa: SIM110 - a generator in all() costs five times as much
            if not test(job):
                return False
        return True

    @property
    def id(self) -> str:
        """What the rule's message keys are made of."""
        return self.terms.id

    @property
    def fields(self) -> frozenset[str]:
        """Every job field that the rule reads."""
        asked = {each.field for each in self.conditions}
        every = self.template_fields | asked | set(self.recipient_fields)
        if self.terms.languages is not None and self.terms.languages.field:
            every |= {self.terms.languages.field}
        if self.mail is not None:
            every |= self.mail.fields
        return frozenset(field for field in every if not of_person(field))

    def without_reasons(self) -> CompiledRule:
        """Return the rule as it stands for an event that is no failure."""
        return CompiledRule(
            self.terms,
            enabled=self.enabled,
            events=self.events,
            job_type=self.job_type,
            groups=self.groups,
            conditions=self.conditions,
            recipient_fields=self.recipient_fields,
            fixed=self.fixed,
            template_fields=self.template_fields,
            source=self.source,
            file=self.file,
            line=self.line,
            mail=self.mail,
            mail_instead=self.mail_instead,
        )


def _reason_test(reasons: frozenset[str]) -> Test:
    def test(job: Job) -> bool:
        written = as_text(job.reason)
        return written is not None and fold(written) in reasons

    return test


class RuleSet:
    """All rules that were loaded together. `rules` are the enabled ones, `all` has every one.

    `asks` are the events of a job that some rule's gates look back at.
    """

    def __init__(
        self,
        rules: Sequence[CompiledRule] = (),
        *,
        custom_fields: Mapping[str, Kind] = MappingProxyType({}),
        custom_events: Iterable[str] = (),
        files: Sequence[str] = (),
        plan_fields: frozenset[str] = frozenset(),
        language_fields: Sequence[str] = (),
    ) -> None:
        """Index the rules; their order is the order of the files.

        `plan_fields` are job fields that a decoder must keep although no rule reads them;
        `language_fields` those that name a reader's language, by the rules or their `defaults`.
        """
        self.all: tuple[CompiledRule, ...] = tuple(rules)
        self.rules = tuple(rule for rule in self.all if rule.enabled)
        self.by_id: Mapping[str, CompiledRule] = {rule.id: rule for rule in self.all}
        self.pre_job = tuple(rule for rule in self.rules if rule.terms.pre_job is not None)
        self.custom_fields: Mapping[str, Kind] = dict(custom_fields)
        self.custom_events = frozenset(custom_events)
        self.files = tuple(files)
        self.routes = frozenset(rule.terms.route for rule in self.rules)
        bounds = [rule.terms.bounds for rule in self.rules if rule.terms.bounds is not None]
        self.asks = frozenset(event for one in bounds for event in one.asks)
        spoken = [rule.terms.languages for rule in self.all if rule.terms.languages is not None]
        named = [*language_fields, *(one.field for one in spoken)]
        self.language_fields = tuple(dict.fromkeys(filter(None, named)))
        self.job_type = job_type(self.all, self.custom_fields, plan_fields)
        self._by_event = _by_event(self.rules)
        self._groups = frozenset(group for rule in self.rules for group in rule.groups)
        self._narrowed: dict[tuple[str, str, str], tuple[CompiledRule, ...]] = {}
        self._listening: dict[tuple[str, Scalar, Scalar], tuple[CompiledRule, ...]] = {}
        self._seen: dict[tuple[str, str, str], tuple[CompiledRule, ...]] = {}

    def candidates(self, event: str, kind: str, group: str) -> tuple[CompiledRule, ...]:
        """Return the enabled rules for an event, a job's kind and its group, in file order.

        `kind` is `delivery` or `collection`; `group` is `group_name` as the job has it.
        """
        found = self._seen.get((event, kind, group))
        return self._look_up(event, kind, group) if found is None else found

    def listening(self, event: str, job: Job) -> tuple[CompiledRule, ...]:
        """Return the enabled rules for an event of a job; asked once for jobs that look alike."""
        key = (event, job.type, job.group_name)
        found = self._listening.get(key)
        if found is None:
            found = self.candidates(event, job.kind, str(job.group_name or ""))
            if len(self._listening) >= _REMEMBERED:
                self._listening.clear()
            self._listening[key] = found
        return found

    def matching(self, event: str, job: Job) -> Sequence[CompiledRule]:
        """Return the enabled rules that an event of a job meets: `listening`, then `matches`."""
        for _, matched in self.wanted((Event(event, job),)):
            return matched
        return ()

    def wanted(self, events: Iterable[Event]) -> list[tuple[Event, list[CompiledRule]]]:
        """Return the events that enabled rules meet, in order, each with these rules."""
        listening, found = self._listening, []
        for event in events:
            job = event.job
            candidates = listening.get((event.name, job.type, job.group_name))
            if candidates is None:
                candidates = self.listening(event.name, job)
            if not candidates:
                continue
            matched = []
            for rule in candidates:
                for test in rule.tests:  # `matches`, without a call for each rule
                    if not test(job):
                        break
                else:
                    matched.append(rule)
            if matched:
                found.append((event, matched))
        return found

    def _look_up(self, event: str, kind: str, group: str) -> tuple[CompiledRule, ...]:
        folded = fold(group)
        if folded not in self._groups:
            folded = ""
        key = (event, kind, folded)
        found = self._narrowed.get(key)
        if found is None:
            found = tuple(
                rule
                for rule in self._by_event.get((event, kind), ())
                if not rule.groups or folded in rule.groups
            )
            if found:
                self._narrowed[key] = found
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[event, kind, group] = found
        return found


def _by_event(rules: Sequence[CompiledRule]) -> dict[tuple[str, str], list[CompiledRule]]:
    index: dict[tuple[str, str], list[CompiledRule]] = {}
    for rule in rules:
        plain = rule.without_reasons() if rule.reasons else rule
        kinds = ("delivery", "collection") if rule.job_type == "job" else (rule.job_type,)
        for event in rule.events:
            for kind in kinds:
                index.setdefault((event, kind), []).append(rule if event == "failed" else plain)
    return index


def job_type(
    rules: Iterable[CompiledRule],
    custom_fields: Mapping[str, Kind],
    also: frozenset[str] = frozenset(),
) -> type[Job]:
    """Make the type that a decoder reads jobs into: the core fields, those that rules use, and
    what plans read besides."""
    used = set(also)
    phones: set[str] = set()
    for rule in rules:
        used |= rule.fields
        phones.update(rule.recipient_fields)
        if rule.mail is not None:
            phones.update(rule.mail.recipient_fields)
    extra = sorted(used - set(CORE_FIELDS))
    if not extra:
        return Job
    made = msgspec.defstruct(
        "RuleJob",
        [(name, _field_type(name, phones, custom_fields), None) for name in extra],
        bases=(Job,),
        frozen=True,
        kw_only=True,
        gc=False,
    )
    return cast("type[Job]", made)


def _field_type(name: str, phones: set[str], custom_fields: Mapping[str, Kind]) -> Any:
    if name == "items":
        return list[dict[str, Any]] | None
    if name in phones or name in PHONE_FIELDS or custom_fields.get(name) == "list":
        return Scalar | list[Scalar]
    if name in JOB_FIELDS or name in REPLY_FIELDS or name in custom_fields:
        return Scalar
    raise ValueError(f"{name!r} is no field of a job")
