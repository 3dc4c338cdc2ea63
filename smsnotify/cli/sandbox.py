"""`sandbox`: a provider on this machine, with the phones in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from smsnotify.cli.frame import desk_of, example, single

app = single()


@app.command(
    epilog=example(
        "sms-notify sandbox --demo",
        "sms-notify sandbox",
        "sms-notify sandbox --fault 429:0.1 --fault lost-receipt:5% --latency 200ms",
    )
)
def sandbox(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", help="The address to listen on; 127.0.0.1 by itself.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="The port, 8788 by itself; 0: a free one."),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Play the example, with a desk of its own.")
    ] = False,
    notify: Annotated[
        str | None,
        typer.Option("--notify", metavar="URL", help="Where the desk's hooks are really reached."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="NAME:SHARE", help="What goes wrong, and how often."),
    ] = None,
    latency: Annotated[
        str | None, typer.Option("--latency", metavar="TIME", help="How late every answer is.")
    ] = None,
    retry_after: Annotated[
        int | None,
        typer.Option("--retry-after", min=0, max=3600, help="Seconds that a 429 asks to wait."),
    ] = None,
    slow: Annotated[
        str | None,
        typer.Option("--slow", metavar="TIME", help="How late slow receipts are; 60s by itself."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="The same bad day again, fault by fault.")
    ] = None,
) -> None:
    """Start a local provider with phones in the browser: 8x8, Twilio, and their bad days.

    Accounts whose base_url points here are let in with their own credentials; when there
    are none, whoever shows some is. Receipts and answers go to the hooks that the texts
    name. Faults: 429, 500, 503, timeout, cut, reset, lost-receipt, doubled-receipt,
    late-receipt. What stands under [sandbox] in the settings counts where an option is
    not given. Ctrl-C ends it.
    """
    from smsnotify.cli.sandboxing import Wishes, run_sandbox

    wishes = Wishes(
        host=host,
        port=port,
        notify=notify,
        faults=fault,
        latency=latency,
        retry_after=retry_after,
        slow=slow,
        seed=seed,
    )
    if demo:
        from smsnotify.cli.sandbox_demo import run_demo

        raise typer.Exit(run_demo(desk_of(ctx), wishes))
    raise typer.Exit(run_sandbox(desk_of(ctx), wishes))
