"""`process`: job events in, decisions stored, texts sent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from smsnotify.cli.frame import desk_of, example, single

app = single()


@app.command(
    epilog=example(
        "sms-notify process events.jsonl",
        "sms-notify process --dry-run --json events.csv",
        "tail -f events.jsonl | sms-notify process --follow -",
    )
)
def process(
    ctx: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE…|-",
            help="JSON lines, JSON, CSV, also .gz and .zst; - is standard input.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide everything, store and send nothing.")
    ] = False,
    queue_only: Annotated[
        bool, typer.Option("--queue-only", help="Store the texts; `deliver` sends them.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on as the input grows, until interrupted.")
    ] = False,
    format: Annotated[
        str,
        typer.Option("--format", help="auto, native, cloudevents or detrack."),
    ] = "auto",
    as_of: Annotated[
        str,
        typer.Option("--as-of", metavar="TIME", help="The run's only clock; really sends."),
    ] = "",
    yes_volume: Annotated[
        bool, typer.Option("--yes-volume", help="Text more people than the volume guard allows.")
    ] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes for a dry run of a file.")
    ] = 1,
) -> None:
    """Read job events and send the texts that the rules ask for."""
    from smsnotify.base.errors import UsageError
    from smsnotify.cli.inputs import known_format, readable
    from smsnotify.cli.working import Working

    known_format(format)
    sources = files or ([] if sys.stdin is None or sys.stdin.isatty() else ["-"])
    if not sources:
        raise UsageError("nothing to read", hint="name a file, or - for standard input")
    if follow and (dry_run or len(sources) > 1):
        raise UsageError("--follow takes one input, and is no dry run")
    if workers > 1 and (not dry_run or len(sources) > 1 or sources == ["-"]):
        raise UsageError("--workers is for a dry run of one file")
    desk = desk_of(ctx)
    if workers > 1 and (desk.json or desk.verbosity):
        raise UsageError("--workers counts, and shows no decisions", hint="leave out --json and -v")
    readable(sources)
    working = Working(desk, "process", dry_run=dry_run, as_of=as_of, guarded=not follow)
    if workers > 1 and _has_caps(working):
        desk.note("caps count over all jobs: one process does it")
        workers = 1
    if workers > 1:
        from smsnotify.engine.workers import Job, dry_run_in_parallel
        from smsnotify.wiring.build import database_url

        job = Job(
            source=sources[0],
            rules=desk.rule_paths,
            policy=working.policy,
            database=database_url(desk.settings),
            at=working.clock(),
            format=format,
        )
        working.tally = dry_run_in_parallel(job, workers)
        raise typer.Exit(working.finish())
    for source in sources:
        deliver_each = follow and not queue_only
        chunks = _chunks(source, follow, dry_run)
        working.take(source, chunks, format=format, deliver_each=deliver_each)
    working.send(yes_volume, queue_only=queue_only)
    raise typer.Exit(working.finish())


def _has_caps(working: Any) -> bool:
    """Say whether what one job's texts come to may depend on another's."""
    from smsnotify.engine.counting import are_capped

    return are_capped(working.policy, working.rules.rules)


def _chunks(source: str, follow: bool, dry_run: bool) -> Iterator[Any]:
    from smsnotify.events.read import TO_LOOK_AT, TO_STORE, read_chunks

    if dry_run:
        return read_chunks(source, size=TO_LOOK_AT, ends=True)
    return read_chunks(source, size=TO_STORE, follow=follow)
