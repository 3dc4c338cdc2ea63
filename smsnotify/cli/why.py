"""`why`: what a job or a number was sent or not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, single

BELOW: Final = " " * 23
"""Where a text stands below its line: under the word that follows the instant."""

app = single()


@app.command(epilog=example("sms-notify why DO-77", "sms-notify why +6591230000 --json"))
def why(
    ctx: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="JOB|NUMBER", help="A D.O. number, a job id, or a number.")
    ],
) -> None:
    """Tell what a job or a number was sent or not, and why."""
    desk = desk_of(ctx)
    number = _number(desk, what)
    story = desk.store.story_of_job(what)
    if not story and number:
        story = desk.store.story_of_number(number)
    if not story:
        raise UsageError(
            f"nothing is known of {what!r}",
            hint="`process`, `pull` and `prejob --jobs` make jobs known; is it another database?",
        )
    if desk.json:
        for line in _json(story):
            show.emit_json(line)
        return
    for job in story.jobs:
        _show_job(desk, job)
    zone = _zone(desk)
    for at, told, style in sorted(_told(story, zone), key=lambda one: one[0]):
        show.say(f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {told}", style)
    for job in story.jobs:
        _show_silent_rules(desk, job, {one.event for one in story.decisions})


def _number(desk: Desk, what: str) -> str:
    from smsnotify.text.phone import read_number

    if not any(c.isdigit() for c in what) or any(c.isalpha() for c in what):
        return ""
    return read_number(what, "", desk.settings.country).e164


def _zone(desk: Desk) -> Any:
    from smsnotify.gates.zones import known_zone

    return known_zone(desk.settings.timezone)


def _show_job(desk: Desk, stored: Any) -> None:
    state = stored.state
    facts = [f"date {state.date or 'unknown'}", f"attempt {state.attempt}"]
    if state.phase:
        facts.append(state.phase.replace("_", " "))
    show.say(f"Job {stored.subject.split(':', 1)[-1]}: {', '.join(facts)}", "bold")


def _told(story: Any, zone: Any) -> Iterator[tuple[datetime, str, str]]:
    """Yield instant, sentence and colour for everything that happened."""
    for event in story.events:
        yield event.received_at, f"event   {event.name}", "bold"
    sent = {message.id for message in story.messages}
    for decision in story.decisions:
        if decision.verdict == "send" and decision.message_id in sent:
            continue  # the message itself tells more
        yield decision.decided_at, _decision(decision), show.mark(decision.verdict)
    for message in story.messages:
        yield message.created_at, _message(message, zone), show.mark(message.state.value)
    recipients = {message.id: message.recipient for message in story.messages}
    for receipt in story.receipts:
        told = _receipt(receipt, recipients[receipt.message_id])
        yield receipt.told_at, told, show.mark(receipt.state)


def _receipt(receipt: Any, recipient: str) -> str:
    told = f"{receipt.source:<7} {recipient}: {receipt.state or receipt.raw_word}"
    if receipt.error:
        told += f", {receipt.error} {receipt.raw_code}".rstrip()
    if receipt.outcome != "moves":
        told += f" ({receipt.outcome})"
    return told


def _decision(decision: Any) -> str:
    told = f"{decision.verdict:<7} {decision.rule} → {decision.recipient or 'nobody'}"
    if decision.reason:
        told += f": {decision.reason}"
    if decision.detail:
        told += f", {decision.detail}"
    if decision.not_before:
        told += f", not before {decision.not_before:%Y-%m-%d %H:%M} UTC"
    return told


def _message(message: Any, zone: Any) -> str:
    begun, at = message.created_at.astimezone(zone), message.state_at.astimezone(zone)
    when = f"{at:%H:%M:%S}" if at.date() == begun.date() else f"{at:%Y-%m-%d %H:%M:%S}"
    told = f"text    {message.rule or 'test'} → {message.recipient}: "
    told += f"{message.state.value} at {when}"
    if message.account:
        told += f" through {message.account}"
    if message.provider_message_id:
        told += f" as {message.provider_message_id}"
    if message.error:
        told += f", {message.error} {message.error_text}".rstrip()
    if message.reason:
        told += f" ({message.reason})"
    body = message.body.replace("\n", f"\n{BELOW} ")
    return f"{told}\n{BELOW}“{body}”" if body else told


def _show_silent_rules(desk: Desk, stored: Any, events: set[str]) -> None:
    """Name the rules that listen to what happened and had nothing to say, with the condition."""
    import msgspec

    from smsnotify.model.event import Event
    from smsnotify.rules.explain import explain

    if not stored.snapshot:
        return
    job = msgspec.json.decode(stored.snapshot, type=desk.rules.job_type)
    happened = events | {one.name for one in desk.store.story_of_job(job.number).events}
    silent = []
    for name in sorted(happened):
        for verdict in explain(Event(name, job, stored.subject), desk.rules):
            failed = [one for one in verdict.checks if not one.passed and not one.info]
            listens = all(check.name != "event" for check in failed)
            if not verdict.matched and listens and failed:
                check = failed[0]
                silent.append(
                    f"{name}: {verdict.rule.terms.name} is silent: "
                    f"{check.name} should be {check.expected}, is {check.actual}"
                )
    if silent:
        show.say("Rules that had nothing to say", "bold")
        for line in silent:
            show.say(f"  {line}")


def _json(story: Any) -> Iterator[dict[str, object]]:
    import msgspec

    for job in story.jobs:
        yield {
            "type": "job",
            "subject": job.subject,
            "date": job.date,
            "state": msgspec.to_builtins(job.state),
            "seen_at": job.seen_at.isoformat(),
        }
    for event in story.events:
        yield {
            "type": "event",
            "event": event.name,
            "event_id": event.event_id,
            "time": event.time.isoformat() if event.time else None,
            "received_at": event.received_at.isoformat(),
        }
    for decision in story.decisions:
        yield {"type": "decision", **msgspec.to_builtins(decision)}
    for message in story.messages:
        yield message.as_json()
    for receipt in story.receipts:
        yield receipt.as_json()
