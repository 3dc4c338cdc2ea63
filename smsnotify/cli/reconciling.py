"""`outbox reconcile`, and what `outbox stats` says of receipts."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from smsnotify.base.durations import parse_duration
from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.frame import desk_of, example

RECONCILE_EXAMPLES: Final = example(
    "sms-notify outbox reconcile", "sms-notify outbox reconcile --quiet-for 1h --limit 500"
)

_TIMEOUT_S: Final = 10.0
_LONGEST: Final = timedelta(hours=72)
_FIGURES: Final = ("asked", "settled", "unchanged", "absent", "unclear", "left", "no_word")


def reconcile(
    ctx: typer.Context,
    quiet_for: Annotated[
        str,
        typer.Option(
            "--quiet-for", metavar="TIME", help="Only what was not heard of for so long: 10m, 2h."
        ),
    ] = "10m",
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="At most so many look-ups; 0: any number.")
    ] = 0,
    account: Annotated[str, typer.Option("--account", help="Only this account.")] = "",
) -> None:
    """Ask the providers what became of texts that no receipt has told the end of."""
    from smsnotify.cli.delivering import interruptible
    from smsnotify.engine.loop import run
    from smsnotify.engine.reconcile import reconcile as ask
    from smsnotify.wiring import build

    desk = desk_of(ctx)
    quiet = _duration(quiet_for)
    accounts = build.accounts(desk.settings)
    if account and account not in accounts:
        raise UsageError(
            f"there is no account {account!r}", hint=f"there are: {', '.join(sorted(accounts))}"
        )
    chosen = {name: one for name, one in accounts.items() if account in ("", name)}
    store = desk.existing_store
    if store is None:
        desk.note("nothing was ever queued here")
        return

    async def work() -> tuple[Any, bool]:
        import asyncio

        stop = asyncio.Event()
        with interruptible(stop), show.progress("asking", quiet=desk.quiet) as bar:
            found = await ask(
                store,
                chosen,
                mode=desk.settings.mode,
                quiet_for=quiet,
                limit=limit or None,
                timeout_s=_TIMEOUT_S,
                stop=stop,
                progress=lambda now: bar.update(now.asked, settled=now.settled),
            )
        return found, stop.is_set()

    report, interrupted = run(work())
    if desk.json:
        show.emit_json(as_json(report))
    else:
        show.pairs((name.replace("_", " "), getattr(report, name)) for name in _FIGURES)
    for name, reason in (report.skipped | report.stopped).items():
        desk.note(f"account {name}: {reason}")
    if interrupted:
        raise typer.Exit(130)
    if report.stopped:
        raise typer.Exit(3)


def as_json(report: Any) -> dict[str, object]:
    """The outside shape: `{"type": "reconcile", "asked", "settled", …}`."""
    import msgspec

    return {"type": "reconcile", **msgspec.to_builtins(report)}


def show_receipt_stats(told: Any) -> None:
    """Print what became of doubts, which words came, and how late."""
    if told.doubted:
        share = f"{told.unknown_share:.2%} of {told.tried}"
        show.say()
        show.table((f"unknown at some time ({share}), ended by", "messages"), told.doubts.items())
    if told.words or told.undocumented:
        words = told.words | {f"{word} (?)": count for word, count in told.undocumented.items()}
        show.say()
        show.table(("receipts", "count"), words.items())
    if told.lags:
        show.say()
        rows = [(name, lag.count, lag.median_s, lag.p95_s) for name, lag in told.lags.items()]
        show.table(("delivered after", "texts", "median s", "95 % s"), rows)
    if told.no_word:
        show.say(f"{told.no_word} texts are without a final word for 72 hours")


def _duration(written: str) -> timedelta:
    try:
        read = parse_duration(written)
    except ValueError:
        raise UsageError(f"--quiet-for: {written!r} is no time", hint="write 10m, 2h") from None
    if read > _LONGEST:
        raise UsageError("--quiet-for: nothing is asked about after 72 hours", hint="write 10m")
    return read
