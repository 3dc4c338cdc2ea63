"""`rules explain`: events in, every rule's verdict with its checks out."""

from __future__ import annotations

from datetime import datetime

from smsnotify.base.errors import EventError, UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.engine.previewing import events_of
from smsnotify.engine.silent import people_of
from smsnotify.events.decode import Decoder, Parsed
from smsnotify.events.read import read_chunks
from smsnotify.model.facts import Policy
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.explain import Check, RuleVerdict, explain
from smsnotify.wiring.build import policy

REJECTED = 1


def explain_events(desk: Desk, source: str, only: str) -> int:
    """Explain every event of a source and return the exit code.

    Raises:
        UsageError: `only` names no rule.
    """
    rules: RuleSet = desk.rules
    if only and not any(only in (rule.id, rule.terms.name) for rule in rules.all):
        names = ", ".join(rule.id for rule in rules.all)
        raise UsageError(f"there is no rule {only!r}", hint=f"the rules are {names}")
    decoder = Decoder(rules.job_type, custom_events=rules.custom_events)
    firm = policy(desk.settings)
    code = 0
    for chunk in read_chunks(source):
        for number, line in enumerate(chunk.lines, chunk.first):
            if not line.strip():
                continue
            try:
                parsed = decoder.decode(line)
            except EventError as error:
                told = f"{source}:{number}: rejected, {error.reason}: {error.message}"
                desk.note(f"{told} ({error.hint})" if error.hint else told)
                code = REJECTED
                continue
            for one in parsed:
                _explain_one(desk, one, number, only, firm, desk.clock())
    return code


def _explain_one(
    desk: Desk, parsed: Parsed, line: int, only: str, firm: Policy, now: datetime
) -> None:
    events = list(events_of(parsed, firm, now))
    asks = any(rule.terms.reads_person for rule in desk.rules.all)
    people = people_of(desk.existing_store if asks else None, firm, now)
    if not events:
        desk.note(f"line {line}: this snapshot shows nothing that happened")
    for event in events:
        verdicts = [
            verdict
            for verdict in explain(event, desk.rules, people)
            if not only or only in (verdict.rule.id, verdict.rule.terms.name)
        ]
        if desk.json:
            for verdict in verdicts:
                place = {"event": event.name, "job": event.job.number, "line": line}
                show.emit_json(verdict.as_json() | place)
        else:
            job = event.job.number or event.job.id or "a job without a number"
            label = f"{event.name} of {job} (line {line})"
            show.tree(label, [_branch(verdict) for verdict in verdicts])


def _branch(verdict: RuleVerdict) -> show.Branch:
    style = "green" if verdict.matched else "dim"
    word = "fires" if verdict.matched else "does not fire"
    return show.Branch(
        f"{'✓' if verdict.matched else '✗'} {verdict.rule.id} {word}",
        style,
        tuple(_leaf(check) for check in verdict.checks),
    )


def _leaf(check: Check) -> show.Branch:
    if check.info:
        mark, style = ("·", "") if check.passed else ("!", "yellow")
    else:
        mark, style = ("✓", "green") if check.passed else ("✗", "red")
    told = f"{mark} {check.name}: {check.actual}"
    if check.expected and not check.passed:
        told += f" (expected {check.expected})"
    return show.Branch(told, style)
