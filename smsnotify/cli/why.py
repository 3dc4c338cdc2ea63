"""`why`: what a job or a number was sent or not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
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
    story, person = _look_up(desk, what)
    if desk.json:
        for line in _json(story):
            show.emit_json(line)
        for job in story.jobs:
            for one in _silent(desk, job, story):
                show.emit_json({"type": "silent", **msgspec.structs.asdict(one)})
        if person is not None:
            show.emit_json(_contact_json(_number(desk, what), person))
        return
    zone = _zone(desk)
    for job in story.jobs:
        _show_job(job)
    if person is not None:
        _show_person(person, zone)
    for at, told, style in sorted(_told(story, zone), key=lambda one: one[0]):
        show.say(f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {told}", style)
    silent = [one for job in story.jobs for one in _silent(desk, job, story)]
    told_of = {one.event for one in silent} | {one.event for one in story.decisions}
    unheard = sorted({event.name for event in story.events} - told_of)
    if silent or unheard:
        show.say("Rules that had nothing to say", "bold")
    for name in unheard:
        show.say(f"  {name}: no rule listens to it")
    for one in silent:
        show.say(
            f"  {one.event}: {one.rule} is silent: {one.check} should be {one.expected}, "
            f"is {one.actual}"
        )


def _look_up(desk: Desk, what: str) -> tuple[Any, Any]:
    """Return the story of a job, or of a number with the contact behind it.

    Raises:
        UsageError: the books know neither.
    """
    store = desk.existing_store
    if store is not None:
        story = store.story_of_job(what)
        if story:
            return story, None
        if number := _number(desk, what):
            story = store.story_of_number(number)
            person = store.people([number]).get(number)
            if story or person is not None:
                return story, person
    raise UsageError(
        f"nothing is known of {what!r}",
        hint="`process`, `pull` and `prejob --jobs` make jobs known; is it another database?",
    )


def _number(desk: Desk, what: str) -> str:
    from smsnotify.text.phone import read_number

    if not any(c.isdigit() for c in what) or any(c.isalpha() for c in what):
        return ""
    return read_number(what, "", desk.country).e164


def _zone(desk: Desk) -> Any:
    from smsnotify.gates.zones import known_zone

    return known_zone(desk.settings.timezone)


def _show_job(stored: Any) -> None:
    state = stored.state
    facts = [f"date {state.date or 'unknown'}", f"attempt {state.attempt}"]
    if state.phase:
        facts.append(state.phase.replace("_", " "))
    own, number = stored.subject.split(":", 1)[-1], _do_number(stored)
    name = f"{number} ({own})" if number and stored.subject.startswith("id:") else number or own
    show.say(f"Job {name}: {', '.join(facts)}", "bold")


def _do_number(stored: Any) -> str:
    from smsnotify.engine.snapshots import snapshot_reader
    from smsnotify.model.job import Job

    job = snapshot_reader(Job)(stored)
    return job.number if job is not None else ""


def _show_person(person: Any, zone: Any) -> None:
    if person.opted_out:
        since = f" since {person.opted_out_at.astimezone(zone):%Y-%m-%d %H:%M}"
        told = f"opted out{since if person.opted_out_at else ''} ({person.opted_out_source})"
        show.say(f"Contact: {told}: no text goes there", "bold")
    if person.time_zone:
        show.say(f"Contact: lives by {person.time_zone}", "bold")


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
    if message.attempts > 1:
        told += f" after {message.attempts} tries"
    if message.error:
        told += f", {message.error} {message.error_text}".rstrip()
    if message.reason:
        told += f" ({message.reason})"
    body = message.body.replace("\n", f"\n{BELOW} ")
    return f"{told}\n{BELOW}“{body}”" if body else told


class Silent(msgspec.Struct, frozen=True):
    """A rule that listens to what happened and had nothing to say, with the first reason."""

    event: str
    rule: str
    check: str
    expected: str
    actual: str


def _silent(desk: Desk, stored: Any, story: Any) -> Iterator[Silent]:
    """Look at what happened with today's rules; what was decided then is told already."""
    from smsnotify.base.errors import RuleFileError
    from smsnotify.engine.snapshots import snapshot_reader
    from smsnotify.model.event import Event
    from smsnotify.rules.explain import explain

    try:
        job = snapshot_reader(desk.rules.job_type)(stored)
    except RuleFileError:
        desk.note("the rules cannot be read, so nothing is said of rules that were silent")
        return
    if job is None:
        return
    decided = {(one.event, one.rule) for one in story.decisions if one.subject == stored.subject}
    happened = {one.name for one in story.events if one.subject == stored.subject}
    for name in sorted(happened | {event for event, _ in decided}):
        for verdict in explain(Event(name, job, stored.subject), desk.rules):
            failed = [one for one in verdict.checks if not one.passed and not one.info]
            listens = all(check.name != "event" for check in failed)
            if failed and listens and (name, verdict.rule.id) not in decided:
                check = failed[0]
                rule = verdict.rule.terms.name
                yield Silent(name, rule, check.name, str(check.expected), str(check.actual))


def _contact_json(number: str, person: Any) -> dict[str, object]:
    at = person.opted_out_at
    return {
        "type": "contact",
        "recipient": number,
        "opted_out": person.opted_out,
        "source": person.opted_out_source,
        "at": at.isoformat() if at else None,
        "time_zone": person.time_zone,
    }


def _json(story: Any) -> Iterator[dict[str, object]]:
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
    texts = {message.id: message for message in story.messages}
    for decision in story.decisions:
        text = texts.get(decision.message_id) if decision.verdict != "stop" else None
        yield {
            "type": "decision",
            **msgspec.to_builtins(decision),
            "body": text.body if text else "",
            "encoding": text.encoding if text else None,
            "segments": text.segments if text else 0,
        }
    for message in story.messages:
        yield message.as_json()
    for receipt in story.receipts:
        yield receipt.as_json()
