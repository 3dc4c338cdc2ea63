"""`prejob`: the reminders before a job's day, from cron."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smsnotify.cli import show
from smsnotify.cli.frame import desk_of, example, group

app = group(
    "Send the reminders that are due before a job's day.",
    "sms-notify prejob run",
    "sms-notify prejob run --jobs jobs.csv --as-of 2026-03-02T18:00:00+08:00 --dry-run",
    "sms-notify prejob list",
)

JobsFile = Annotated[
    str, typer.Option("--jobs", metavar="FILE", help="Take these jobs in first: any event file.")
]
AsOf = Annotated[
    str, typer.Option("--as-of", metavar="TIME", help="The run's only clock; really sends.")
]


@app.command(epilog=example("sms-notify prejob run", "sms-notify prejob run --dry-run"))
def run(
    ctx: typer.Context,
    jobs: JobsFile = "",
    as_of: AsOf = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide everything, store and send nothing.")
    ] = False,
    yes_volume: Annotated[
        bool, typer.Option("--yes-volume", help="Text more people than the volume guard allows.")
    ] = False,
) -> None:
    """Send every reminder that is due and was not sent yet."""
    from smsnotify.cli.inputs import readable
    from smsnotify.cli.working import Working

    desk = desk_of(ctx)
    readable([jobs] if jobs else [])
    working = Working(desk, "prejob", dry_run=dry_run, as_of=as_of)
    if jobs:
        from smsnotify.events.read import read_chunks

        working.take(jobs, read_chunks(jobs), jobs_only=True)
    working.remind()
    working.send(yes_volume)
    raise typer.Exit(working.finish())


@app.command("list", epilog=example("sms-notify prejob list", "sms-notify prejob list --json"))
def coming(
    ctx: typer.Context,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="TIME", help="Look from this time on.")
    ] = "",
) -> None:
    """Show the reminders that are coming, soonest first."""
    from smsnotify.cli.working import Working
    from smsnotify.engine.reminders import coming_reminders
    from smsnotify.gates.zones import known_zone

    desk = desk_of(ctx)
    working = Working(desk, "prejob", dry_run=True, as_of=as_of)
    now = working.clock()
    jobs, zone = working.planned_jobs(), desk.settings.timezone
    found = list(coming_reminders(jobs, working.rules, working.policy, now))
    working.memory.close()
    if desk.json:
        for reminder in found:
            due_at = reminder.due_at.isoformat()
            show.emit_json({"type": "reminder", "due_at": due_at, **_row(reminder)})
    elif found:
        rows = [
            (f"{one.due_at.astimezone(known_zone(zone)):%Y-%m-%d %H:%M}", *_row(one).values())
            for one in found
        ]
        show.table((f"due ({zone})", "rule", "job", "date"), rows)
    else:
        desk.note("no reminder is coming: no known job matches a rule with the event pre_job")


def _row(reminder: Any) -> dict[str, str]:
    job = reminder.planned.job
    return {
        "rule": reminder.rule.terms.name,
        "job": job.number,
        "date": str(job.date or ""),
    }
