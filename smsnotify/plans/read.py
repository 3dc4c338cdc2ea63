"""Reads the shape of the plans of a file: which keys stand where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from smsnotify.model.plan import ENDS
from smsnotify.plans.schema import HINTS, REQUIRED, PlanHeadKeys, StepKeys
from smsnotify.rules.files import RuleFile
from smsnotify.rules.problems import Path, Reporter, validate
from smsnotify.rules.schema import DefaultsKeys
from smsnotify.rules.yaml_nodes import MapNode, plain

STEP_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_FROM_DEFAULTS: Final = (
    *("encoding", "max_segments", "quiet_hours", "marketing_hours", "expires"),
    *("language", "language_field"),
)
"""Keys that a plan takes from the `defaults` of its file; a route is not among them."""


class StepDraft(msgspec.Struct, frozen=True):
    """One step as it is written; `path` is where its keys stand."""

    name: str
    path: Path
    keys: StepKeys


class PlanDraft(msgspec.Struct, frozen=True):
    """One plan as it is written. `written` is its plain data with the file's defaults in it;
    `sound` is False when its shape is wrong somewhere."""

    report: Reporter
    path: Path
    keys: PlanHeadKeys
    steps: tuple[StepDraft, ...]
    written: Mapping[str, Any]
    sound: bool


def read_plans(file: RuleFile) -> Iterator[PlanDraft]:
    """Yield the plans of a file; what is wrong with their shape goes to its report."""
    root, report = file.report.root, file.report
    if not isinstance(root, MapNode) or "plans" not in root.values:
        return
    written = plain(root.values["plans"])
    if not written:
        report.error(("plans",), "no_plans", "the file has no plans", "take plans out, or add one")
        return
    if not isinstance(written, list):
        report.error(("plans",), "bad_type", "plans must be a list", "begin each plan with - name:")
        return
    defaults = _written_defaults(root, file.head.defaults)
    for index, data in enumerate(written):
        path: Path = ("plans", index)
        if isinstance(data, dict):
            yield read_plan(data, defaults, report, path)
        else:
            report.error(path, "bad_type", "a plan must be a mapping", "- name: quote")


def _written_defaults(root: MapNode, valid: DefaultsKeys) -> dict[str, Any]:
    """Return the defaults that plans take over, as they are written; wrong ones are left out."""
    node = root.values.get("defaults")
    written = plain(node) if isinstance(node, MapNode) else {}
    return {
        key: written[key]
        for key in _FROM_DEFAULTS
        if key in written and key in valid.model_fields_set
    }


def read_plan(
    data: dict[str, Any], defaults: Mapping[str, Any], report: Reporter, path: Path
) -> PlanDraft:
    """Read one plan's shape from its plain data."""
    whole, before = {**defaults, **data}, report.errors
    if data.get("purpose") != "marketing" and "marketing_hours" not in data:
        whole.pop("marketing_hours", None)
    head = {key: value for key, value in whole.items() if key != "steps"}
    keys = validate(PlanHeadKeys, _copied(head), report, path, HINTS)
    name = f"plan {keys.name!r}" if keys.name else "the plan"
    for key in REQUIRED:
        if key not in data:
            hint = "steps: [ask: {send: …}]" if key == "steps" else ""
            report.error(path, "missing_key", f"{name} needs the key {key!r}", hint)
    steps = (
        tuple(_read_steps(data.get("steps"), report, (*path, "steps"))) if "steps" in data else ()
    )
    return PlanDraft(report, path, keys, steps, whole, report.errors == before)


def _read_steps(written: object, report: Reporter, path: Path) -> Iterator[StepDraft]:
    if not written:
        report.error(path, "missing_key", "the plan has no steps", "steps: [ask: {send: …}]")
        return
    if not isinstance(written, list):
        report.error(path, "bad_type", "steps must be a list", "begin each step with - name:")
        return
    seen: dict[str, int] = {}
    for index, data in enumerate(written):
        at = (*path, index)
        name = _step_name(data, report, at)
        if name is None:
            continue
        if name in seen:
            line = report.place((*path, seen[name], name))[0]
            report.error(
                (*at, name),
                "duplicate_step",
                f"the step {name!r} is here twice; it stands on line {line} already",
                "give one of them another name",
                key=True,
            )
            continue
        seen[name] = index
        keys = validate(StepKeys, _copied(data[name]), report, (*at, name), HINTS)
        yield StepDraft(name, (*at, name), keys)


def _step_name(data: object, report: Reporter, path: Path) -> str | None:
    if not isinstance(data, dict) or len(data) != 1:
        hint = "- ask: {send: …}"
        if isinstance(data, dict) and next(iter(data.values()), "") is None:
            hint = "indent the keys of the step further than its name"
        report.error(path, "bad_type", "a step is one name with its keys below it", hint)
        return None
    name: str = next(iter(data))
    if name in ENDS:
        report.error(
            (*path, name),
            "bad_name",
            f"{name!r} ends a plan and cannot name a step",
            "choose another name",
            key=True,
        )
        return None
    if not STEP_NAME.fullmatch(name):
        report.error(
            (*path, name),
            "bad_name",
            f"{name!r} cannot name a step",
            "lower-case letters, digits and _, beginning with a letter",
            key=True,
        )
        return None
    if not isinstance(data[name], dict):
        report.error(
            (*path, name),
            "bad_type",
            f"the step {name!r} has no keys",
            "say what it does: send, wait, goal, end …",
            key=True,
        )
        return None
    return name


def _copied(data: Any) -> Any:
    """Return a copy that a validation may take apart."""
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(value) for value in data] if isinstance(data, list) else data
