"""`replies`: the clerks' inbox, and what people wrote before."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, group
from smsnotify.cli.instants import ago, read_since
from smsnotify.cli.message_table import SHORT_ID
from smsnotify.cli.reply_lines import reply_json
from smsnotify.store.replies import StoredReply, WantedReplies

NOTHING_YET: Final = "nobody has written yet"
STATES: Final = ("new", "worked", "inbox", "doubtful")
_OPEN: Final = frozenset({"inbox", "doubtful"})

app = group(
    "Read and answer what people write, and decide likely opt-outs.",
    "sms-notify replies list",
    'sms-notify replies answer 01j8xk "It comes at noon."',
    "sms-notify replies opt-out 01j8xk",
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The id, or how it begins.")]
Note = Annotated[str, typer.Option("--note", help="Why, for the record.")]


@app.command(
    "list", epilog=example("sms-notify replies list", "sms-notify replies list --all --since 3d")
)
def list_(
    ctx: typer.Context,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="new, worked, inbox or doubtful; repeatable."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that are done too.")] = False,
    sender: Annotated[str, typer.Option("--from", help="Only of this number.")] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Only younger: 2h, 3d, or a date.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="The newest so many; 0: all.")] = 50,
) -> None:
    """List what waits for a clerk, the newest first: the inbox, and likely opt-outs."""
    desk = desk_of(ctx)
    for one in state or ():
        if one not in STATES:
            raise UsageError(f"--state {one!r} is none", hint=f"it is one of {', '.join(STATES)}")
    if desk.existing_store is None:
        desk.note(NOTHING_YET)
        return
    wanted = WantedReplies(
        states=frozenset(state) if state else frozenset() if everything else _OPEN,
        sender=_number(desk, sender),
        since=read_since(since, desk.clock()) if since else None,
    )
    found = desk.store.list_replies(wanted, limit or None)
    if desk.json:
        for reply in found:
            show.emit_json(reply_json(reply))
        return
    if not found:
        desk.note("no reply is like that" if everything or state else "the inbox is empty")
        return
    show.table(
        ("state", "what it is", "from", "text", "age", "id"),
        [
            (
                reply.state,
                reply.verdict,
                reply.sender,
                _cut(reply.body),
                ago(reply.received_at, desk.clock()).removesuffix(" ago"),
                reply.id if desk.verbosity else reply.id[:SHORT_ID],
            )
            for reply in found
        ],
        styles={"doubtful": "yellow", "new": "dim"},
    )


@app.command("show", epilog=example("sms-notify replies show 01j8xk"))
def show_(ctx: typer.Context, reply_id: Id) -> None:
    """Show one reply, word for word."""
    desk = desk_of(ctx)
    reply = _one(desk, reply_id)
    if desk.json:
        show.emit_json(reply_json(reply))
        return
    told = reply_json(reply).items()
    show.pairs(
        (name, value)
        for name, value in told
        if value not in ("", None, []) and name not in ("type", "body")
    )
    show.bubble(reply.body, recipient=f"from {reply.sender}", footer=reply.state)


@app.command("answer", epilog=example('sms-notify replies answer 01j8xk "It comes at noon."'))
def answer(
    ctx: typer.Context,
    reply_id: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")],
) -> None:
    """Answer a reply, from the number that it came to; the gates have their word as ever.

    The text is queued: `deliver` or `serve` sends it.
    """
    from smsnotify.cli.acting import audited
    from smsnotify.engine.clerk import answer as answer_reply
    from smsnotify.model.decision import Verdict
    from smsnotify.wiring.conversations import desk as talk_desk

    desk = desk_of(ctx)
    reply = _one(desk, reply_id)
    worker = talk_desk(desk.settings, desk.store, desk.book)
    with audited(desk, "reply.answer", reply.id, before=reply.state) as trail:
        decision = answer_reply(worker, reply, text, desk.clock())
        trail.came_to(f"{decision.verdict.value} {decision.reason}".strip())
    if desk.json:
        show.emit_json(decision.as_json())
    if decision.verdict is Verdict.STOP:
        desk.warn(f"not sent: {decision.reason} ({decision.detail})")
        raise typer.Exit(1)
    held = decision.verdict is Verdict.HOLD
    desk.note(f"held: {decision.reason}" if held else "queued: sms-notify deliver sends it")


@app.command("opt-out", epilog=example('sms-notify replies opt-out 01j8xk --note "clear enough"'))
def opt_out(ctx: typer.Context, reply_id: Id, note: Note = "") -> None:
    """Take a reply for an opt-out: its writer gets no more texts."""
    from smsnotify.cli.acting import audited
    from smsnotify.engine.clerk import opt_out as take
    from smsnotify.wiring.conversations import desk as talk_desk

    desk = desk_of(ctx)
    reply = _one(desk, reply_id)
    with audited(desk, "reply.opt_out", reply.id, before=reply.state) as trail:
        take(talk_desk(desk.settings, desk.store, desk.book), reply, note, desk.clock())
        trail.came_to("opted out")
    desk.note("opted out: waiting texts are cancelled, plans have ended")


@app.command("dismiss", epilog=example("sms-notify replies dismiss 01j8xk"))
def dismiss(ctx: typer.Context, reply_id: Id, note: Note = "") -> None:
    """Let a reply rest. When it was a likely opt-out, it was none: held texts go on."""
    from smsnotify.cli.acting import audited
    from smsnotify.engine.clerk import dismiss as let_rest
    from smsnotify.wiring.conversations import desk as talk_desk

    desk = desk_of(ctx)
    reply = _one(desk, reply_id)
    if reply.state not in _OPEN:
        raise UsageError(f"that reply is {reply.state}: there is nothing to decide")
    worker = talk_desk(desk.settings, desk.store, desk.book)
    with audited(desk, "reply.dismiss", reply.id, before=reply.state) as trail:
        done = let_rest(worker, reply, note, desk.clock())
        trail.came_to("worked" if done else "nothing")
    if not done:
        raise UsageError("somebody else has just decided on that reply")
    desk.note("done; texts that it held leave with the next tick")


def _one(desk: Desk, reply_id: str) -> StoredReply:
    found = desk.store.replies_called(reply_id) if desk.existing_store is not None else []
    if not found:
        raise UsageError(f"no reply is called {reply_id!r}", hint="sms-notify replies list --all")
    if len(found) > 1:
        raise UsageError(f"{reply_id!r} begins several ids; write more of it")
    reply: StoredReply = found[0]
    return reply


def _number(desk: Desk, written: str) -> str:
    if not written:
        return ""
    from smsnotify.text.phone import read_number

    return read_number(written, "", desk.country).e164 or written


def _cut(body: str) -> str:
    told = " ".join(body.split())
    return told if len(told) <= 40 else f"{told[:39]}…"
