"""`why`: what a job or a number was sent or not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
import typer

from smsnotify.base.errors import UsageError
from smsnotify.base.printable import one_line
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, single

app = single()

_BELOW: Final = " " * 23
"""Where a text stands below its line: under the word that follows the instant."""


@app.command(epilog=example("sms-notify why DO-77", "sms-notify why +6591230000 --json"))
def why(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="JOB|NUMBER|EMAIL",
            help="A D.O. number, a job id, a phone number or an email address.",
        ),
    ],
) -> None:
    """Tell what a job, a number or an address was sent or not, and why."""
    from smsnotify.engine.consent_words import consent_line
    from smsnotify.engine.inquiry import job_line
    from smsnotify.engine.story import story_lines

    desk = desk_of(ctx)
    found = _look_up(desk, what)
    story, person = found.story, found.person
    silent, unheard = _silent(desk, story)
    if desk.json:
        for row in _json(story):
            show.emit_json(row)
        for one in silent:
            show.emit_json({"type": "silent", **msgspec.structs.asdict(one)})
        if person is not None:
            show.emit_json(_contact_json(found.address, person))
        for change in found.consents:
            show.emit_json({"type": "consent", **msgspec.to_builtins(change)})
        return
    zone = _zone(desk)
    for job in story.jobs:
        show.say(one_line(f"Job {job_line(job)}"), "bold")
    if person is not None:
        _show_person(person, zone)
    for change in found.consents:
        who = f"{change.recipient}  " if story.jobs else ""
        show.say(one_line(f"Consent: {who}{consent_line(change, zone)}"), "bold")
    for line in story_lines(story, zone):
        told = f"{line.at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {line.kind:<7} {line.told}"
        if line.body:
            body = line.body.replace("\n", f"\n{_BELOW} ")
            told += f"\n{_BELOW}“{body}”"
        show.say(told, "bold" if line.kind == "event" else show.mark(line.word))
    if silent or unheard:
        show.say("Rules that had nothing to say", "bold")
    for name in unheard:
        show.say(f"  {name}: no rule listens to it")
    for one in silent:
        told = f"{one.event}: {one.rule} is silent: {one.check} should be {one.expected}"
        show.say(one_line(f"  {told}, is {one.actual}"))


def _look_up(desk: Desk, what: str) -> Any:
    """Return the `engine.inquiry.Inquiry` about a job, or about a number.

    Raises:
        UsageError: the books know neither.
    """
    from smsnotify.engine.inquiry import inquire

    store = desk.existing_store
    found = None if store is None else inquire(store, what, desk.country)
    if found is None:
        raise UsageError(
            f"nothing is known of {what!r}",
            hint="`process`, `pull` and `prejob --jobs` make jobs known; is it another database?",
        )
    return found


def _zone(desk: Desk) -> Any:
    from smsnotify.gates.zones import known_zone

    return known_zone(desk.settings.timezone)


def _show_person(person: Any, zone: Any) -> None:
    if person.opted_out:
        since = f" since {person.opted_out_at.astimezone(zone):%Y-%m-%d %H:%M}"
        told = f"opted out{since if person.opted_out_at else ''} ({person.opted_out_source})"
        show.say(f"Contact: {told}: no text goes there", "bold")
    if person.in_doubt:
        told = "a reply may be an opt-out, and no clerk has decided: texts wait"
        show.say(f"Contact: {told}", "bold")
    if person.time_zone:
        show.say(f"Contact: lives by {person.time_zone}", "bold")


def _silent(desk: Desk, story: Any) -> tuple[list[Any], list[str]]:
    """Look at what happened with today's rules; what was decided then is told already."""
    from smsnotify.base.errors import RuleFileError
    from smsnotify.engine.inquiry import heard_nothing, unheard_of
    from smsnotify.wiring import build

    try:
        policy = build.policy(desk.settings)
        return heard_nothing(desk.existing_store, story, desk.rules, policy, desk.clock())
    except RuleFileError:
        if story.jobs:
            desk.note("the rules cannot be read, so nothing is said of rules that were silent")
        return [], unheard_of(story, [])


def _contact_json(number: str, person: Any) -> dict[str, object]:
    at = person.opted_out_at
    return {
        "type": "contact",
        "recipient": number,
        "opted_out": person.opted_out,
        "source": person.opted_out_source,
        "at": at.isoformat() if at else None,
        "time_zone": person.time_zone,
        "refuses": sorted(person.refuses),
        "marketing_since": person.marketing_since.isoformat() if person.marketing_since else None,
        "in_doubt": person.in_doubt,
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
