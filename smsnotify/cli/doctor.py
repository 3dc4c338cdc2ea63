"""`doctor`: a look over everything, with what to do about what is wrong."""

from __future__ import annotations

import typer

from smsnotify.cli import show
from smsnotify.cli.frame import desk_of, example, single

app = single()

_MARKS = {"ok": "✓", "warning": "!", "error": "✗"}


@app.command(epilog=example("sms-notify doctor", "sms-notify doctor --json"))
def doctor(ctx: typer.Context) -> None:
    """Look over settings, database, rules and accounts.

    Sends nothing and asks no provider (`providers check` does).
    Ends with 2 or 3 when something is wrong, and with 0 when there are only warnings.
    """
    from smsnotify.cli.checkup import examine

    desk = desk_of(ctx)
    code = 0
    for finding in examine(desk):
        code = max(code, finding.exit_code)
        if desk.json:
            show.emit_json(finding.as_json())
            continue
        show.say(
            f"{_MARKS[finding.status]} {finding.name}: {finding.detail}",
            "" if finding.status == "ok" else show.mark(finding.status),
        )
        if finding.hint:
            show.say(f"    {finding.hint}", "dim")
    if code:
        raise typer.Exit(code)
