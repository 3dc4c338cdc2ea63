"""`contacts`: who does not want to be texted, with the evidence."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, group

SOURCE: Final = "by_hand"
REJECTED: Final = 1
NOBODY_YET: Final = "nothing is known of anybody: no opt-out, and no contact was imported"

app = group(
    "Keep who does not want to be texted.",
    "sms-notify contacts opt-out +6591230000",
    "sms-notify contacts list --opted-out",
)

Numbers = Annotated[
    list[str], typer.Argument(metavar="NUMBER", help="Numbers; national ones by your country.")
]
Note = Annotated[str, typer.Option("--note", help="The evidence: who said so, and where.")]


@app.command(
    "opt-out", epilog=example('sms-notify contacts opt-out +6591230000 --note "called on 2 March"')
)
def opt_out(ctx: typer.Context, numbers: Numbers, note: Note = "") -> None:
    """Never text these numbers again."""
    _change(desk_of(ctx), numbers, note, opted_out=True)


@app.command("opt-in", epilog=example("sms-notify contacts opt-in +6591230000"))
def opt_in(ctx: typer.Context, numbers: Numbers, note: Note = "") -> None:
    """Text these numbers again, because they asked for it."""
    _change(desk_of(ctx), numbers, note, opted_out=False)


@app.command(
    "import",
    epilog=example(
        "sms-notify contacts import stopped.csv --opted-out",
        "sms-notify contacts import - --opted-out < numbers.txt",
    ),
)
def import_(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="CSV with headings, or one number a line.")
    ],
    opted_out: Annotated[
        bool | None,
        typer.Option("--opted-out/--opted-in", help="For files without a column opted_out."),
    ] = None,
    note: Note = "",
) -> None:
    """Take over contacts and opt-outs from a file.

    Columns: phone_number, and any of opted_out (yes or no), name, language, time_zone, note.
    A row that cannot be read is told, and the rest goes on.
    """
    from smsnotify.cli.contact_file import read_contacts, save_contacts

    desk = desk_of(ctx)
    rows, rejected = read_contacts(file, country=desk.country, opted_out=opted_out, note=note)
    for line, reason in rejected:
        if desk.json:
            show.emit_json({"type": "rejected", "source": file, "line": line, "reason": reason})
        else:
            desk.note(f"{file}:{line}: rejected, {reason}")
    changed = save_contacts(desk.store, rows, desk.clock(), source="import")
    if desk.json:
        told = {"contacts": len(rows), "consents": changed, "rejected": len(rejected)}
        show.emit_json({"type": "import", **told})
    else:
        show.say(f"{len(rows)} contacts, {changed} consents, {len(rejected)} rows rejected")
    if rejected:
        raise typer.Exit(REJECTED)


@app.command("list", epilog=example("sms-notify contacts list --opted-out --json"))
def list_(
    ctx: typer.Context,
    opted_out: Annotated[
        bool | None, typer.Option("--opted-out/--opted-in", help="Only these.")
    ] = None,
) -> None:
    """List the contacts that something is known of."""
    desk = desk_of(ctx)
    found = () if desk.existing_store is None else desk.store.contacts(opted_out=opted_out)
    rows = []
    for one in found:
        if desk.json:
            show.emit_json(
                {
                    "type": "contact",
                    "recipient": one.address,
                    "opted_out": one.opted_out,
                    "source": one.source,
                    "note": one.note,
                    "at": one.at.isoformat() if one.at else None,
                    "name": one.name,
                    "language": one.language,
                    "time_zone": one.time_zone,
                }
            )
            continue
        word = "opted out" if one.opted_out else ""
        at = f"{one.at:%Y-%m-%d %H:%M}" if one.at else ""
        rows.append((one.address, word, one.source, at, one.name, one.time_zone, one.note))
    if rows:
        show.table(("recipient", "consent", "how", "at (UTC)", "name", "zone", "note"), rows)
    elif not desk.json:
        desk.note(NOBODY_YET if opted_out is None else "no contact is like that")


def _change(desk: Desk, numbers: list[str], note: str, *, opted_out: bool) -> None:
    """Read every number before any is written: half a list would be worse than none."""
    from smsnotify.cli.contact_file import ContactRow, save_contacts
    from smsnotify.text.phone import read_number

    rows = []
    for written in numbers:
        read = read_number(written, "", desk.country)
        if read.reason:
            raise UsageError(
                f"{written!r} is no mobile number ({read.reason})",
                hint="write it with + and the country code",
            )
        rows.append(ContactRow(read.e164, opted_out=opted_out, note=note))
    save_contacts(desk.store, rows, desk.clock(), source=SOURCE)
    for row in rows:
        if desk.json:
            told = {"type": "contact", "recipient": row.number, "opted_out": opted_out}
            show.emit_json(told | {"source": SOURCE, "note": note})
        else:
            show.say(f"{row.number}: {'opted out' if opted_out else 'opted in'}")
