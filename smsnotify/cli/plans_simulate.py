"""`plans simulate`: play the customer in the terminal, or from a script on stdin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smsnotify.base.durations import parse_duration
from smsnotify.base.errors import InputError, SmsNotifyError, UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk

if TYPE_CHECKING:
    from smsnotify.engine.stage import Stage
    from smsnotify.engine.stage_parts import Came
    from smsnotify.model.decision import Decision
    from smsnotify.model.plan import Plan

HELP: Final = """\
Type what the customer texts. Or:
  /wait 2d        time passes, and everything that comes due on the way happens
  /fail [WORD]    the last text comes back undelivered
  /event NAME     an event about the customer, or their job
  /enrol          a clerk puts the customer into the plan
  /quit           the end"""


def simulate(
    desk: Desk,
    name: str,
    *,
    number: str,
    at: str,
    facts: tuple[str, ...],
    script: Path | None = None,
) -> None:
    """Talk with one plan until the script, or the person, ends it.

    Raises:
        InputError: the script cannot be read.
        PlanError: there is no such plan.
        UsageError: an option or a line of the script makes no sense.
    """
    from smsnotify.cli.instants import read_as_of
    from smsnotify.engine.samples import sample_entry
    from smsnotify.engine.stage import Stage
    from smsnotify.engine.stage_parts import CUSTOMER, noon
    from smsnotify.model.contact import Contact
    from smsnotify.model.reading import OPT_OUT_LINK
    from smsnotify.wiring import build
    from smsnotify.wiring.conversations import conversation_terms

    settings = desk.settings
    lines = _typed() if script is None else _scripted(_read(script))
    plan = desk.plans.named(name)
    number = number or CUSTOMER
    begin = noon(number, settings.timezone)
    if at:
        begin = read_as_of(at, desk.clock, settings.timezone)()
    policy = build.policy(settings)
    stage = Stage(desk.book, policy, conversation_terms(settings), at=begin, number=number)
    try:
        known = dict(_fact(one) for one in facts)
        if known:
            person, address = known.pop("name", ""), known.pop("email", "")
            others = (_mailbox(address),) if address else ()
            stage.introduce(number, Contact(name=person, addresses=others, facets=known))
        if any("__" not in field and field != OPT_OUT_LINK for field in plan.reads):
            stage.know_job(sample_entry(desk.rules.job_type, begin.date(), number))
        _talk(stage, plan, lines)
    finally:
        stage.close()


def _fact(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not (name and equals):
        raise UsageError(f"--contact {written!r} is no fact", hint="--contact tier=gold")
    return name.strip(), value.strip()


def _mailbox(written: str) -> str:
    from smsnotify.text.address import read_email

    address = read_email(written)
    if not address:
        raise UsageError(
            f"--contact email={written} is no email address", hint="--contact email=mei@example.com"
        )
    return address


def _talk(stage: Stage, plan: Plan, lines: Iterator[str]) -> None:
    _say_time(stage)
    if plan.entry.keywords:
        show.say(f"text {' or '.join(plan.entry.keywords)} to begin; /help tells the rest", "dim")
    else:
        show.say("a clerk puts the customer into the plan; /help tells the rest", "dim")
        _tell(stage, stage.enrol(plan.name))
        if stage.enrolment is None:
            show.say("  (nobody came in: the plan's own conditions do not hold)", "yellow")
    for line in lines:
        if line.startswith("/"):
            word, _, rest = line[1:].partition(" ")
            if word == "quit":
                return
            _command(stage, plan, word, rest.strip())
        else:
            stage.now += timedelta(minutes=1)
            _tell(stage, stage.says(line))


def _read(script: Path) -> list[str]:
    try:
        return script.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the script {script} cannot be read: {error}") from None


def _scripted(lines: Iterable[str]) -> Iterator[str]:
    """Yield a script's lines, shown as if they were typed."""
    for line in lines:
        said = line.rstrip("\r\n")
        show.say(f"> {said}")
        yield said


