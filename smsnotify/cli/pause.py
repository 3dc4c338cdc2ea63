"""`pause`: the emergency stop."""

from __future__ import annotations

from typing import Annotated

import typer

from smsnotify.cli.frame import desk_of, example, single
from smsnotify.cli.pausing import known_account

app = single()


@app.command(epilog=example("sms-notify pause", "sms-notify pause --account main"))
def pause(
    ctx: typer.Context,
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help="Only this account.")
    ] = "",
    note: Annotated[str, typer.Option("--note", help="Why, for whoever asks later.")] = "",
) -> None:
    """Stop sending everywhere, at once.

    It is kept in the database: every process that sends obeys within two seconds,
    until `sms-notify resume`. What was queued stays queued.
    """
    from smsnotify.cli.acting import audited
    from smsnotify.cli.show import emit_json, say

    desk = desk_of(ctx)
    known_account(desk, account)
    with audited(desk, "account.pause", account or "everything"):
        desk.store.pause(account, note=note or f"since {desk.clock():%Y-%m-%d %H:%M} UTC")
    if desk.json:
        emit_json({"type": "pause", "account": account, "paused": True})
    else:
        say(f"paused: {account or 'everything'}; sms-notify resume ends it")
