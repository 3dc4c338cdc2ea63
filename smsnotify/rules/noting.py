"""Rules that note which of their conditions an event met and which not: the coverage of tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smsnotify.model.event import Event
from smsnotify.model.job import Job
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.rules.explain import ANY, Check, People, explain_rule, nobody_known

Noted = tuple[str, str, bool]
"""A rule's name, one of its conditions, and whether that held."""


class NotingRules(RuleSet):
    """A rule set that decides as the one it was made from, and remembers how."""

    def __init__(self, rules: RuleSet, people: People = nobody_known) -> None:
        """Note for these rules; `people` finds a rule's recipients and what is known of them."""
        self.__dict__.update(rules.__dict__)
        self.noted: set[Noted] = set()
        self.people = people

    def matching(self, event: str, job: Job) -> Sequence[CompiledRule]:
        """Return the enabled rules that an event of a job meets."""
        self._note(event, job)
        return super().matching(event, job)

    def wanted(self, events: Iterable[Event]) -> list[tuple[Event, list[CompiledRule]]]:
        """Return the events that enabled rules meet, in order, each with these rules."""
        heard = list(events)
        for event in heard:
            self._note(event.name, event.job)
        return super().wanted(heard)

    def listening(self, event: str, job: Job) -> tuple[CompiledRule, ...]:
        """Return the enabled rules for an event of a job."""
        self._note(event, job)
        return super().listening(event, job)

    def _note(self, event: str, job: Job) -> None:
        for rule in self.rules:
            if event in rule.events:
                verdict = explain_rule(Event(event, job, ""), rule, self.people)
                asked = conditions_of(rule)
                self.noted.update(
                    (rule.terms.name, _label(check), check.passed)
                    for check in verdict.checks
                    if _label(check) in asked and check.expected != ANY
                )


def _label(check: Check) -> str:
    return f"{check.name} {check.expected}" if check.name.startswith("where ") else check.name


def conditions_of(rule: CompiledRule) -> tuple[str, ...]:
    """Return what a rule asks beyond its events: `job_type`, `group`, `reason`, `where …`."""
    asked = {"job_type": rule.job_type != "job", "group": rule.groups, "reason": rule.reasons}
    where = dict.fromkeys(f"where {each.name} {each.describe()}" for each in rule.conditions)
    return (*(name for name, is_asked in asked.items() if is_asked), *where)
