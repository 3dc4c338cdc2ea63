"""`keys`: the keys that programs post events with."""

from __future__ import annotations

from typing import Annotated

import typer

from smsnotify.cli.frame import desk_of, example, group

app = group(
    "Keep the keys that programs post events with.",
    "sms-notify keys create dispatch",
    "sms-notify keys list",
    "sms-notify keys revoke dispatch",
)


@app.command(epilog=example("sms-notify keys create dispatch"))
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.")],
) -> None:
    """Make a key and show it: now, and never again.

    It goes into the header X-API-Key, or `Authorization: Bearer`; for Detrack also as
    the password of its webhook. Only a hash of it is stored.
    """
    from smsnotify.base.errors import UsageError
    from smsnotify.cli.acting import audited
    from smsnotify.cli.show import emit_json, say
    from smsnotify.engine.api_keys import hash_key, make_key

    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise UsageError("a key's name is 1 to 100 characters that can be printed")
    desk = desk_of(ctx)
    key = make_key()
    with audited(desk, "key.create", name) as trail:
        made = desk.store.add_key(name, hash_key(key), desk.clock())
        trail.came_to("nothing" if made is None else "made")
    if made is None:
        raise UsageError(
            f"there is a key {name!r} already",
            hint=f"sms-notify keys revoke {name} ends it; or take another name",
        )
    if desk.json:
        emit_json(made.as_json() | {"key": key})
        return
    say(key)
    desk.note("keep it now: it is not shown again")


@app.command("list", epilog=example("sms-notify keys list"))
def list_(ctx: typer.Context) -> None:
    """List the keys: when they were made, last used and revoked."""
    from smsnotify.cli.instants import ago
    from smsnotify.cli.show import emit_json, table

    desk = desk_of(ctx)
    keys = [] if desk.existing_store is None else desk.store.list_keys()
    if desk.json:
        for key in keys:
            emit_json(key.as_json())
        return
    if not keys:
        desk.note("there is no key; sms-notify keys create NAME makes one")
        return
    now = desk.clock()
    table(
        ("name", "id", "made", "last used", "revoked"),
        [
            (
                key.name,
                key.id,
                ago(key.created_at, now),
                ago(key.last_used_at, now) if key.last_used_at else "never",
                ago(key.revoked_at, now) if key.revoked_at else "",
            )
            for key in keys
        ],
    )


@app.command(epilog=example("sms-notify keys revoke dispatch"))
def revoke(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="As `keys list` shows it.")],
) -> None:
    """End a key: from now on nobody gets in with it."""
    from smsnotify.base.errors import UsageError
    from smsnotify.cli.acting import audited
    from smsnotify.cli.show import emit_json, say

    desk = desk_of(ctx)
    name = name.strip()
    done = False
    if desk.existing_store is not None:
        with audited(desk, "key.revoke", name) as trail:
            done = desk.store.revoke_key(name, desk.clock())
            trail.came_to("revoked" if done else "nothing")
    if not done:
        raise UsageError(f"there is no key {name!r} in use", hint="sms-notify keys list")
    if desk.json:
        emit_json({"type": "key", "name": name, "revoked": True})
    else:
        say(f"revoked: {name}")
