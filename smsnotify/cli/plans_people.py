"""`plans status|enrol|stop|move`: the people in automation plans."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example

Plan = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's name.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to `plans`."""
    app.command(
        "status", epilog=example("sms-notify plans status", "sms-notify plans status quote")
    )(status)
    app.command(
        "enrol",
        epilog=example(
            "sms-notify plans enrol quote +6591230000",
            "sms-notify plans enrol quote --file contacts.csv --dry-run",
        ),
    )(enrol)
    app.command(
        "stop",
        epilog=example(
            "sms-notify plans stop quote +6591230000", "sms-notify plans stop quote --all"
        ),
    )(stop)
    app.command("move", epilog=example("sms-notify plans move quote offer +6591230000"))(move)


def status(
    ctx: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="One plan; else all.")] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Only who came in since: 3d, or a date.")
    ] = "",
) -> None:
    """Count people in plans: entered, at each step, answered, how it ended, goals' worth."""
    from smsnotify.cli.instants import read_since
    from smsnotify.cli.report_words import FUNNEL_HEAD, funnel_rows

    desk = desk_of(ctx)
    names = [desk.plans.named(plan).name] if plan else [one.name for one in desk.plans.all]
    found: dict[str, Any] = {}
    if desk.existing_store is not None:
        begin = read_since(since, desk.clock()) if since else None
        found = desk.store.funnels(desk.settings.mode.value, plan, begin)
    rows = []
    for name in dict.fromkeys([*names, *found]):
        figures = found.get(name)
        if desk.json:
            told = {} if figures is None else _plain(figures)
            show.emit_json({"type": "plan_status", "plan": name, **told})
            continue
        if figures is None:
            rows.append((name, "", 0, "", ""))
            continue
        rows += funnel_rows(figures)
    if not desk.json:
        show.table(FUNNEL_HEAD, rows)


def _plain(figures: Any) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in figures.__struct_fields__ if name != "plan"}


def enrol(
    ctx: typer.Context,
    plan: Plan,
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="NUMBER", help="Numbers; or use --file.")
    ] = None,
    file: Annotated[
        str, typer.Option("--file", help="Contacts to bring in first: CSV or JSON, - is stdin.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide everything, store and send nothing.")
    ] = False,
    queue_only: Annotated[
        bool, typer.Option("--queue-only", help="Store the texts; `deliver` sends them.")
    ] = False,
    name: Annotated[
        str, typer.Option("--name", help="What this is for; the same name enrols a number once.")
    ] = "",
    yes_volume: Annotated[
        bool, typer.Option("--yes-volume", help="Text more people than the volume guard allows.")
    ] = False,
) -> None:
    """Let people into a plan: its first text goes to them, through the same gates as ever.

    A file is imported like `contacts import` does. Without --name, the same numbers on another
    day come in again, as far as re_enter allows it.
    """
    from smsnotify.cli.acting import audited
    from smsnotify.cli.contact_work import bring_in, read_numbers
    from smsnotify.cli.decided import decision_line, summary_table
    from smsnotify.cli.working import Working
    from smsnotify.engine.enrolling import enrol_people
    from smsnotify.model.decision import Verdict
    from smsnotify.wiring.conversations import desk as talk_desk

    desk = desk_of(ctx)
    wanted = desk.plans.by_name.get(plan) or desk.plans.named(plan)
    if not wanted.enabled:
        raise UsageError(f"the plan {plan!r} is off", hint="enabled: true")
    if bool(numbers) == bool(file):
        raise UsageError("name numbers, or a file with --file")
    people = _people_of(desk, file) if file else {}
    everybody = list(people) if file else read_numbers(desk, numbers or [])
    if file and not dry_run:
        bring_in(desk, file, opted_out=None, note="")
    working = Working(desk, "plans enrol", guarded=not dry_run)
    ref = f"hand:{name or f'{working.clock():%Y-%m-%d}'}"
    worker = talk_desk(desk.settings, working.store, desk.book)
    now = working.clock()
    ticket = working.run.ticket
    if dry_run:
        report = enrol_people(
            worker, wanted, everybody, ref, ticket, now, dry_run=True, supposed=people
        )
    else:
        with audited(desk, "plan.enrol", plan) as trail:
            report = enrol_people(worker, wanted, everybody, ref, ticket, now)
            trail.came_to(f"{report.entered} people")
    working.tally.add(report.decisions)
    if desk.json:
        for decision in report.decisions:
            show.emit_json(decision.as_json())
        told = {"entered": report.entered, "left_out": report.left_out, "dry_run": dry_run}
        show.emit_json({"type": "enrolled", "plan": plan, **told})
    else:
        for decision in report.decisions if desk.verbosity else ():
            line = decision_line(decision, desk.settings.timezone)
            show.say(line, show.mark(decision.verdict.value))
        sends = sum(one.verdict is Verdict.SEND for one in report.decisions)
        would = "would come" if dry_run else "came"
        show.say(
            f"{report.entered} {would} in ({sends} texts), {report.left_out} left out "
            "(there already, or not meant)"
        )
    if dry_run:
        if not desk.json:
            summary_table(working.tally, dry_run=True)
        raise typer.Exit(0)
    working.send(yes_volume, queue_only=queue_only)
    raise typer.Exit(working.finish())


