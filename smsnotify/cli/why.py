"""`why`: what a job or a number was sent or not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer

from smsnotify.base.errors import UsageError
from smsnotify.base.printable import one_line
from smsnotify.cli import show
from smsnotify.cli.consents import consent_line
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, single
from smsnotify.cli.story import story_lines

app = single()


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
    desk = desk_of(ctx)
    story, person = _look_up(desk, what)
    if desk.json:
        for row in _json(story):
            show.emit_json(row)
        for job in story.jobs:
            for one in _silent(desk, job, story):
                show.emit_json({"type": "silent", **msgspec.structs.asdict(one)})
        if person is not None:
            show.emit_json(_contact_json(_number(desk, what), person))
        for change in _consents(desk, story, _number(desk, what)):
            show.emit_json({"type": "consent", **msgspec.to_builtins(change)})
        return
    zone = _zone(desk)
    for job in story.jobs:
        _show_job(job)
    if person is not None:
        _show_person(person, zone)
    for change in _consents(desk, story, "" if story.jobs else _number(desk, what)):
        who = f"{change.recipient}  " if story.jobs else ""
        show.say(one_line(f"Consent: {who}{consent_line(change, zone)}"), "bold")
    for line in story_lines(story, zone):
        show.say(f"{line.at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {line.told}", line.style)
    silent = [one for job in story.jobs for one in _silent(desk, job, story)]
    told_of = {one.event for one in silent} | {one.event for one in story.decisions}
    unheard = sorted({event.name for event in story.events} - told_of)
    if silent or unheard:
        show.say("Rules that had nothing to say", "bold")
    for name in unheard:
        show.say(f"  {name}: no rule listens to it")
    for one in silent:
        told = f"{one.event}: {one.rule} is silent: {one.check} should be {one.expected}"
        show.say(one_line(f"  {told}, is {one.actual}"))


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


def _consents(desk: Desk, story: Any, number: str) -> list[Any]:
    """Return every change of consent of those that the story is about, the oldest first."""
    recipients = {number} | {one.recipient for one in (*story.decisions, *story.messages)}
    told = desk.store.standings(sorted(recipients - {""}))
    changes = [change for standing in told.values() for change in standing.changes]
    return sorted(changes, key=lambda change: change.at)


def _number(desk: Desk, what: str) -> str:
    """Return the number or email address that is meant, `''` for neither."""
    from smsnotify.text.address import read_email
    from smsnotify.text.phone import read_number

    if "@" in what:
        return read_email(what)
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
    show.say(one_line(f"Job {name}: {', '.join(facts)}"), "bold")


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
    if person.in_doubt:
        told = "a reply may be an opt-out, and no clerk has decided: texts wait"
        show.say(f"Contact: {told}", "bold")
    if person.time_zone:
        show.say(f"Contact: lives by {person.time_zone}", "bold")


def _silent(desk: Desk, stored: Any, story: Any) -> list[Any]:
    """Look at what happened with today's rules; what was decided then is told already."""
    from smsnotify.base.errors import RuleFileError
    from smsnotify.engine.silent import people_of, silent_rules
    from smsnotify.wiring import build

    try:
        people = people_of(desk.existing_store, build.policy(desk.settings), desk.clock())
        return list(silent_rules(stored, story, desk.rules, people))
    except RuleFileError:
        desk.note("the rules cannot be read, so nothing is said of rules that were silent")
        return []


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
