"""`report --mail`: the page as an attachment, with the figures in short above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from smsnotify.base.errors import ConfigError, UsageError
from smsnotify.base.ids import new_id
from smsnotify.cli.desk import Desk
from smsnotify.cli.report_words import cost_line, counts, percent
from smsnotify.engine.accounts import DEFAULT_ROUTE, groups_of
from smsnotify.engine.loop import run
from smsnotify.engine.mailing import hand_over
from smsnotify.model.message import Attachment, OutboundMessage, Result
from smsnotify.model.rule import EMAIL
from smsnotify.text.address import read_email
from smsnotify.text.markdown import escape_markdown

NOT_ALL = 3


def mail_report(desk: Desk, to: Sequence[str], made: Any, page: str) -> None:
    """Mail a report, whatever the mode: whoever asks for it names who gets it.

    Raises:
        UsageError: an address is none.
        ConfigError: no account is for email.
        typer.Exit: a mail was not taken, with 3.
    """
    addresses = [_address(written) for written in dict.fromkeys(to)]
    accounts = _mail_accounts(desk)
    title = f"Texts from {made.since} to {made.until}"
    lines = _summary(made)
    attached = Attachment(
        f"report-{made.since}-{made.until}.html", "text/html", page.encode("utf-8")
    )
    messages = [
        OutboundMessage(
            id=new_id(desk.clock()),
            recipient=address,
            body="\n".join(f"{name}: {told}" for name, told in lines),
            encoding="",
            title=title,
            markup="\n".join(f"- {name}: **{escape_markdown(told)}**" for name, told in lines),
            attachments=(attached,),
        )
        for address in addresses
    ]
    missed = False
    for message, outcome in zip(messages, run(hand_over(accounts, messages)), strict=True):
        if outcome.result is Result.ACCEPTED:
            desk.note(f"mailed to {message.recipient}")
            continue
        missed = True
        maybe = "maybe mailed" if outcome.result is Result.UNKNOWN else "not mailed"
        why = f"{outcome.error} {outcome.raw_code} {outcome.raw_text}"
        desk.note(f"{maybe} to {message.recipient}: {' '.join(why.split())}")
    if missed:
        raise typer.Exit(NOT_ALL)


def _address(written: str) -> str:
    address = read_email(written)
    if not address:
        raise UsageError(f"--mail {written!r} is no email address", hint="boss@example.com")
    return address


def _mail_accounts(desk: Desk) -> list[Any]:
    from smsnotify.wiring import build

    accounts, routes = build.real_accounts(desk.settings), build.real_routes(desk.settings)
    names = [name for group in groups_of(routes, DEFAULT_ROUTE) for name in group]
    ordered = [*(name for name in names if name in accounts), *accounts]
    found = [accounts[name] for name in dict.fromkeys(ordered)]
    mailing = [account for account in found if account.channel == EMAIL]
    if not mailing:
        raise ConfigError(
            "no account of the settings is for email",
            hint='[accounts.mail] with provider = "smtp"; see docs/how-to/send-email.md',
        )
    return mailing


def _summary(made: Any) -> list[tuple[str, str]]:
    figures = made.figures
    share = percent(made.delivered_share)
    return [
        ("texts", str(made.texts)),
        ("delivered", f"{made.delivered}{f', {share}' if share else ''}"),
        ("failed", str(made.failed)),
        ("cost", cost_line(made)),
        ("completed jobs", str(figures.completed_jobs)),
        ("opt-outs", counts(figures.opt_outs)),
        ("replies", counts(figures.replies)),
    ]
