"""`outbox`: the messages, what became of them, and doing something about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import typer

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, group
from smsnotify.cli.instants import ago, read_since
from smsnotify.cli.message_table import STYLES, show_messages
from smsnotify.cli.reconciling import RECONCILE_EXAMPLES, reconcile, show_receipt_stats
from smsnotify.model.message import Attempt, Message, MessageState
from smsnotify.store.outbox import Stats, Wanted

NOTHING_YET: Final = "nothing was ever queued here"

app = group(
    "List, repeat or cancel messages.",
    "sms-notify outbox list --state failed",
    "sms-notify outbox show 01j8",
)

State = Annotated[
    list[MessageState] | None, typer.Option("--state", help="Only in this state; repeatable.")
]
Rule = Annotated[str, typer.Option("--rule", help="Only of this rule (its id).")]
Job = Annotated[str, typer.Option("--job", help="Only about this D.O. number.")]
Account = Annotated[str, typer.Option("--account", help="Only through this account.")]
ErrorWord = Annotated[str, typer.Option("--error", help="Only with this error word.")]
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="Only younger: 2h, 3d, or a date.")
]
Ids = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="Ids, or how they begin; several.")
]
Everything = Annotated[bool, typer.Option("--all", help="All that the options choose.")]


@app.command("list", epilog=example("sms-notify outbox list", "sms-notify outbox list --job DO-77"))
def list_(
    ctx: typer.Context,
    state: State = None,
    rule: Rule = "",
    job: Job = "",
    account: Account = "",
    error: ErrorWord = "",
    to: Annotated[str, typer.Option("--to", help="Only to this number.")] = "",
    since: Since = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="The newest so many; 0: all.")] = 50,
) -> None:
    """List messages, the newest first.

    Ids are cut to what tells them apart; -v shows whole ids, accounts and what providers said.
    """
    desk = desk_of(ctx)
    if desk.existing_store is None:
        desk.note(NOTHING_YET)
        return
    wanted = _wanted(desk, state, rule, job, account, error, since, to)
    found = desk.store.list_messages(wanted, limit or None)
    if desk.json:
        for message in found:
            show.emit_json(message.as_json())
        return
    if not found:
        desk.note(NOTHING_YET if wanted == Wanted() else "no message is like that")
        return
    show_messages(found, desk.clock(), wide=desk.verbosity > 0)
    left = desk.store.count_messages(wanted) - len(found)
    if left:
        desk.note(f"{left} more: --limit 0 shows all")


@app.command("show", epilog=example("sms-notify outbox show 01j8xk"))
def show_(
    ctx: typer.Context,
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The id, or how it begins.")],
) -> None:
    """Show one message, every try to hand it over, and what the provider said later."""
    desk = desk_of(ctx)
    message = _one(desk, message_id)
    tries = desk.store.attempts_of(message.id)
    told = desk.store.receipts_of(message.id)
    carried = desk.store.carried([message.id]) if message.digest else []
    if desk.json:
        show.emit_json(message.as_json() | {"carries": [one.id for one in carried]})
        for attempt in tries:
            show.emit_json(_attempt_json(attempt))
        for receipt in told:
            show.emit_json(receipt.as_json())
        return
    told_of = {"tells of": ", ".join([message.job, *(one.job for one in carried)])}
    show.pairs(
        (name, value)
        for name, value in (message.as_json() | (told_of if carried else {})).items()
        if value not in ("", None) and name not in ("type", "body")
    )
    show.bubble(message.body, recipient=message.recipient, footer=message.state.value)
    if tries:
        rows = [
            (t.result.value, _second(t.at), t.account, t.error, t.http_status or "", t.raw_text)
            for t in tries
        ]
        show.table(("result", "at", "account", "error", "http", "the provider said"), rows)
    if told:
        show.table(
            ("receipt", "at", "account", "error", "by", "effect", "the provider said"),
            [
                (
                    one.state,
                    _second(one.told_at),
                    one.account,
                    one.error,
                    one.source,
                    one.outcome,
                    f"{one.raw_word} {one.raw_code}".rstrip(),
                )
                for one in told
            ],
        )


@app.command(
    epilog=example(
        "sms-notify outbox retry 01j8xk",
        "sms-notify outbox retry --all --error no_credit",
        "sms-notify outbox retry --unknown 01j8xk",
    )
)
def retry(
    ctx: typer.Context,
    ids: Ids = None,
    everything: Everything = False,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Also what is maybe sent: it may arrive twice.")
    ] = False,
    state: State = None,
    rule: Rule = "",
    job: Job = "",
    account: Account = "",
    error: ErrorWord = "",
    since: Since = "",
) -> None:
    """Queue messages again that failed, expired or were cancelled."""
    desk = desk_of(ctx)
    wanted = _wanted(desk, state, rule, job, account, error, since)
    done = _change(desk, ids, everything, wanted, unknown=unknown)
    _told(desk, "retry", done, "queued again", "`sms-notify deliver` sends them")


@app.command(
    epilog=example("sms-notify outbox cancel 01j8xk", "sms-notify outbox cancel --all --rule late")
)
def cancel(
    ctx: typer.Context,
    ids: Ids = None,
    everything: Everything = False,
    state: State = None,
    rule: Rule = "",
    job: Job = "",
    account: Account = "",
    error: ErrorWord = "",
    since: Since = "",
) -> None:
    """Cancel messages that are held or queued."""
    desk = desk_of(ctx)
    wanted = _wanted(desk, state, rule, job, account, error, since)
    done = _change(desk, ids, everything, wanted, unknown=None)
    _told(desk, "cancel", done, "cancelled", "their keys stay taken: the same news is not sent")


@app.command(epilog=example("sms-notify outbox stats", "sms-notify outbox stats --json"))
def stats(ctx: typer.Context) -> None:
    """Count the messages by state, account and error, and what became of doubts and receipts."""
    desk = desk_of(ctx)
    if desk.existing_store is None:
        found, told = Stats(states={}, accounts={}, errors={}, held={}), None
    else:
        found, told = desk.store.stats(), desk.store.receipt_stats(desk.clock())
    if desk.json:
        oldest = found.oldest_queued_at
        show.emit_json(
            {
                "type": "stats",
                "states": found.states,
                "accounts": found.accounts,
                "errors": found.errors,
                "held": found.held,
                "oldest_queued_at": oldest.isoformat() if oldest else None,
                **(told.as_json() if told is not None else {}),
            }
        )
        return
    if not found.states:
        desk.note(NOTHING_YET)
        return
    show.table(("state", "messages"), found.states.items(), styles=STYLES)
    for title, counts in (("error", found.errors), ("held by", found.held)):
        if counts:
            show.say()
            show.table((title, "messages"), counts.items())
    if found.oldest_queued_at:
        show.say(f"the oldest queued one waits since {ago(found.oldest_queued_at, desk.clock())}")
    if told is not None:
        show_receipt_stats(told)


app.command("reconcile", epilog=RECONCILE_EXAMPLES)(reconcile)


def _wanted(
    desk: Desk,
    state: list[MessageState] | None,
    rule: str,
    job: str,
    account: str,
    error: str,
    since: str,
    to: str = "",
) -> Wanted:
    return Wanted(
        states=frozenset(one.value for one in state or ()),
        rule=rule,
        job=job,
        account=account,
        error=error,
        recipient=_number(desk, to),
        since=read_since(since, desk.clock()) if since else None,
    )


def _number(desk: Desk, written: str) -> str:
    if not written:
        return ""
    from smsnotify.text.phone import read_number

    read = read_number(written, "", desk.country)
    if read.reason:
        raise UsageError(f"--to: this is no number we can read ({read.reason})")
    return read.e164


def _one(desk: Desk, id_start: str) -> Message:
    found = [] if desk.existing_store is None else desk.store.messages_called(id_start)
    if not found:
        raise UsageError(f"no message's id begins with {id_start!r}", hint="sms-notify outbox list")
    if len(found) > 1:
        raise UsageError(f"several ids begin with {id_start!r}", hint="give more of the id")
    return found[0]  # type: ignore[no-any-return]  # the desk's store is untyped until imported


def _change(
    desk: Desk, ids: list[str] | None, everything: bool, wanted: Wanted, *, unknown: bool | None
) -> int:
    """Retry (`unknown` True or False) or cancel (None) what was chosen; return how many."""
    import msgspec

    from smsnotify.cli.acting import audited

    if bool(ids) == everything:
        raise UsageError("name messages by id, or choose with --all and the other options")
    named = [_one(desk, one) for one in ids or ()]
    if everything and desk.existing_store is None:
        return 0
    wanted = msgspec.structs.replace(wanted, ids=tuple(message.id for message in named))
    now: datetime = desk.clock()
    store: Any = desk.store
    about = (
        named[0].id if len(named) == 1 else f"{len(named)} messages" if named else "all like that"
    )
    before = ", ".join(sorted({message.state.value for message in named}))
    what = "message.cancel" if unknown is None else "message.retry"
    with audited(desk, what, about, before=before) as trail:
        if unknown is None:
            done: int = store.cancel(wanted, now)
        else:
            done = store.retry(wanted, now, unknown=unknown)
        trail.came_to(f"{done} changed")
    if named and not done:
        states = ", ".join(sorted({message.state.value for message in named}))
        hint = "held and queued ones can be cancelled"
        if unknown is not None:
            hint = "failed, undelivered, expired and cancelled ones can be sent again"
            if MessageState.UNKNOWN.value in states:
                hint = "--unknown sends it again, and it may arrive twice"
            if any(message.carried_by for message in named):
                hint = "another message tells of it too: that one can be sent again"
        raise UsageError(f"nothing was changed: {states}", hint=hint)
    return done


def _told(desk: Desk, what: str, count: int, done: str, then: str) -> None:
    if desk.json:
        show.emit_json({"type": what, "messages": count})
        return
    show.say(f"{count} {'message' if count == 1 else 'messages'} {done}")
    if count:
        desk.note(then)


def _attempt_json(attempt: Attempt) -> dict[str, object]:
    return {
        "type": "attempt",
        "message_id": attempt.message_id,
        "account": attempt.account,
        "at": attempt.at.isoformat(),
        "latency_ms": attempt.latency_ms,
        "result": attempt.result.value,
        "error": attempt.error,
        "http_status": attempt.http_status,
        "raw_code": attempt.raw_code,
        "raw_text": attempt.raw_text,
        "provider_message_id": attempt.provider_message_id,
    }


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
