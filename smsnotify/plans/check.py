"""Looks at plans as wholes: does every step lead anywhere, and who claims which words."""

from __future__ import annotations

from collections.abc import Sequence

from smsnotify.plans.build import PlacedPlan
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.scalars import did_you_mean


def check_plans(placed: Sequence[PlacedPlan], names: frozenset[str]) -> None:
    """Report what is wrong with plans that are right each by itself.

    `names` are those of all plans, also of the ones that could not be compiled.
    """
    enabled = {one.plan.name for one in placed if one.plan.enabled}
    broken = names - {one.plan.name for one in placed}
    for one in placed:
        for step in one.plan.steps.values():
            for key in ("start_plan", "move_to"):
                target: str = getattr(step, key)
                if target and target not in broken:
                    at = (*one.step(step.name), key)
                    check_start(target, enabled, names, one.report, at, is_on=one.plan.enabled)


def check_start(
    name: str,
    enabled: set[str],
    names: frozenset[str],
    report: Reporter,
    path: Path,
    *,
    is_on: bool,
) -> None:
    """Report a plan that is to be started and is not there, or is off while this is on."""
    if name not in names:
        listed = f"the plans are {', '.join(sorted(names))}" if names else "no file has a plan"
        report.error(
            path, "unknown_plan", f"there is no plan {name!r}", did_you_mean(name, names) or listed
        )
    elif is_on and name not in enabled:
        report.warn(
            path,
            "plan_is_off",
            f"the plan {name!r} is off: nobody comes into it",
            "enabled: true in the plan",
        )
