"""A plan as a tree in the terminal, and as JSON."""

from __future__ import annotations

from typing import Any, Final

from smsnotify.cli.show import Branch, tree
from smsnotify.model.plan import Plan, Step
from smsnotify.plans.outline import begins, does, goes, terms
from smsnotify.plans.ways import Way

_ENDS: Final = {"finished": "green", "exited": "yellow", "expired": "yellow", "failed": "red"}


def draw(plan: Plan) -> None:
    """Print a plan: its steps in the file's order, and below each where its ways lead."""
    label = f"{plan.name} (version {plan.version})"
    head = [Branch(f"begins with {begins(plan)}"), Branch(terms(plan))]
    steps = [_step(plan, step) for step in plan.steps.values()]
    tree(label, [*head, *steps])


def _step(plan: Plan, step: Step) -> Branch:
    lines = [Branch(told, "dim") for told in does(step)]
    lines += [_way(label, way) for label, way in goes(plan, step)]
    return Branch(step.name, "bold cyan", tuple(lines))


def _way(label: str, way: Way) -> Branch:
    return Branch(f"{label} → {way.target}".strip(), _ENDS.get(way.target, ""))


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the outside shape: steps with what they do, and their ways on."""
    return {
        "type": "plan",
        "name": plan.name,
        "version": plan.version,
        "enabled": plan.enabled,
        "begins": begins(plan),
        "terms": terms(plan),
        "steps": [
            {
                "name": step.name,
                "line": step.line,
                "does": list(does(step)),
                "ways": [
                    {"path": way.path, "label": label, "target": way.target, "ends": way.ends}
                    for label, way in goes(plan, step)
                ],
            }
            for step in plan.steps.values()
        ],
        "file": plan.file,
        "line": plan.line,
    }
