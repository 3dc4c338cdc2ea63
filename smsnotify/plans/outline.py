"""A plan in short lines: what it begins with, what a step does, how it goes on."""

from __future__ import annotations

from collections.abc import Iterator

from smsnotify.base.durations import format_duration
from smsnotify.base.printable import one_line
from smsnotify.model.plan import Other, Plan, Step
from smsnotify.model.rule import EMAIL
from smsnotify.plans.ways import Way, ways

_RE_ENTRY = {
    "never": "once per person",
    "after_exit": "again after it is over",
    "always": "any number of times",
}


def begins(plan: Plan) -> str:
    """Say how people come in: `HELLO, OFFER (first_word)`, `any text`, `event completed`."""
    entry = plan.entry
    parts = []
    if entry.keywords:
        parts.append(f"{', '.join(map(one_line, entry.keywords))} ({entry.match.value})")
    if entry.any_text:
        parts.append("any text")
    if entry.events:
        parts.append(f"event {', '.join(sorted(entry.events))}")
    return "; ".join(parts) or "a rule, another plan, or by hand"


def terms(plan: Plan) -> str:
    """Say what holds for the whole plan: purpose, coming in again, life, route."""
    parts = [plan.purpose.value, _RE_ENTRY[plan.re_enter], f"life {format_duration(plan.max_life)}"]
    if plan.route:
        parts.append(f"route {plan.route}")
    return ", ".join(parts) if plan.enabled else f"off, {', '.join(parts)}"


def does(step: Step) -> Iterator[str]:
    """Yield what a step does, in the order in which it does it."""
    for name, value in step.set.items():
        yield f"sets {name} to {'{{ … }}' if callable(value) else _plain(value)}"
    if step.tag:
        yield f"tags {', '.join(map(one_line, step.tag))}"
    if step.goal:
        worth = "" if step.value is None else f", worth {step.value:g}"
        yield f"goal {one_line(step.goal)}{worth}"
    if step.emit:
        yield f"event {step.emit}"
    if step.action:
        yield f"action {', '.join(map(one_line, step.action))}"
    if step.webhook:
        yield f"calls {step.webhook}"
    if step.alert_source:
        yield f"to staff: {_quoted(step.alert_source)}"
    if step.send_source:
        route = f" by {step.route}" if step.route else ""
        if step.channel == EMAIL:
            yield f"mail{route}, {_quoted(step.title_source)}: {_quoted(step.send_source)}"
        else:
            yield f"text{route}: {_quoted(step.send_source)}"
    if step.start_plan:
        yield f"starts the plan {one_line(step.start_plan)}"
    if step.wait is not None:
        match = "" if step.wait.match.value == "first_word" else f" ({step.wait.match.value})"
        yield f"waits {format_duration(step.wait.lasting)} for an answer{match}"
    if step.listen is not None:
        heard = " or ".join(sorted(step.listen.events))
        yield f"waits {format_duration(step.listen.lasting)} for {heard}"
    if step.delay is not None:
        delay = step.delay
        until = f"until {delay.until:%H:%M}" if delay.until else ""
        yield f"waits {format_duration(delay.lasting) if delay.lasting else until}"


def goes(plan: Plan, step: Step) -> list[tuple[str, Way]]:
    """Return the ways on with what leads there: `QUOTE`, `no reply`, `` for the only way."""
    return [(_named(step, way), way) for way in ways(plan, step)]


def _named(step: Step, way: Way) -> str:
    other = step.wait.other if step.wait is not None and way.path == "other" else None
    if isinstance(other, Other):
        times = "once" if other.times == 1 else f"{other.times} times"
        return f"other: text {_quoted(other.source)} {times}, then"
    return one_line(way.label)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else one_line(str(value))


def _quoted(source: str) -> str:
    return f"“{one_line(source.strip())}”"
