"""`pull`: jobs from an API, through the same intake as a file."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from smsnotify.base.durations import parse_duration
from smsnotify.base.errors import ConfigError, UsageError
from smsnotify.cli.frame import desk_of, example, group

app = group("Fetch jobs from an API and treat them like job events.", "sms-notify pull detrack")


@app.command(
    epilog=example("sms-notify pull detrack", "sms-notify pull detrack --since 2d --dry-run")
)
def detrack(
    ctx: typer.Context,
    since: Annotated[
        str,
        typer.Option("--since", metavar="SPAN", help="Jobs dated from this long ago: 12h, 2d."),
    ] = "2d",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide everything, store and send nothing.")
    ] = False,
    queue_only: Annotated[
        bool, typer.Option("--queue-only", help="Store the texts; `deliver` sends them.")
    ] = False,
    yes_volume: Annotated[
        bool, typer.Option("--yes-volume", help="Text more people than the volume guard allows.")
    ] = False,
) -> None:
    """Fetch jobs from Detrack and text about what happened since the last look."""
    from smsnotify.cli.working import Working
    from smsnotify.engine.pull import pull_chunks
    from smsnotify.gates.zones import known_zone
    from smsnotify.sources.detrack import DetrackPull

    desk = desk_of(ctx)
    source = desk.settings.detrack
    if source is None:
        raise ConfigError(
            "the settings have no [detrack] table",
            hint="write the key into detrack.key, chmod 600 it, then "
            "sms-notify config set detrack.api_key.file detrack.key",
        )
    now = desk.clock().astimezone(known_zone(desk.settings.timezone))
    since_day = _day_before(now, since)
    working = Working(desk, "pull", dry_run=dry_run)
    pull = DetrackPull(source.api_key, source.base_url)
    chunks = pull_chunks(pull, since_day, now.date())
    working.take("detrack", chunks, format="detrack", title="Detrack's list")
    working.send(yes_volume, queue_only=queue_only)
    raise typer.Exit(working.finish())


def _day_before(now: datetime, since: str) -> date:
    try:
        return (now - parse_duration(since)).date()
    except ValueError as error:
        raise UsageError(f"--since: {error}") from None
    except OverflowError:
        raise UsageError(f"--since {since} is longer than there were calendars") from None
