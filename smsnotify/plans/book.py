"""Plans that were loaded together, and the rules beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from smsnotify.base.errors import PlanError
from smsnotify.model.plan import Plan
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.scalars import did_you_mean

_REMEMBERED: Final = 256
"""How many old versions are kept compiled."""


class PlanSet:
    """All plans that were loaded together, in the order of their files.

    `all` has every one. `enabled` are those that people can come into, `by_name` the same by
    name, `with_keywords` those among them that a text can begin, `any_text` the one that takes
    what nothing else knows. `events` are all events that a plan begins with or waits for,
    `job_fields` what must be known of a job that a plan is about, besides what every job has.
    """

    def __init__(self, plans: Sequence[Plan] = ()) -> None:
        """Index the plans."""
        self.all: tuple[Plan, ...] = tuple(plans)
        self.enabled = tuple(plan for plan in self.all if plan.enabled)
        self.by_name = {plan.name: plan for plan in self.enabled}
        self.with_keywords = tuple(plan for plan in self.enabled if plan.entry.keywords)
        self.any_text = next((plan for plan in self.enabled if plan.entry.any_text), None)
        self.by_event = _by_event(self.enabled)
        self.listened = frozenset(
            event
            for plan in self.all
            for step in plan.steps.values()
            if step.listen is not None
            for event in step.listen.events
        )
        self.events = self.listened | frozenset(self.by_event)
        self.job_fields: frozenset[str] = _fields_of(self.all)
        if self.by_event:
            self.job_fields |= {"phone_number"}  # whom an event lets in
        self._versions = {plan.version: plan for plan in self.all}

    def __bool__(self) -> bool:
        """True when there is any plan."""
        return bool(self.all)

    def named(self, name: str) -> Plan:
        """Return a plan by its name, one that is off too.

        Raises:
            PlanError: there is none of that name.
        """
        found = next((plan for plan in self.all if plan.name == name), None)
        if found is None:
            names = [plan.name for plan in self.all]
            listed = f"the plans are {', '.join(names)}" if names else "there are no plans"
            raise PlanError(f"there is no plan {name!r}", hint=did_you_mean(name, names) or listed)
        return found

    def of_version(self, version: str) -> Plan | None:
        """Return a version that is compiled already, None for one that is not."""
        return self._versions.get(version)

    def from_content(self, version: str, content: bytes) -> Plan:
        """Return the plan of a stored version, compiled once.

        Raises:
            PlanError: the content is damaged, or this program cannot use it any more.
        """
        known = self._versions.get(version)
        if known is None:
            if len(self._versions) >= _REMEMBERED:
                self._versions = {plan.version: plan for plan in self.all}
            from smsnotify.plans.build import plan_of_content

            known = self._versions[version] = plan_of_content(version, content)
        return known


def _fields_of(plans: Sequence[Plan]) -> frozenset[str]:
    if not plans:
        return frozenset()  # and what compiles plans is not loaded
    from smsnotify.plans.build import job_fields

    return frozenset().union(*map(job_fields, plans))


def _by_event(plans: Iterable[Plan]) -> dict[str, tuple[Plan, ...]]:
    found: dict[str, tuple[Plan, ...]] = {}
    for plan in plans:
        for event in plan.entry.events:
            found[event] = (*found.get(event, ()), plan)
    return found


class Book(msgspec.Struct, frozen=True):
    """Everything that rule files say: their rules and their plans."""

    rules: RuleSet
    plans: PlanSet
