"""`rules lint`: the coach, over rules and what they would have done to real events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from smsnotify.base.errors import RuleFileError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.inputs import readable
from smsnotify.cli.instants import read_since
from smsnotify.engine.coach import Coach
from smsnotify.engine.diffing import Side, nobody
from smsnotify.engine.replay_clock import Timed, as_received, at_their_time
from smsnotify.events.read import read_chunks
from smsnotify.model.problem import Problem
from smsnotify.rules.load import check_rules
from smsnotify.wiring import build
from smsnotify.wiring.senders import deaf_sender_of

WRONG = 2


def lint_rules(
    desk: Desk, files: Sequence[Path], events: Sequence[str], *, since: str, strict: bool
) -> int:
    """Advise, and return the exit code.

    Raises:
        InputError: an events file that cannot be opened.
        RuleFileError: the rules are wrong; `rules validate` tells how.
    """
    readable(events)
    rules, found = check_rules(tuple(files or desk.rule_paths), country=desk.country)
    if rules is None:
        wrong = next(one for one in found if one.severity == "error")
        raise RuleFileError(str(wrong), hint="sms-notify rules validate lists everything")
    policy = build.policy(desk.settings)
    coach = Coach(rules, policy.countries, deaf_sender_of(desk.settings), desk.clock().date())
    store = desk.existing_store
    contacts = store.contacts_of if store is not None else nobody
    side = Side(rules, policy, lambda numbers: {}, "auto", contacts)
    unreadable = 0
    try:
        for portion in _portions(desk, events, since):
            taken = side.intake.take(portion.first, portion.lines, portion.now)
            unreadable += len(taken.rejected)
            coach.listen(taken.decisions, taken.events)
    finally:
        side.memory.close()
    advice = [*found, *coach.advice()]
    _show(desk, advice, coach.events)
    if unreadable:
        lines = "1 line was" if unreadable == 1 else f"{unreadable} lines were"
        desk.note(f"{lines} unreadable and left out; process --dry-run tells which")
    return int(strict and bool(advice))


def _portions(desk: Desk, events: Sequence[str], since: str) -> Iterator[Timed]:
    now = desk.clock()
    if events:
        for source in events:
            yield from at_their_time(read_chunks(source, size=250), now)
        return
    start = read_since(since, now)
    if desk.existing_store is not None:
        yield from as_received(desk.store.lines_since(start))


def _show(desk: Desk, advice: Sequence[Problem], events: int) -> None:
    if desk.json:
        for problem in advice:
            show.emit_json(show.problem_json(problem))
        return
    show.problems(advice)
    seen = f"{events} events looked at" if events else "no events to look at: --events FILE"
    desk.note(
        f"{len(advice) or 'no'} {'piece' if len(advice) == 1 else 'pieces'} of advice, {seen}"
    )
