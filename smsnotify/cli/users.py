"""`users`: who may log in to the console, and what people changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from smsnotify.cli.frame import desk_of, example, group

if TYPE_CHECKING:
    from smsnotify.cli.desk import Desk
    from smsnotify.model.user import Role

app = group(
    "Keep who may log in to the console, and see what people changed.",
    "sms-notify users add mei.tan --role clerk",
    "sms-notify users list",
    "sms-notify users audit",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `users list` shows it.")]
RoleOption = Annotated[
    str, typer.Option("--role", help="viewer reads; clerk also answers, decides and changes.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


@app.command(
    epilog=example(
        "sms-notify users add mei.tan --role clerk",
        "pass show desk | sms-notify users add ops --password-stdin",
    )
)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="a to z, digits and . _ @ -")],
    role: RoleOption = "clerk",
    password_stdin: FromStdin = False,
) -> None:
    """Let somebody in, with a password that is asked for.

    It has 12 characters or more; only an argon2id hash of it is stored.
    """
    from smsnotify.cli.acting import actor
    from smsnotify.cli.show import emit_json, say
    from smsnotify.engine.logins import add_user
    from smsnotify.engine.passwords import read_name

    wanted = _role(role)
    name = read_name(name)
    desk = desk_of(ctx)
    password = _password(name, password_stdin)
    made = add_user(desk.store, name, wanted, password, actor(), desk.clock())
    if desk.json:
        emit_json(made.as_json())
    else:
        say(f"added: {made.name}, {made.role.value}; they log in at /console of sms-notify serve")


@app.command("list", epilog=example("sms-notify users list"))
def list_(ctx: typer.Context) -> None:
    """List the users: their role, and when they were last there."""
    from smsnotify.cli.instants import ago
    from smsnotify.cli.show import emit_json, table

    desk = desk_of(ctx)
    users = [] if desk.existing_store is None else desk.store.list_users()
    if desk.json:
        for user in users:
            emit_json(user.as_json())
        return
    if not users:
        desk.note("there is no user; sms-notify users add NAME makes one")
        return
    now = desk.clock()
    table(
        ("name", "role", "added", "logged in", "disabled"),
        [
            (
                user.name,
                user.role.value,
                ago(user.created_at, now),
                ago(user.logged_in_at, now) if user.logged_in_at else "never",
                ago(user.disabled_at, now) if user.disabled_at else "",
            )
            for user in users
        ],
    )


@app.command("role", epilog=example("sms-notify users role mei.tan viewer"))
def role_(
    ctx: typer.Context,
    name: Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer or clerk.")],
) -> None:
    """Give a user another role; it counts at once."""
    from smsnotify.cli.acting import actor
    from smsnotify.engine.auditing import entry_of
    from smsnotify.engine.logins import user_called

    wanted = _role(role)
    desk = desk_of(ctx)
    user = user_called(desk.store, name)
    now = desk.clock()
    before, after = user.role.value, wanted.value
    entry = entry_of(actor(), "user.role", user.name, now, before=before, after=after)
    desk.store.set_role(user, wanted, entry)
    _told(desk, user.name, f"{after} instead of {before}", role=after)


@app.command(epilog=example("sms-notify users disable mei.tan"))
def disable(ctx: typer.Context, name: Name) -> None:
    """Let a user in no more, and end every session of theirs now."""
    _switch(desk_of(ctx), name, on=False)


@app.command(epilog=example("sms-notify users enable mei.tan"))
def enable(ctx: typer.Context, name: Name) -> None:
    """Let a user in again who was disabled."""
    _switch(desk_of(ctx), name, on=True)


@app.command(epilog=example("sms-notify users passwd mei.tan"))
def passwd(ctx: typer.Context, name: Name, password_stdin: FromStdin = False) -> None:
    """Give a user another password, and end every session of theirs."""
    from smsnotify.cli.acting import actor
    from smsnotify.engine.logins import change_password, user_called

    desk = desk_of(ctx)
    user = user_called(desk.store, name)
    password = _password(user.name, password_stdin)
    change_password(desk.store, user, password, actor(), desk.clock())
    _told(desk, user.name, "has another password; their sessions have ended", password=True)


@app.command(epilog=example("sms-notify users remove mei.tan"))
def remove(ctx: typer.Context, name: Name) -> None:
    """Delete a user; what they did stays in the audit."""
    from smsnotify.cli.acting import actor
    from smsnotify.engine.auditing import entry_of
    from smsnotify.engine.logins import user_called

    desk = desk_of(ctx)
    user = user_called(desk.store, name)
    now = desk.clock()
    desk.store.remove_user(
        user, entry_of(actor(), "user.remove", user.name, now, before=user.role.value)
    )
    _told(desk, user.name, "removed", removed=True)


@app.command(epilog=example("sms-notify users audit", "sms-notify users audit --who mei.tan"))
def audit(
    ctx: typer.Context,
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="Only of this person.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="The newest so many.")] = 50,
) -> None:
    """List what people changed, the newest first: who, when, what, and what came of it."""
    from smsnotify.cli.show import emit_json, table

    desk = desk_of(ctx)
    found = []
    if desk.existing_store is not None:
        found = desk.store.list_changes(who=who.strip(), limit=limit)
    if desk.json:
        for one in found:
            emit_json(one.as_json())
        return
    if not found:
        desk.note("nobody has changed anything")
        return
    table(
        ("at (UTC)", "who", "by", "what", "about", "before", "after"),
        [
            (f"{e.at:%Y-%m-%d %H:%M}", e.who, e.door, e.what, e.about, e.before, e.after)
            for e in found
        ],
    )


def _switch(desk: Desk, name: str, *, on: bool) -> None:
    from smsnotify.base.errors import UsageError
    from smsnotify.cli.acting import actor
    from smsnotify.engine.auditing import entry_of
    from smsnotify.engine.logins import user_called

    user = user_called(desk.store, name)
    if (user.disabled_at is None) is on:
        raise UsageError(f"{user.name} is {'enabled' if on else 'disabled'} already")
    now = desk.clock()
    word = "enable" if on else "disable"
    entry = entry_of(actor(), f"user.{word}", user.name, now)
    desk.store.set_disabled(user, None if on else now, entry)
    told = "may log in again" if on else "is let in no more; their sessions have ended"
    _told(desk, user.name, told, disabled=not on)


def _role(written: str) -> Role:
    from smsnotify.base.errors import UsageError
    from smsnotify.model.user import Role

    try:
        return Role(written.strip().lower())
    except ValueError:
        raise UsageError(f"there is no role {written!r}", hint="viewer or clerk") from None


def _password(name: str, from_stdin: bool) -> str:
    """Read a password: from standard input, or twice from whoever sits there. Never an option."""
    import sys

    from smsnotify.base.errors import UsageError
    from smsnotify.cli.show import can_ask

    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not can_ask():
        raise UsageError("nobody can be asked for the password", hint="--password-stdin reads it")
    from getpass import getpass

    first = getpass(f"Password for {name}: ")
    if getpass("Once more: ") != first:
        raise UsageError("the two passwords differ")
    return first


def _told(desk: Desk, name: str, told: str, **facts: object) -> None:
    from smsnotify.cli.show import emit_json, say

    if desk.json:
        emit_json({"type": "user", "name": name, **facts})
    else:
        say(f"{name}: {told}")
