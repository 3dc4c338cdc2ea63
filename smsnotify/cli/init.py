"""`init`: ask what is needed, write the settings and a first set of rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smsnotify.base.errors import ConfigError, UsageError
from smsnotify.cli.frame import desk_of, example, single

app = single()


@app.command(
    epilog=example(
        "sms-notify init",
        "sms-notify init --yes --country SG",
        "sms-notify init --yes --mode test --country SG --provider 8x8 --with subaccount_id=acme",
    )
)
def init(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    mode: Annotated[str, typer.Option(help="sandbox, test or live.")] = "",
    country: Annotated[str, typer.Option(help="Your country, such as SG.")] = "",
    timezone: Annotated[str, typer.Option(help="Your time zone, such as Asia/Singapore.")] = "",
    provider: Annotated[str, typer.Option(help="Who sends the texts, such as 8x8.")] = "",
    sender: Annotated[str, typer.Option(help="The number or word that texts come from.")] = "",
    test_to: Annotated[str, typer.Option(help="Your own number, for test texts.")] = "",
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="KEY=VALUE", help="A key of the provider's account."),
    ] = None,
) -> None:
    """Write the settings and a first set of rules.

    Writes sms-notify.toml (readable by you alone) and, beside it, rules.yaml with
    the usual notifications, all switched off. Secrets are named, never typed in.
    """
    from smsnotify.cli.show import can_ask, emit_json, say
    from smsnotify.wiring.start import Answers, write_start

    desk = desk_of(ctx)
    file = _where(desk.config)
    if file.exists() and not force:
        raise ConfigError(
            f"{file} is there already", hint="sms-notify config set changes it; --force replaces it"
        )
    answers = Answers(
        mode=mode,
        country=country,
        timezone=timezone,
        provider=provider,
        sender=sender,
        test_to=test_to,
        account=dict(map(_pair, with_ or [])),
    )
    if not yes:
        if not can_ask():
            raise UsageError(
                "init asks questions, and nobody is there to answer", hint="sms-notify init --yes"
            )
        from smsnotify.cli.questions import ask_all

        answers = ask_all(answers)
    written = write_start(file, answers, desk.clock(), force=force)
    if desk.json:
        emit_json(
            {"type": "init", "config": str(written.settings), "rules": str(written.rules or "")}
        )
        return
    say(f"wrote {written.settings}")
    say(f"wrote {written.rules}" if written.rules else "kept the rules.yaml that was there")
    for step in written.next_steps:
        desk.note(step)


def _where(config: Path | None) -> Path:
    from smsnotify.wiring.find import FILE_NAME

    file = (config or Path(FILE_NAME)).expanduser().absolute()
    return file / FILE_NAME if file.is_dir() else file


def _pair(written: str) -> tuple[str, str]:
    key, found, value = written.partition("=")
    if not found or not key:
        raise UsageError(f"--with {written}: write it as KEY=VALUE")
    return key, value
