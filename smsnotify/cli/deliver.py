"""`deliver`: send what is queued or due."""

from __future__ import annotations

from typing import Annotated

import typer

from smsnotify.cli import show
from smsnotify.cli.frame import desk_of, example, single

app = single()


@app.command(epilog=example("sms-notify deliver", "sms-notify deliver --watch"))
def deliver(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until asked to end.")] = False,
) -> None:
    """Send the texts that are queued or due.

    With --watch, Ctrl-C and SIGTERM are how it ends: at a message boundary, and with 0.
    """
    from smsnotify.cli import delivering

    desk = desk_of(ctx)
    work = delivering.watch_outbox if watch else delivering.deliver
    report = work(desk, desk.clock)
    code = 0 if watch else report.exit_code
    if desk.json:
        show.emit_json(report.as_json())
    elif code or not desk.quiet:
        show.pairs(report.lines())
    raise typer.Exit(code)