def _typed() -> Iterator[str]:
    """Yield what is typed; what comes from a pipe is a script."""
    if not show.can_ask():
        yield from _scripted(sys.stdin)
        return
    while True:
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            return
        yield line.rstrip("\r\n")


def _command(stage: Stage, plan: Plan, word: str, rest: str) -> None:
    doers: dict[str, Callable[[], Came]] = {
        "wait": lambda: stage.wait(_span(rest)),
        "fail": lambda: stage.fails(rest or "unreachable"),
        "event": lambda: stage.happens(_named(rest)),
        "enrol": lambda: stage.enrol(plan.name),
    }
    if word not in doers:
        show.say(HELP)
        return
    try:
        came = doers[word]()
    except SmsNotifyError as error:
        show.say(f"  {error.message}", "yellow")
        if error.hint:
            show.say(f"  {error.hint}", "dim")
        return
    if word == "wait":
        _say_time(stage)
    _tell(stage, came)


def _span(written: str) -> timedelta:
    try:
        return parse_duration(written)
    except (ValueError, OverflowError):
        raise UsageError(f"/wait {written!r} is no time", hint="/wait 2d, /wait 12h") from None


def _named(written: str) -> str:
    if not written:
        raise UsageError("/event needs a name", hint="/event completed")
    return written


def _tell(stage: Stage, came: Came) -> None:
    """Say everything that came of it, then where the customer stands."""
    if came.read_as in _ASIDES:
        show.say(f"  ({_ASIDES[came.read_as]})", "dim")
    for decision in came.decisions:
        show.say(*_line(stage, decision))
    for event in came.emitted:
        show.say(f"  (the event {event} is told to rules and plans)", "dim")
    for action in came.actions:
        told = ", ".join(f"{key}: {value}" for key, value in action.items() if key not in _OWN)
        show.say(f"  (a line in the action file: {told})", "dim")
    for url in came.calls:
        show.say(f"  (calls {url})", "dim")
    _say_where(stage)


_OWN: Final = frozenset({"id", "at", "plan", "step"})
_ASIDES: Final = {
    "unmatched": "nobody knows this answer: it waits in the inbox",
    "inbox": "nobody knows this answer: it waits in the inbox",
    "doubt": "maybe an opt-out: a clerk decides, and nothing goes out until then",
    "repeat": "the same text again: ignored",
    "flood": "too many texts: ignored",
}


def _line(stage: Stage, decision: Decision) -> tuple[str, str]:
    from smsnotify.model.decision import Verdict

    to = "" if decision.draft.recipient == stage.number else f" to {decision.draft.recipient}"
    if decision.verdict is Verdict.SEND:
        heading = f"mail, {decision.title}: " if decision.title else ""
        return f"< {heading}{decision.body}{to}", "green"
    if decision.verdict is Verdict.HOLD:
        until = f" until {_clock(stage, decision.not_before)}" if decision.not_before else ""
        return f"  (held{until}: {decision.reason}) {decision.body}{to}", "yellow"
    return f"  (stopped: {decision.reason} {decision.detail})".replace(" )", ")"), "yellow"


def _say_where(stage: Stage) -> None:
    one = stage.enrolment
    if one is None:
        return
    if one.is_over:
        show.say(f"  [{one.plan}: {one.state}]", "dim")
        return
    until = f" until {_clock(stage, one.due_at)}" if one.due_at else ""
    show.say(f"  [{one.plan}: {one.step}, waits{until}]", "dim")


def _say_time(stage: Stage) -> None:
    show.say(f"  [it is {_clock(stage, stage.now)}]", "dim")


def _clock(stage: Stage, at: datetime) -> str:
    from smsnotify.gates.zones import known_zone
    from smsnotify.text.phone import country_of
    from smsnotify.text.zones import zone_of_country

    named = zone_of_country(country_of(stage.number), at) or stage.desk.policy.timezone
    return at.astimezone(known_zone(named)).strftime("%a %Y-%m-%d %H:%M")
