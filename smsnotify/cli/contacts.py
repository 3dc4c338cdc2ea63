"""`contacts`: the people behind numbers, what is known of them, and what they want."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, group

SOURCE: Final = "by_hand"
REJECTED: Final = 1
NOBODY_YET: Final = "nothing is known of anybody: no opt-out, and no contact was imported"

app = group(
    "Keep what is known of people, and what they want.",
    "sms-notify contacts show +6591230000",
    "sms-notify contacts opt-out +6591230000",
    "sms-notify contacts list --opted-out",
)

Numbers = Annotated[
    list[str], typer.Argument(metavar="NUMBER", help="Numbers; national ones by your country.")
]
Who = Annotated[str, typer.Argument(metavar="NUMBER|EMAIL", help="A number, or an email address.")]
Note = Annotated[str, typer.Option("--note", help="The evidence: who said so, and where.")]
Scope = Annotated[
    str, typer.Option("--scope", help="all, marketing, or sender:NUMBER for one of yours.")
]
Source = Annotated[
    str, typer.Option("--source", help="How they said it: phone, mail, in_person, by_hand.")
]


@app.command(
    "opt-out",
    epilog=example(
        'sms-notify contacts opt-out +6591230000 --source phone --note "called on 2 March"',
        "sms-notify contacts opt-out +6591230000 --scope marketing",
    ),
)
def opt_out(
    ctx: typer.Context,
    numbers: Numbers,
    note: Note = "",
    source: Source = SOURCE,
    scope: Scope = "all",
) -> None:
    """Never text these numbers again.

    Texts that wait for them are cancelled, and plans that they are in end.
    """
    _change(desk_of(ctx), numbers, note, source, scope, opted_out=True)


@app.command(
    "opt-in",
    epilog=example('sms-notify contacts opt-in +6591230000 --note "texted START to the office"'),
)
def opt_in(
    ctx: typer.Context,
    numbers: Numbers,
    note: Note = "",
    source: Source = SOURCE,
    scope: Scope = "all",
) -> None:
    """Text these numbers again, because they asked for it.

    Whoever opted out in their own words takes it back by texting START; if they did so another
    way, --note says how.
    """
    _change(desk_of(ctx), numbers, note, source, scope, opted_out=False)


@app.command(
    "import",
    epilog=example(
        "sms-notify contacts import people.csv",
        "sms-notify contacts import stopped.csv --opted-out",
        "sms-notify contacts import - --opted-out < numbers.txt",
    ),
)
def import_(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE|-", help="CSV with headings, JSON, or one number a line."),
    ],
    opted_out: Annotated[
        bool | None,
        typer.Option("--opted-out/--opted-in", help="For files without a column opted_out."),
    ] = None,
    note: Note = "",
) -> None:
    """Take over contacts and opt-outs from a file.

    Columns: phone_number or email, and any of name, language, time_zone, tags, opted_out,
    marketing (with marketing_note and marketing_at); any other column is a facet, typed as
    custom_fields say. JSON is what `contacts export --format json` writes.
    A row that cannot be read is told, and the rest goes on. Nobody who opted out in their own
    words is opted in.
    """
    from smsnotify.cli.contact_work import bring_in

    if bring_in(desk_of(ctx), file, opted_out=opted_out, note=note):
        raise typer.Exit(REJECTED)


@app.command(
    "export",
    epilog=example(
        "sms-notify contacts export > people.csv",
        "sms-notify contacts export --format json > people.jsonl",
    ),
)
def export(
    ctx: typer.Context,
    format: Annotated[
        str, typer.Option("--format", help="csv, or json with every consent and its evidence.")
    ] = "csv",
) -> None:
    """Write every contact to stdout, as `contacts import` takes it."""
    from smsnotify.cli.contact_export import write_out

    desk = desk_of(ctx)
    if format not in ("csv", "json"):
        raise UsageError(f"--format {format!r} is none", hint="it is csv or json")
    write_out(desk, "json" if desk.json else format)


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


@app.command("show", epilog=example("sms-notify contacts show +6591230000"))
def show_(
    ctx: typer.Context,
    who: Who,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="The newest so many of everything.")
    ] = 100,
) -> None:
    """Show a person: what is known, what they want, and all that happened, oldest first."""
    from smsnotify.cli.contact_story import tell

    tell(desk_of(ctx), who, limit)


@app.command(
    "set",
    epilog=example(
        "sms-notify contacts set +6591230000 tier=gold --name 'Mei Tan' --tag vip",
        "sms-notify contacts set +6591230000 tier=",
    ),
)
def set_(
    ctx: typer.Context,
    who: Who,
    facets: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help="Facets; nothing after = takes one away."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The person's name.")] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Such as en or zh-Hant.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="Such as Asia/Singapore.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; repeatable.")] = None,
    untag: Annotated[
        list[str] | None, typer.Option("--untag", help="A tag to take away; repeatable.")
    ] = None,
    email: Annotated[str, typer.Option("--email", help="One more address of the person.")] = "",
) -> None:
    """Set what is known of a person; whoever is not known yet is made."""
    from smsnotify.cli.contact_work import set_person

    given = {"name": name, "language": language, "time_zone": time_zone}
    set_person(desk_of(ctx), who, facets or [], given, tag or [], untag or [], email)


@app.command(epilog=example("sms-notify contacts forget +6591230000 --yes"))
def forget(
    ctx: typer.Context,
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person for good; of an opt-out only a keyed hash stays, as proof.

    Contact, interactions, replies, texts and answers go; texts that wait are cancelled, plans
    end. Jobs and events are forgotten by age: `db prune`.
    """
    from smsnotify.cli.contact_work import forget_person

    forget_person(desk_of(ctx), who, sure=yes)


def _change(
    desk: Desk, numbers: list[str], note: str, source: str, scope: str, *, opted_out: bool
) -> None:
    """Read every number before any is written: half a list would be worse than none."""
    from smsnotify.cli.acting import audited
    from smsnotify.cli.contact_work import read_numbers, read_scope, refuse_undoing
    from smsnotify.engine.auditing import nickname
    from smsnotify.engine.wishes import carry_out
    from smsnotify.model.contact import ConsentChange

    known = read_numbers(desk, numbers)
    wanted = read_scope(desk, scope)
    now = desk.clock()
    if not opted_out:
        refuse_undoing(desk, known, wanted, note)
    changes = [
        ConsentChange(
            recipient=number,
            opted_out=opted_out,
            source=source.strip() or SOURCE,
            at=now,
            note=note,
            scope=wanted,
        )
        for number in known
    ]
    word = "contact.opt_out" if opted_out else "contact.opt_in"
    named = known[0] if len(known) == 1 else f"{len(known)} numbers"
    about = nickname(desk.store, named) if len(known) == 1 else named
    with audited(desk, word, about) as trail:
        carry_out(desk.store, changes, now)
        trail.came_to(wanted.removeprefix("purpose:"))
    for one in changes:
        if desk.json:
            show.emit_json(_told(one))
        else:
            what = "opted out of" if opted_out else "opted in to"
            which = one.scope.removeprefix("purpose:")
            show.say(f"{one.recipient}: {what} {'all texts' if which == 'all' else which}")


def _told(change: Any) -> dict[str, object]:
    return {
        "type": "contact",
        "recipient": change.recipient,
        "opted_out": change.opted_out,
        "source": change.source,
        "note": change.note,
        "scope": change.scope,
    }
