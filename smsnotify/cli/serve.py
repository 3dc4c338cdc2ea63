"""`serve`: webhooks, events by HTTP, delivery and the clock in one process."""

from __future__ import annotations

from typing import Annotated

import typer

from smsnotify.cli.frame import desk_of, example, single

app = single()


@app.command(
    epilog=example(
        "sms-notify serve",
        "sms-notify serve --host 0.0.0.0 --port 8080",
        "sms-notify serve --no-deliver --no-tick",
        "sms-notify serve --workers 2 --access-log",
    )
)
def serve(
    ctx: typer.Context,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on.", show_default=True)
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 8787,
    no_deliver: Annotated[
        bool, typer.Option("--no-deliver", help="Send nothing: `deliver --watch` does elsewhere.")
    ] = False,
    no_tick: Annotated[
        bool, typer.Option("--no-tick", help="Leave reminders and held texts to `tick`.")
    ] = False,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", metavar="N", min=1, max=64, help="So many processes on one address."
        ),
    ] = 1,
    access_log: Annotated[
        bool,
        typer.Option("--access-log", help="A line of JSON on stderr for each request."),
    ] = False,
    worker: Annotated[
        str | None, typer.Option("--worker", hidden=True, help="Started by serve itself.")
    ] = None,
) -> None:
    """Take receipts, replies and events in by HTTP, and deliver.

    One process is a whole desk: it sends what is queued, wakes up held texts and
    reminders, and reads settings and rules again when they change. Put a proxy with
    TLS before it and set public_url. SIGTERM ends it within ten seconds. With --workers
    the first process delivers and watches the clock, and all of them answer.
    """
    from smsnotify.cli.serve_workers import read_place
    from smsnotify.cli.serving import Door, run_desk

    door = Door(
        host,
        port,
        delivering=not no_deliver,
        ticking=not no_tick,
        log_access=access_log,
        workers=workers,
        place=read_place(worker) if worker else None,
    )
    raise typer.Exit(run_desk(desk_of(ctx), door))
