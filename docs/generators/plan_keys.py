"""Every key of a plan: from the schema, with examples from `rules.example.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from generators.rule_keys import braces_shown, example_file, flow
from generators.tables import code, table
from smsnotify.plans.schema import (
    REQUIRED,
    ChoiceKeys,
    DelayKeys,
    EnterKeys,
    ListenKeys,
    OtherKeys,
    PlanKeys,
    StepKeys,
    WaitKeys,
)

_WORDS: Final = "`first_word`, `only_word`, `number`, `regex`"
_OUTCOMES: Final = "`finished`, `exited`, `expired`, `failed`"
_TARGET: Final = "a step, or an end"

_TAKES: Final[Mapping[str, str]] = {
    "enabled": "`true` or `false`",
    "enter": "[ways in](#enter)",
    "purpose": "`service`, `marketing`",
    "re_enter": "`never`, `after_exit`, `always`",
    "max_life": "duration",
    "encoding": "`auto`, `gsm7`, `ucs2`",
    "max_segments": "1 to 10",
    "quiet_hours": "[quiet hours](rules.md#quiet_hours), or `none`",
    "marketing_hours": "`{from: HH:MM, to: HH:MM}`",
    "expires": "duration",
    "max_steps": "1 to 100,000",
    "max_burst": "1 to 1,000",
    "steps": "list of [steps](#a-step)",
    "keywords": "a text, or a list",
    "match": _WORDS,
    "any_text": "`true` or `false`",
    "events": "an event, or a list of them",
    "where": "[conditions](rules.md#operators)",
    "if": "[conditions](rules.md#operators)",
    "set": "values by facet",
    "tag": "a text, or a list",
    "value": "number",
    "action": "texts by name",
    "wait": "[wait](#wait)",
    "listen": "[listen](#listen)",
    "delay": "[delay](#delay)",
    "channel": "`sms`, `email`",
    "decide": "list of [lines](#decide)",
    "end": _OUTCOMES,
    "for": "duration",
    "until": "`HH:MM`",
    "replies": "steps by answer",
    "other": "a step, or [other](#other)",
    "no_reply": _TARGET,
    "not_delivered": _TARGET,
    "then": _TARGET,
    "else": _TARGET,
    "times": "1 to 20",
}
_WITHOUT: Final[Mapping[tuple[type[BaseModel], str], str]] = {
    (PlanKeys, "enabled"): code("true"),
    (PlanKeys, "enter"): "nobody comes in by a text or an event",
    (PlanKeys, "max_life"): code("30d"),
    **{
        (PlanKeys, key): "as in `defaults`"
        for key in ("encoding", "max_segments", "quiet_hours", "marketing_hours", "expires")
    },
    (EnterKeys, "any_text"): code("false"),
    (EnterKeys, "where"): "no condition",
    (StepKeys, "route"): "the plan's",
    (StepKeys, "then"): "the next step, `finished` after the last",
    (WaitKeys, "other"): "the inbox",
    (ListenKeys, "then"): "the next step",
}
_NEEDED: Final[Mapping[type[BaseModel], tuple[str, ...]]] = {
    PlanKeys: REQUIRED,
    WaitKeys: ("for",),
    ListenKeys: ("events", "for"),
}


def _keys(model: type[BaseModel], examples: Mapping[str, Any]) -> str:
    rows = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        default = code(field.default) if isinstance(field.default, str | int) else ""
        without = _WITHOUT.get((model, key), default)
        rows.append(
            (
                code(key),
                _TAKES.get(key, "text"),
                braces_shown(field.description or ""),
                "needed" if key in _NEEDED.get(model, ()) else without,
                code(f"{key}: {flow(examples[key])}") if key in examples else "",
            )
        )
    return table(("key", "takes", "meaning", "without it", "example"), rows)


def _plans() -> list[dict[str, Any]]:
    plans: list[dict[str, Any]] = example_file()["plans"]
    return plans


def _steps() -> Iterator[dict[str, Any]]:
    for plan in _plans():
        for step in plan["steps"]:
            yield from step.values()


def _first(parts: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return for every key the first value that the example gives it."""
    found: dict[str, Any] = {}
    for part in parts:
        found = {**part, **found}
    return found


def _under(key: str) -> dict[str, Any]:
    return _first(step[key] for step in _steps() if isinstance(step.get(key), dict))


def _others() -> dict[str, Any]:
    waits = (step["wait"] for step in _steps() if "wait" in step)
    return _first(wait["other"] for wait in waits if isinstance(wait.get("other"), dict))


PARTS: Final[dict[str, Callable[[], str]]] = {
    "plan keys": lambda: _keys(PlanKeys, _first(iter(_plans()))),
    "plan enter": lambda: _keys(EnterKeys, _first(p["enter"] for p in _plans() if "enter" in p)),
    "plan step": lambda: _keys(StepKeys, _first(_steps())),
    "plan wait": lambda: _keys(WaitKeys, _under("wait")),
    "plan other": lambda: _keys(OtherKeys, _others()),
    "plan listen": lambda: _keys(ListenKeys, _under("listen")),
    "plan delay": lambda: _keys(DelayKeys, _under("delay")),
    "plan decide": lambda: _keys(
        ChoiceKeys, _first(line for step in _steps() for line in step.get("decide", ()))
    ),
}
"""Every table of the page about plans."""
