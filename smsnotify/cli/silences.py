"""`silences`: for some time a group, or a rule, texts nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from smsnotify.cli.frame import desk_of, example, group

if TYPE_CHECKING:
    from datetime import datetime

    from smsnotify.cli.desk import Desk

app = group(
    "Silence a group or a rule for some time, and say why.",
    'sms-notify silences add --group ACME --for 3h --reason "warehouse flood"',
    "sms-notify silences list",
    "sms-notify silences expire 01kjpnhfc0",
)


@app.command(
    epilog=example(
        'sms-notify silences add --group ACME --for 3h --reason "warehouse flood"',
        "sms-notify silences add --rule delayed --from 2026-12-24T18:00 --for 6h --reason holiday",
    )
)
def add(
    ctx: typer.Context,
    lasting: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long: 3h, 2d.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for others.")],
    of_group: Annotated[
        str, typer.Option("--group", metavar="GROUP", help="Only jobs of this group (group_name).")
    ] = "",
    rule: Annotated[
        str, typer.Option("--rule", metavar="RULE", help="Only this rule, by id or name.")
    ] = "",
    start: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="When it begins, in the settings' zone; now."),
    ] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who you are; $USER.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every rule and every group.")] = False,
) -> None:
    """Silence rules: what they would say meanwhile is stopped, not kept for later.

    Texts of plans that people are in go on, and so do answers.
    """
    from smsnotify.base.errors import UsageError
    from smsnotify.cli.acting import audited
    from smsnotify.cli.instants import read_as_of
    from smsnotify.cli.show import emit_json, say
    from smsnotify.engine.silencing import make_silence, read_line, read_span, rule_id, silenced

    desk = desk_of(ctx)
    if everything is bool(of_group.strip() or rule.strip()):
        raise UsageError("say what to silence", hint="--group, --rule or both; or else --all")
    span = read_span(lasting, "--for")
    now = desk.clock()
    made = make_silence(
        group=read_line(of_group, "--group"),
        rule=rule_id(desk.rules, rule.strip()) if rule.strip() else "",
        reason=read_line(reason, "--reason", needed="say why, others will ask"),
        author=read_line(by or _user(), "--by", needed="say who you are: --by NAME"),
        begins=read_as_of(start, lambda: now, desk.settings.timezone, option="--from")(),
        lasting=span,
        now=now,
    )
    with audited(desk, "silence.add", made.id) as trail:
        desk.store.add_silence(made)
        what = silenced(made.group, made.rule)
        trail.came_to(f"{what} until {made.ends_at:%Y-%m-%d %H:%M} UTC: {made.reason}")
    if desk.json:
        emit_json(made.as_json(now))
        return
    say(made.id)
    desk.note(
        f"{what} silenced until {_local(made.ends_at, desk)}; sms-notify silences expire {made.id}"
    )


@app.command("list", epilog=example("sms-notify silences list"))
def list_(ctx: typer.Context) -> None:
    """List the silences, who made them and why, and how many texts each one stopped."""
    from smsnotify.cli.show import emit_json, table
    from smsnotify.engine.silencing import silenced

    desk = desk_of(ctx)
    silences = [] if desk.existing_store is None else desk.store.list_silences()
    stopped = desk.store.silenced(silences, str(desk.settings.mode)) if silences else {}
    now = desk.clock()
    if desk.json:
        for one in silences:
            emit_json(one.as_json(now) | {"stopped": stopped.get(one.id, 0)})
        return
    if not silences:
        desk.note("there is no silence; sms-notify silences add makes one")
        return
    table(
        ("id", "state", "what", "from", "until", "by", "reason", "stopped"),
        [
            (
                one.id,
                one.state(now),
                silenced(one.group, one.rule),
                _local(one.starts_at, desk),
                _local(min(one.ends_at, one.expired_at or one.ends_at), desk),
                one.author,
                one.reason,
                str(stopped.get(one.id, 0)),
            )
            for one in silences
        ],
    )


@app.command(epilog=example("sms-notify silences expire 01kjpnhfc0"))
def expire(
    ctx: typer.Context,
    silence: Annotated[
        str,
        typer.Argument(metavar="ID", help="As `silences list` shows it, or its beginning."),
    ],
) -> None:
    """End a silence now. What it stopped is not sent any more."""
    from smsnotify.base.errors import UsageError
    from smsnotify.cli.acting import audited
    from smsnotify.cli.show import emit_json, say
    from smsnotify.engine.silencing import silenced

    desk = desk_of(ctx)
    wanted, now = silence.strip().lower(), desk.clock()
    found = [] if desk.existing_store is None or not wanted else desk.store.silences_called(wanted)
    if len(found) != 1:
        what = f"{len(found)} silences begin with" if found else "there is no silence"
        raise UsageError(f"{what} {silence!r}", hint="sms-notify silences list")
    (one,) = found
    with audited(desk, "silence.expire", one.id, before=silenced(one.group, one.rule)) as trail:
        done = desk.store.expire_silence(one.id, now)
        trail.came_to("ended" if done else "nothing")
    if not done:
        raise UsageError(f"the silence {one.id} has ended already", hint="sms-notify silences list")
    if desk.json:
        emit_json({"type": "silence", "id": one.id, "state": "expired"})
    else:
        say(f"ended: {silenced(one.group, one.rule)} ({one.reason})")


def _user() -> str:
    import os

    return os.environ.get("USER") or os.environ.get("USERNAME") or ""


def _local(at: datetime, desk: Desk) -> str:
    from smsnotify.gates.zones import known_zone

    return f"{at.astimezone(known_zone(desk.settings.timezone)):%Y-%m-%d %H:%M}"
