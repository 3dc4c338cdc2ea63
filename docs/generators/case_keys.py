"""Tables of the keys of `*.test.yaml`, from the models that read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import BaseModel

from generators.tables import code, table
from smsnotify.plans.case_keys import (
    CaseKeys,
    CaseStepKeys,
    ContactKeys,
    ExpectedKeys,
    SentKeys,
    SilenceKeys,
)


def _keys(model: type[BaseModel], examples: Mapping[str, str]) -> str:
    rows = [
        (code(field.alias or name), field.description or "", code(examples[field.alias or name]))
        for name, field in model.model_fields.items()
    ]
    return table(("key", "meaning", "example"), rows)


def case_keys() -> str:
    """Return the keys of one test."""
    return _keys(
        CaseKeys,
        {
            "name": "name: from HELLO to a sale",
            "at": "at: 2026-03-02T22:10:00+08:00",
            "number": 'number: "+6591230001"',
            "contact": "contact: {name: Ann Tan, tier: gold}",
            "contacts": 'contacts: {"+6591230000": {opted_out: true}}',
            "job": "job: {do_number: DO-7}",
            "already_sent": 'already_sent: [{recipient: "+6591230000", texts: 5}]',
            "silences": "silences: [{group: ACME, for: 3h}]",
        },
    )


def sent_keys() -> str:
    """Return the keys of what was sent before a test."""
    return _keys(
        SentKeys,
        {
            "texts": "texts: 5",
            "recipient": 'recipient: "+6591230000"',
            "rule": "rule: delivered",
            "country": "country: US",
            "money": "money: 12.50",
        },
    )


def silence_keys() -> str:
    """Return the keys of what is silent in a test."""
    examples = {"group": "group: ACME", "rule": "rule: delayed", "for": "for: 3h"}
    return _keys(SilenceKeys, examples)


def contact_keys() -> str:
    """Return the keys of somebody who is known."""
    return _keys(
        ContactKeys,
        {
            "name": "name: Ann Tan",
            "email": "email: ann@example.com",
            "language": "language: en",
            "time_zone": "time_zone: Asia/Singapore",
            "tags": "tags: [regular]",
            "opted_out": "opted_out: true",
            "marketing": "marketing: true",
            "facets": "tier: gold",
        },
    )


def step_keys() -> str:
    """Return the keys of one step."""
    return _keys(
        CaseStepKeys,
        {
            "says": "says: QUOTE please",
            "sender": 'sender: "+6591230002"',
            "events": "events: [{event: completed, job: {do_number: DO-7}}]",
            "file": "file: events.jsonl",
            "event": "event: completed",
            "wait": "wait: 3d",
            "enrol": "enrol: quote",
            "fail": "fail: unreachable",
            "expect": "expect: {contains: Thank you}",
            "read_as": "read_as: unmatched",
            "outcome": "outcome: finished",
            "step": "step: offer",
            "answers": "answers: {ask: QUOTE please}",
            "contact": "contact: {tier: customer}",
            "tags": "tags: [regular]",
            "goals": "goals: {sale: 10}",
            "emits": "emits: [rescheduled]",
            "actions": "actions: [{do: redeliver}]",
            "calls": 'calls: ["https://erp.example.com/hook"]',
        },
    )


def expected_keys() -> str:
    """Return the keys of one expected text."""
    return _keys(
        ExpectedKeys,
        {
            "verdict": "verdict: hold",
            "body": "body: Thank you!",
            "contains": "contains: [QUOTE, 10 %]",
            "matches": "matches: ^Hi",
            "rule": "rule: delivered",
            "recipient": 'recipient: "+6591230001"',
            "reason": "reason: quiet_hours",
            "gate": "gate: quiet_hours",
            "detail": "detail: do_number has no value",
            "kind": "kind: plan",
            "channel": "channel: email",
            "subject": "subject: Order DO-7 delivered",
            "encoding": "encoding: GSM7",
            "segments": "segments: 1",
            "language": "language: zh",
            "not_before": "not_before: 2026-03-03T08:00:00+08:00",
        },
    )


PARTS: Final[dict[str, Callable[[], str]]] = {
    "test keys": case_keys,
    "test contact": contact_keys,
    "test already_sent": sent_keys,
    "test silences": silence_keys,
    "test steps": step_keys,
    "test expect": expected_keys,
}