def _people_of(desk: Desk, file: str) -> dict[str, Any]:
    """Return the people of a file by their number."""
    from smsnotify.cli.contact_file import Reading, read_people
    from smsnotify.cli.contact_work import kinds_of

    if file == "-":
        raise UsageError("--file needs a file that can be read twice")
    people = read_people(file, Reading(desk.country, kinds_of(desk), desk.clock()))
    return {one: row for row in people.rows for one in row.addresses[:1] if one.startswith("+")}


def stop(
    ctx: typer.Context,
    plan: Plan,
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="NUMBER", help="Numbers; or use --all.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is in it.")] = False,
) -> None:
    """Take people out of a plan; its texts that wait for them are cancelled."""
    from smsnotify.cli.acting import audited
    from smsnotify.engine.enrolling import stop as take_out
    from smsnotify.wiring.conversations import desk as talk_desk

    desk = desk_of(ctx)
    if bool(numbers) == everybody:
        raise UsageError("name numbers, or --all")
    found = _waiting(desk, plan, numbers)
    if not found:
        desk.plans.named(plan)  # a plan that is gone may have people; one that never was is a slip
    worker = talk_desk(desk.settings, desk.store, desk.book)
    count = 0
    if found:
        with audited(desk, "plan.stop", plan) as trail:
            count = take_out(worker, found, desk.clock())
            trail.came_to(f"{count} people")
    if desk.json:
        show.emit_json({"type": "stopped", "plan": plan, "people": count})
    else:
        show.say(f"{count} taken out of {plan}")


def move(
    ctx: typer.Context,
    plan: Plan,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step to go to.")],
    numbers: Annotated[list[str], typer.Argument(metavar="NUMBER", help="Numbers.")],
) -> None:
    """Put people on another step of their plan, and on today's version of it."""
    from smsnotify.cli.acting import audited
    from smsnotify.engine.enrolling import move as put
    from smsnotify.wiring.conversations import desk as talk_desk

    desk = desk_of(ctx)
    found = _waiting(desk, plan, numbers)
    if not found:
        raise UsageError(f"nobody of them is in {plan!r}", hint=f"sms-notify plans status {plan}")
    worker = talk_desk(desk.settings, desk.store, desk.book)
    for one in found:
        about = f"{plan} {one.id}"
        with audited(desk, "plan.move", about, before=one.step) as trail:
            after = put(worker, one, step, desk.clock())
            trail.came_to(after.step)
        if desk.json:
            told = {"enrolment": after.id, "step": after.step, "state": after.state}
            show.emit_json({"type": "moved", "plan": plan, **told})
        else:
            show.say(f"{one.number}: {one.step} → {after.step} ({after.state})")


def _waiting(desk: Desk, plan: str, numbers: list[str] | None) -> list[Any]:
    """Return who is in a plan now: these numbers, or everybody."""
    from smsnotify.cli.contact_work import read_numbers
    from smsnotify.store.enrolments import WantedEnrolments

    if desk.existing_store is None:
        return []
    mode = desk.settings.mode.value
    wanted = WantedEnrolments(plan=plan, mode=mode, states=frozenset({"waiting"}))
    found = desk.store.list_enrolments(wanted, None)
    if numbers is None:
        return list(found)
    chosen = set(read_numbers(desk, numbers))
    return [one for one in found if one.number in chosen]
