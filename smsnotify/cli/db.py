"""`db`: looking after the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from smsnotify.cli import show
from smsnotify.cli.frame import desk_of, example, group

DAMAGED: Final = 3

app = group(
    "Look after the database.", "sms-notify db check", "sms-notify db backup sms-notify.copy.db"
)


@app.command(epilog=example("sms-notify db upgrade"))
def upgrade(ctx: typer.Context) -> None:
    """Bring the database to this program's version.

    SQLite needs no call: it is brought up to date on first use.
    """
    from smsnotify.store.open import upgrade_store

    desk = desk_of(ctx)
    before, after = upgrade_store(desk.settings.database)
    if desk.json:
        show.emit_json({"type": "db_upgrade", "before": before, "after": after})
    elif before == after:
        show.say(f"the database is of version {after} already")
    else:
        show.say(f"the database went from {before or 'nothing'} to version {after}")


@app.command(epilog=example("sms-notify db check"))
def check(ctx: typer.Context) -> None:
    """Examine the whole database; ends with 3 when it is not sound."""
    from smsnotify.store.open import open_store

    desk = desk_of(ctx)
    with open_store(desk.settings.database, create=False) as store:
        found = store.check()
    if desk.json:
        told = {"place": found.place, "version": found.version}
        show.emit_json({"type": "db_check", **told, "rows": found.rows, "problems": found.problems})
    else:
        show.say(f"{found.place}, version {found.version}")
        show.table(("table", "rows"), found.rows.items())
        for problem in found.problems:
            show.say(f"problem: {problem}", "red")
        if not found.problems:
            show.say("it is sound")
    if found.problems:
        raise typer.Exit(DAMAGED)


@app.command(epilog=example("sms-notify db prune"))
def prune(ctx: typer.Context) -> None:
    """Forget what is old enough; `tick` and `serve` do it once a day.

    Bodies, events and raw jobs after 90 days; decisions, attempts, receipts and errands after 30;
    messages and jobs, so that an old file texts nobody again, replies, interactions and ended
    enrolments after 400. What is not settled stays; so do contacts and consents.
    """
    from smsnotify.engine.ticking import prune_now
    from smsnotify.store.open import open_store

    desk = desk_of(ctx)
    with open_store(desk.settings.database, create=False) as store:
        forgotten = prune_now(store, desk.clock())
    if desk.json:
        show.emit_json({"type": "db_prune", "forgotten": forgotten})
    else:
        show.table(("forgotten", "rows"), forgotten.items())


@app.command(epilog=example("sms-notify db backup /backup/sms-notify.db"))
def backup(
    ctx: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
) -> None:
    """Copy an SQLite database while others go on writing."""
    from smsnotify.store.open import open_store

    desk = desk_of(ctx)
    with open_store(desk.settings.database, create=False) as store:
        size = store.backup(target)
    if desk.json:
        show.emit_json({"type": "db_backup", "file": str(target), "bytes": size})
    else:
        show.say(f"wrote {target} ({size:,} bytes)")
