"""`tick`: everything that is due, from one line of cron."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, single

_PING_S: Final = 10.0

app = single()


@app.command(
    epilog=example("sms-notify tick", "sms-notify tick --quiet --ping https://watchdog.example/abc")
)
def tick(
    ctx: typer.Context,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="TIME", help="The run's only clock; really sends.")
    ] = "",
    yes_volume: Annotated[
        bool, typer.Option("--yes-volume", help="Text more people than the volume guard allows.")
    ] = False,
    ping: Annotated[
        str,
        typer.Option(
            "--ping", metavar="URL", help="Call this address after a whole tick: a watchdog's."
        ),
    ] = "",
) -> None:
    """Do everything that is due: reminders, replies and plans, held and queued texts.

    It also asks providers about texts that they may or may not have, gives up what came too late,
    and once a day forgets what is old enough. Every minute or every five is a good beat.

    A watchdog that misses the call of --ping tells you that nothing is sent any more. A call that
    fails is told and changes nothing else.
    """
    from smsnotify.cli.instants import ago
    from smsnotify.cli.working import Working
    from smsnotify.engine.ticking import close_tick, overdue_since, turn

    if ping and urlsplit(ping).scheme not in ("http", "https"):
        raise UsageError(f"--ping {ping} is no web address", hint="write https://…")
    desk = desk_of(ctx)
    working = Working(desk, "tick", as_of=as_of)
    now = working.clock()
    late_since = None if as_of else overdue_since(working.store, now)
    with turn(working.store, desk.clock()) as is_ours:
        if is_ours:
            if late_since is not None:
                when = ago(late_since, now)
                desk.warn(f"late: tick ran {when}, and what was due since leaves only now")
            working.remind()
            working.release()
            working.talk()
        else:
            desk.note("another tick is at work: what is due is left to it")
    working.look_up()
    working.send(yes_volume)
    if is_ours and not working.is_over:
        close_tick(working.store, now)
    if desk.json:
        show.emit_json({"type": "tick", "at": now.isoformat(), "released": working.released})
    was_whole = not working.is_over
    code = working.finish()
    if ping and was_whole:
        _call(desk, ping)
    raise typer.Exit(code)


def _call(desk: Desk, address: str) -> None:
    import httpx

    try:
        httpx.get(address, timeout=_PING_S, follow_redirects=True).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # The address may hold a key of the watchdog: it is not repeated.
        desk.warn(f"the call of --ping failed: {type(error).__name__}")
