"""The heart: drafts to decisions. Pure; used by everything that decides.

`match` (`drafting.py`) says what the rules want to say to whom, `judge` what becomes of it.
`process`, `--dry-run`, `preview`, reminders, release and tests all call these two, so that a
preview cannot lie.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from smsnotify.engine.first_texts import note_first_text
from smsnotify.engine.wording import reading_of, sent_at_a_glance, worded
from smsnotify.gates.caps import caps_gate, count
from smsnotify.gates.digest import open_door
from smsnotify.gates.pipeline import (
    ORDER,
    Concern,
    are_usual,
    concern_of,
    gates_for,
    passes_usual,
    run_gates,
)
from smsnotify.gates.ruling import Gate, Ruling
from smsnotify.model.decision import Decision, Draft, Earlier, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.message import MessageState

HOLD, STOP = Verdict.HOLD, Verdict.STOP


def judge(
    drafts: Iterable[Draft],
    facts: Facts,
    policy: Policy,
    now: datetime,
    order: tuple[Gate, ...] = ORDER,
) -> list[Decision]:
    """Decide each draft in turn, as if they came one by one.

    A draft that may leave, now or later, takes its key in `facts`, so that the next one with the
    same meaning is a duplicate. A stopped one leaves no key and is judged anew another time.
    Whom the rule's conditions on the contact leave out gets no decision at all.
    """
    decisions = []
    keys = facts.keys
    counts = facts.counts if caps_gate in order else None
    usual = are_usual(facts, policy, order)
    leads_to_page = facts.tracking_link is not None
    concerned: dict[Concern, tuple[Gate, ...]] = {}
    here = now
    for draft in drafts:
        if draft.terms.reads_person and not is_meant(draft, facts):
            continue
        happened_at = draft.event.time
        if happened_at is not None and happened_at.tzinfo is not here.tzinfo:
            here = now.astimezone(happened_at.tzinfo)  # within one zone, ages cost a fifth
        if usual and passes_usual(draft, facts, policy, here):
            ruling = None
            sent = None if leads_to_page else sent_at_a_glance(draft)
            if sent is not None:
                keys[draft.key] = _QUEUED
                decisions.append(sent)
                continue
        else:
            concern = concern_of(draft)
            gates = concerned.get(concern)
            if gates is None:
                gates = concerned[concern] = gates_for(concern, facts, policy, order)
            ruling = run_gates(draft, facts, policy, now, gates)
        if ruling is not None and ruling.verdict is STOP:
            decision = _stopped(draft, ruling, facts)
        else:
            decision = worded(draft, ruling, facts)
            if counts is not None and decision.verdict is not STOP:
                decision = count(decision, counts, policy)
            if decision.first_text:
                note_first_text(decision, facts)
            if decision.verdict is not STOP:
                keys[draft.key] = _HELD if decision.verdict is HOLD else _QUEUED
                if draft.terms.bounds is not None:
                    open_door(draft, facts, policy, now)
        decisions.append(decision)
    return decisions


_QUEUED = Earlier("", MessageState.QUEUED)
_HELD = Earlier("", MessageState.HELD)


def _stopped(draft: Draft, ruling: Ruling, facts: Facts) -> Decision:
    earlier = facts.keys.get(draft.key) if ruling.reason == "duplicate" else None
    return Decision(
        draft=draft,
        verdict=Verdict.STOP,
        gate=ruling.gate,
        reason=ruling.reason,
        detail=ruling.detail,
        earlier=earlier,
    )


def is_meant(draft: Draft, facts: Facts) -> bool:
    """Say whether a recipient meets the rule's conditions on the contact."""
    tests = draft.terms.contact_tests
    if not tests:
        return True
    who = reading_of(draft, facts)
    return all(test(who) for test in tests)
