"""What a test would have to expect for its step to hold: what `--update` writes.

What a test asks stays what it asks: a value that is otherwise is replaced, a text that came
unasked gets an entry of its own, one that did not come loses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smsnotify.engine.comparing import (
    asked_looks,
    differing_text,
    differing_texts,
    differing_values,
    plain_values,
    shown,
)
from smsnotify.engine.stage import Stage
from smsnotify.engine.stage_parts import Came
from smsnotify.gates.zones import known_zone
from smsnotify.model.decision import Decision, Verdict
from smsnotify.plans.case_keys import CaseStepKeys, ExpectedKeys


def expectations(stage: Stage, step: CaseStepKeys, came: Came) -> dict[str, Any]:
    """Return the keys of a step that must be written anew, with their values; {} for none."""
    written: dict[str, Any] = {}
    if any(differing_texts(step.expect, came.decisions)):
        written["expect"] = _texts(stage, step, came)
    for name, look in asked_looks(step):
        asked, got = getattr(step, name), look(stage, came)
        if any(differing_values(name, asked, got)):
            written[name] = _value(asked, got)
    return written


def _texts(stage: Stage, step: CaseStepKeys, came: Came) -> list[Any]:
    wanted = [*step.expect, *[None] * len(came.decisions)]
    pairs = zip(wanted, came.decisions, strict=False)
    return [_text(asked, decision, stage) for asked, decision in pairs]


def _text(asked: ExpectedKeys | None, decision: Decision, stage: Stage) -> Any:
    """Return one entry of `expect`: a text alone where nothing else is asked of it."""
    if asked is None:
        entry = _whole(decision, stage)
    else:
        entry = _mended(asked, decision, any(differing_text(asked, decision)))
    return entry["body"] if entry.keys() == {"body"} else entry


def _whole(decision: Decision, stage: Stage) -> dict[str, Any]:
    """Return what is worth asking of a text that nobody expected."""
    values = plain_values(decision)
    entry: dict[str, Any] = {"rule": values["rule"]}
    if decision.draft.recipient not in ("", stage.number):
        entry["recipient"] = decision.draft.recipient
    if decision.verdict is not Verdict.SEND:
        entry |= {"verdict": values["verdict"], "reason": values["reason"]}
    if decision.not_before is not None:
        zone = known_zone(stage.desk.policy.timezone)
        entry["not_before"] = decision.not_before.astimezone(zone).isoformat()
    if decision.title:
        entry["subject"] = decision.title
    if decision.body and decision.verdict is not Verdict.STOP:
        entry["body"] = decision.body
    return entry


def _mended(asked: ExpectedKeys, decision: Decision, differs: bool) -> dict[str, Any]:
    """Return what was asked of a text, with today's values."""
    values = plain_values(decision)
    said_otherwise = {"contains", "matches"} if differs else set[str]()
    entry: dict[str, Any] = {}
    for name in asked.model_fields_set:
        if name in values:
            entry[name] = values[name]
        elif name == "not_before" and asked.not_before is not None:
            at = decision.not_before
            if at is not None:
                entry[name] = at.astimezone(asked.not_before.tzinfo).isoformat()
        elif name == "body" or (name in said_otherwise and not _holds(asked, name, decision)):
            entry["body"] = decision.body
        else:
            entry[name] = getattr(asked, name)
    if decision.verdict.value != asked.verdict:
        entry |= {"verdict": values["verdict"], "reason": values["reason"]}
    if entry.get("verdict") == Verdict.SEND.value:
        del entry["verdict"]  # the default
    order = [name for name in ExpectedKeys.model_fields if entry.get(name) not in (None, "", [])]
    return {name: entry[name] for name in order} or {"rule": values["rule"]}


def _holds(asked: ExpectedKeys, name: str, decision: Decision) -> bool:
    only: dict[str, Any] = {"verdict": decision.verdict.value, name: getattr(asked, name)}
    alone = ExpectedKeys.model_construct(**only)
    return not any(differing_text(alone, decision))


def _value(asked: Any, got: Any) -> Any:
    if isinstance(asked, dict):
        return {key: shown(got.get(key)) or None for key in asked}
    if isinstance(asked, list):
        return [
            _row(asked[place] if place < len(asked) else {}, one) for place, one in enumerate(got)
        ]
    return shown(got)


def _row(asked: Any, got: Any) -> Any:
    """Return a line for the firm's own system by the keys that were asked; a word as it is."""
    if not isinstance(got, Mapping):
        return str(got)
    return {key: shown(value) for key, value in got.items() if not asked or key in asked}
