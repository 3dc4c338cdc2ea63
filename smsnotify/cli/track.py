"""`track`: tell what a person did, on any channel."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli.frame import desk_of, example, single

REJECTED = 1

app = single()


@app.command(
    epilog=example(
        "sms-notify track page_view --contact +6591230000 --data page=/prices",
        "sms-notify track order --contact mei@example.com --channel shop --value 49.90 --id 1017",
        "sms-notify track --file interactions.jsonl",
    )
)
def track(
    ctx: typer.Context,
    event: Annotated[str, typer.Argument(metavar="[EVENT]", help="What happened, in a word.")] = "",
    contact: Annotated[
        str, typer.Option("--contact", help="Whose it is: a number or an email address.")
    ] = "",
    channel: Annotated[str, typer.Option("--channel", help="Where: web, shop, app, …")] = "web",
    value: Annotated[float | None, typer.Option("--value", help="What it is worth.")] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="NAME=VALUE", help="What else is known; repeatable."),
    ] = None,
    id: Annotated[
        str, typer.Option("--id", help="Your own id of it: told twice, it is kept once.")
    ] = "",
    time: Annotated[str, typer.Option("--time", help="When, with its offset; now.")] = "",
    file: Annotated[
        str, typer.Option("--file", metavar="FILE|-", help="Many of them, one JSON object a line.")
    ] = "",
) -> None:
    """Record what a person did, and tell the rules of it.

    Rules hear of events that they know: the built-in ones and custom_events. Texts are queued;
    `deliver` or `serve` sends them.
    """
    import msgspec

    from smsnotify.cli.decided import rejected_line
    from smsnotify.cli.show import emit_json, say
    from smsnotify.engine.tracking import Tracker
    from smsnotify.wiring import conversations

    desk = desk_of(ctx)
    if file:
        if event or contact:
            raise UsageError("--file stands alone", hint="what happened stands in the file")
        lines = _lines(file)
    else:
        if not event or not contact:
            raise UsageError(
                "what happened, and to whom?",
                hint="sms-notify track page_view --contact +65…; or --file FILE",
            )
        told: dict[str, Any] = {"event": event, "contact": contact, "channel": channel}
        told |= {"data": dict(map(_pair, data or []))}
        if value is not None and not isfinite(value):  # JSON has no word for it: it would be lost
            raise UsageError("--value is no number", hint="--value 49.90")
        more = (("value", value), ("id", id), ("time", time))
        told |= {name: one for name, one in more if one not in (None, "")}
        lines = [msgspec.json.encode(told)]
    made = conversations.desk(desk.settings, desk.store, desk.book)
    tracker = Tracker(made, source=file or "track")
    report = tracker.take_all(lines, desk.clock)
    if not file and report.rejected:
        one = report.rejected[0]
        raise UsageError(one.message, hint=one.hint)
    for one in report.rejected:
        if desk.json:
            emit_json(one.as_json())
        else:
            desk.note(rejected_line(one))
    if desk.json:
        emit_json({"type": "tracked", **report.as_json()})
    else:
        tally = report.tally
        say(
            f"{report.accepted} kept, {report.repeated} known before, "
            f"{report.rejected_count} rejected; {tally.queued} texts queued, {tally.held} held"
        )
    if report.rejected_count:
        raise typer.Exit(REJECTED)


def _pair(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--data {written!r} says nothing", hint="NAME=VALUE")
    return name.strip(), value


def _lines(file: str) -> list[bytes]:
    from pathlib import Path

    from smsnotify.base.errors import InputError
    from smsnotify.engine.posted import Layout, split_body
    from smsnotify.events.blocks import standard_input

    try:
        raw = standard_input().read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError("the name of the file is no usable path") from None
    return split_body(raw, Layout.VALUES if raw.lstrip()[:1] == b"[" else Layout.LINES)
