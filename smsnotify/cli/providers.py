"""`providers`: which there are, and whether your accounts' credentials work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final, cast

import typer

from smsnotify.base.errors import ProviderError, SmsNotifyError, UsageError
from smsnotify.base.redact import scrub
from smsnotify.cli.frame import desk_of, example, group
from smsnotify.cli.providers_money import BALANCE_EXAMPLES, PRICES_EXAMPLES, balance, prices
from smsnotify.engine.accounts import Account
from smsnotify.engine.alarms import AlarmCarrier
from smsnotify.engine.client import HttpClient, Transport
from smsnotify.engine.mail import MailCarrier
from smsnotify.providers.base import AlarmProvider, CheckResult, HttpProvider, MailProvider

BAD: Final = 3
TIMEOUT_S: Final = 20.0

app = group(
    "List providers and check your accounts' credentials.",
    "sms-notify providers list",
    "sms-notify providers check --account main",
)


@app.command("list", epilog=example("sms-notify providers list"))
def list_(ctx: typer.Context) -> None:
    """List the providers that texts can be sent with."""
    from smsnotify.cli import show
    from smsnotify.providers.registry import load_provider, provider_names

    desk = desk_of(ctx)
    rows = []
    for name in provider_names():
        try:
            provider = load_provider(name)
        except SmsNotifyError as error:
            desk.note(f"warning: {error}")
            continue
        able = provider.capabilities
        if desk.json:
            show.emit_json(
                {
                    "type": "provider",
                    "name": name,
                    "title": provider.title,
                    "channel": able.channel,
                    "batch": able.batch,
                    "receipts": able.receipts,
                    "inbound": able.inbound,
                    "lookup_by_id": able.lookup_by_id,
                    "lookup_by_recipient": able.lookup_by_recipient,
                }
            )
            continue
        words = {"receipts": able.receipts, "replies": able.inbound}
        words["look-up by recipient"] = able.lookup_by_recipient
        words["look-up by id"] = able.lookup_by_id and not able.lookup_by_recipient
        told = ", ".join(word for word, has in words.items() if has)
        rows.append((name, provider.title, able.channel, able.batch, told))
    if not desk.json:
        show.table(("name", "title", "channel", "batch", "tells"), rows)


@app.command(epilog=example("sms-notify providers check", "sms-notify providers check --json"))
def check(
    ctx: typer.Context,
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help="Only this account.")
    ] = "",
) -> None:
    """Ask each provider whether the credentials work; sends no text.

    Ends with 3 when one does not.
    """
    from smsnotify.cli import show
    from smsnotify.wiring.build import real_accounts

    desk = desk_of(ctx)
    known = real_accounts(desk.settings)
    if account and account not in known:
        raise UsageError(
            f"there is no account {account!r}", hint=f"the accounts are {', '.join(known)}"
        )
    chosen = [known[account]] if account else list(known.values())
    if not chosen:
        desk.note("no accounts in the settings; the sandbox needs none")
    results = check_accounts(chosen)
    rows = []
    for each, result in zip(chosen, results, strict=True):
        if desk.json:
            show.emit_json(
                {
                    "type": "account",
                    "account": each.name,
                    "provider": each.provider.name,
                    "ok": result.ok,
                    "detail": result.detail,
                    "error": result.error.value if result.error else "",
                    "http_status": result.http_status,
                }
            )
        rows.append(("ok" if result.ok else "failed", each.name, each.provider.name, result.detail))
    if rows and not desk.json:
        show.table(
            ("", "account", "provider", "detail"),
            rows,
            styles={"ok": show.mark("ok"), "failed": show.mark("failed")},
        )
    if not all(result.ok for result in results):
        raise typer.Exit(BAD)


app.command("balance", epilog=BALANCE_EXAMPLES)(balance)
app.command("prices", epilog=PRICES_EXAMPLES)(prices)


def check_accounts(accounts: Sequence[Account]) -> list[CheckResult]:
    """Try the credentials of every account at once, the way delivery would."""
    return asyncio.run(_check_all(accounts))


async def _check_all(accounts: Sequence[Account]) -> list[CheckResult]:
    async with HttpClient() as client:
        return await asyncio.gather(*(_check_one(account, client) for account in accounts))


async def _check_one(account: Account, client: Transport) -> CheckResult:
    if account.provider.local:
        return CheckResult(ok=True, detail="needs no credentials")
    if account.provider.capabilities.transport == "mail":
        return await _check_mail(cast(MailProvider, account.provider))
    if account.provider.capabilities.transport == "alarm":
        return _check_alarm(cast(AlarmProvider, account.provider))
    provider = cast(HttpProvider, account.provider)
    try:
        response = await client.send(provider.build_check(), TIMEOUT_S)
    except ProviderError as error:
        return CheckResult(ok=False, detail=scrub(f"cannot be reached: {error}"))
    except SmsNotifyError as error:
        return CheckResult(ok=False, detail=scrub(str(error)))
    return provider.parse_check(response)


def _check_alarm(provider: AlarmProvider) -> CheckResult:
    try:
        return provider.parse_check(AlarmCarrier().check(provider))
    except SmsNotifyError as error:
        return CheckResult(ok=False, detail=scrub(str(error)))


async def _check_mail(provider: MailProvider) -> CheckResult:
    async with MailCarrier() as carrier:
        try:
            return provider.parse_check(await carrier.check(provider, TIMEOUT_S))
        except SmsNotifyError as error:
            return CheckResult(ok=False, detail=scrub(str(error)))
