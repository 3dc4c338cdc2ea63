"""`resume`: the end of the emergency stop."""

from __future__ import annotations

from typing import Annotated

import typer

from smsnotify.cli.frame import desk_of, example, single

app = single()


@app.command(epilog=example("sms-notify resume", "sms-notify resume --account main"))
def resume(
    ctx: typer.Context,
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help="Only this account.")
    ] = "",
) -> None:
    """Allow sending again.

    Texts that expired meanwhile stay unsent. What else is due leaves with the next
    `sms-notify deliver` or `sms-notify tick`.
    """
    from smsnotify.cli.acting import audited
    from smsnotify.cli.show import emit_json, say

    desk = desk_of(ctx)
    with audited(desk, "account.resume", account or "everything"):
        ended = desk.store.resume(account)
    if desk.json:
        emit_json({"type": "pause", "account": account, "paused": False, "was_paused": ended})
    else:
        what = account or "everything"
        say(f"{what}: sending again" if ended else f"{what}: was not paused")
