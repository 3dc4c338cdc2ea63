"""`tick`: everything that is due, from one line of cron."""

from __future__ import annotations

from typing import Annotated

import typer

from smsnotify.cli import show
from smsnotify.cli.frame import desk_of, example, single

app = single()


@app.command(epilog=example("sms-notify tick", "sms-notify tick --quiet"))
def tick(
    ctx: typer.Context,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="TIME", help="The run's only clock; really sends.")
    ] = "",
    yes_volume: Annotated[
        bool, typer.Option("--yes-volume", help="Text more people than the volume guard allows.")
    ] = False,
) -> None:
    """Do everything that is due: reminders, replies and plans, held and queued texts.

    It also asks providers about texts that they may or may not have, gives up what came too late,
    and once a day forgets what is old enough. Every minute or every five is a good beat.
    """
    from smsnotify.cli.working import Working
    from smsnotify.engine.ticking import close_tick

    desk = desk_of(ctx)
    working = Working(desk, "tick", as_of=as_of)
    now = working.clock()
    working.remind()
    working.release()
    working.talk()
    working.look_up()
    working.send(yes_volume)
    if not working.is_over:
        close_tick(working.store, now)
    if desk.json:
        show.emit_json({"type": "tick", "at": now.isoformat(), "released": working.released})
    raise typer.Exit(working.finish())
