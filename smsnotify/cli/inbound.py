"""`inbound`: recorded texts from people, worked as if a provider had brought them."""

from __future__ import annotations

from typing import Annotated

import typer

from smsnotify.cli.frame import desk_of, example, single

app = single()


@app.command(
    epilog=example(
        "sms-notify inbound replies.jsonl",
        'echo \'{"from": "+6591230000", "body": "HELLO"}\' | sms-notify inbound -',
    )
)
def inbound(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines; - is standard input.")],
    account: Annotated[
        str, typer.Option("--account", help="The account of lines that name none.")
    ] = "",
    queue_only: Annotated[
        bool, typer.Option("--queue-only", help="Store the answers; `deliver` sends them.")
    ] = False,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="TIME", help="The run's only clock; really sends.")
    ] = "",
) -> None:
    """Take recorded texts from people in, and answer them.

    A line is {"from", "body", "to", "account", "id", "at", "media"}, or a provider's call as it
    came. The same id twice is one text. All lines come in at the same moment: the answer to a
    question that a line of the file brings forth belongs into the next file; `plans simulate`
    plays a whole dialogue.
    """
    from smsnotify.cli.inputs import readable
    from smsnotify.cli.reply_intake import ReplyIntake
    from smsnotify.cli.working import Working

    desk = desk_of(ctx)
    readable([file])
    working = Working(desk, "inbound", as_of=as_of, guarded=False)
    intake = ReplyIntake(working, file, account)
    intake.take()
    working.talk()
    intake.show()
    working.send(True, queue_only=queue_only)
    raise typer.Exit(working.finish())
