"""Plans that were loaded together, and the rules beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from smsnotify.base.errors import PlanError
from smsnotify.model.job import Job, Kind
from smsnotify.model.plan import Plan
from smsnotify.rules.compile import RuleSet, job_type
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
        self.listened = _listened(self.all)
        self.events = self.listened | frozenset(self.by_event)
        self.job_fields: frozenset[str] = _fields_of(self.all)
        if self.by_event:
            self.job_fields |= {"phone_number"}  # whom an event lets in
        self.knows_old = False
        self._old_fields: dict[str, Kind] = {}
        self._job_type: type[Job] | None = None
        self._versions = {plan.version: plan for plan in self.all}

    def remember(self, contents: Iterable[tuple[str, bytes]]) -> None:
        """Hear and read what people need who are on old versions; once for a set is enough.

        `contents` are (version, content) from the books. One that cannot be used any more is
        passed over: whoever is in it learns so at the next step.
        """
        self.knows_old, self._job_type = True, None
        old = []
        for version, content in contents:
            if version in self._versions:
                continue
            from smsnotify.plans.content import unpack

            try:
                old.append(self.from_content(version, content))
                self._old_fields |= unpack(content).custom_fields
            except PlanError:
                continue
        self.events |= _listened(old)
        self.job_fields |= _fields_of(old)

    def job_type(self, rules: RuleSet) -> type[Job]:
        """Return the type that reads a job as these plans, their old versions and the rules that
        were loaded with them need it."""
        if self._job_type is None:
            made = rules.job_type
            if not self.job_fields <= set(made.__struct_fields__):
                custom = {**self._old_fields, **rules.custom_fields}
                made = job_type(rules.all, custom, self.job_fields)
            self._job_type = made
        return self._job_type

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


def _listened(plans: Iterable[Plan]) -> frozenset[str]:
    return frozenset[str]().union(*map(heard_by, plans))


def heard_by(plan: Plan) -> frozenset[str]:
    """Return every event that some step of a plan listens to."""
    steps = plan.steps.values()
    return frozenset[str]().union(*(step.listen.events for step in steps if step.listen))


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
