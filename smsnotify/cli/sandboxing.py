"""Runs the local provider from a command, alone or with the example's desk beside it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from smsnotify.base.durations import parse_duration
from smsnotify.base.errors import UsageError
from smsnotify.cli.desk import Desk
from smsnotify.cli.show import emit_json
from smsnotify.engine.loop import run as run_loop
from smsnotify.model.decision import Mode
from smsnotify.model.fault import read_latency, read_share
from smsnotify.providers.base import AccountSettings
from smsnotify.providers.eight_x_eight import EightXEightSettings
from smsnotify.providers.twilio import TwilioSettings
from smsnotify.sandbox.caller import is_local
from smsnotify.sandbox.exchange import Exchange
from smsnotify.sandbox.faults import Faults, Pace
from smsnotify.sandbox.server import run_exchange
from smsnotify.sandbox.texts import Account, Speech
from smsnotify.web.server import open_socket
from smsnotify.web.signals import listening
from smsnotify.wiring.models import SandboxSettings, Settings

_ANYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - to warn about it


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says; None where it says nothing."""

    host: str | None = None
    port: int | None = None
    notify: str | None = None
    faults: list[str] | None = None
    latency: str | None = None
    retry_after: int | None = None
    slow: str | None = None
    seed: int | None = None


def run_sandbox(desk: Desk, wishes: Wishes) -> int:
    """Run until told to stop; return the exit code.

    Raises:
        UsageError, ConfigError: what was asked for cannot be.
        StoppedError: the port is taken.
    """
    settings = desk.settings
    plan = settled(wishes, settings.sandbox)
    listener = open_socket(plan.host, plan.port)
    url = address_of(listener.getsockname())
    accounts = known_accounts(settings, url, plan.notify)
    exchange = exchange_for(plan, accounts)
    greet(desk, url, plan, accounts)
    if accounts and settings.mode is Mode.SANDBOX:
        desk.note('mode "sandbox" sends nothing here: rehearse with mode = "live"')

    async def until_told() -> None:
        stop = asyncio.Event()
        with listening({"SIGTERM": stop.set, "SIGINT": stop.set}):
            await run_exchange(
                exchange, listener, stop, hosts=own_names(plan.host), zone=settings.timezone
            )

    run_loop(until_told())
    desk.note("stopped")
    return 0


def settled(wishes: Wishes, written: SandboxSettings) -> SandboxSettings:
    """Return what counts: the command line, then the settings.

    Raises:
        UsageError: an option cannot be read.
    """
    said: dict[str, Any] = {
        name: value
        for name in ("host", "port", "notify", "retry_after", "seed")
        if (value := getattr(wishes, name)) is not None
    }
    for name, read in (("latency", read_latency), ("slow", parse_duration)):
        written_span = getattr(wishes, name)
        if written_span is not None:
            try:
                said[name] = read(written_span)
            except ValueError as error:
                raise UsageError(f"--{name}: {error}") from None
    if wishes.faults is not None:
        try:
            said["faults"] = dict(read_share(one) for one in wishes.faults)
        except ValueError as error:
            raise UsageError(f"--fault: {error}") from None
    if wishes.notify is not None:
        said["notify"] = _origin(wishes.notify)
    return written.model_copy(update=said)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise UsageError(
            f"--notify {url!r} is not where a desk listens",
            hint="write scheme, host and port alone: http://127.0.0.1:8787",
        )
    return f"{parts.scheme}://{parts.netloc}"


def exchange_for(plan: SandboxSettings, accounts: Iterable[Account], **more: Any) -> Exchange:
    """Return an exchange with the faults and the pace that were asked for."""
    faults = Faults(
        plan.faults,
        latency_s=plan.latency.total_seconds(),
        retry_after_s=plan.retry_after,
        seed=plan.seed,
    )
    pace = Pace(slow_s=plan.slow.total_seconds())
    return Exchange(accounts, faults=faults, pace=pace, notify=plan.notify, **more)


def known_accounts(settings: Settings, url: str, notify: str = "") -> list[Account]:
    """Return the accounts whose `base_url` is this provider, with what they prove themselves by.

    Raises:
        ConfigError: a secret of theirs cannot be read.
    """
    base = settings.public_url or notify
    return [
        _account(name, account, f"{base}/hooks/{quote(name, safe='')}" if base else "")
        for name, account in settings.accounts.items()
        if account.base_url and _is_same(account.base_url, url)
    ]


def _account(name: str, written: AccountSettings, hook: str) -> Account:
    token = written.webhook_token.reveal() if written.webhook_token else ""
    senders = dict.fromkeys(filter(None, (written.sender, *written.senders.values())))
    if isinstance(written, EightXEightSettings):
        return Account(
            speech=Speech.EIGHT,
            id=written.subaccount_id,
            name=name,
            key=written.api_key.reveal(),
            webhook_token=token,
            hook=hook,
            senders=senders,
        )
    if not isinstance(written, TwilioSettings):
        raise UsageError(
            f"account {name} is of {written.provider}, which the sandbox does not speak",
            hint="it speaks 8x8 and twilio",
        )
    auth_token = written.auth_token.reveal() if written.auth_token else ""
    users = {written.account_sid: auth_token} if auth_token else {}
    if written.api_key_sid and written.api_key_secret:
        users[written.api_key_sid] = written.api_key_secret.reveal()
    return Account(
        speech=Speech.TWILIO,
        id=written.account_sid,
        name=name,
        users=users,
        auth_token=auth_token,
        hook=hook,
        senders=senders,
    )


def _is_same(base_url: str, url: str) -> bool:
    """Say whether two addresses are one server; all names of this machine are one."""
    mine, other = urlsplit(url), urlsplit(base_url)
    if mine.port != (other.port or (443 if other.scheme == "https" else 80)):
        return False
    here, there = mine.hostname or "", other.hostname or ""
    return here == there or (is_local(there) and (is_local(here) or here in _ANYWHERE))


def own_names(host: str) -> frozenset[str]:
    """Return the names that browsers may call the pages by."""
    names = {host, socket.gethostname()} if host in _ANYWHERE else {host}
    return frozenset(name.lower() for name in names)


def address_of(name: tuple[Any, ...]) -> str:
    """Return the address of an open socket."""
    host, port = name[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def greet(desk: Desk, url: str, plan: SandboxSettings, accounts: list[Account]) -> None:
    """Say where it is, and who may send."""
    if desk.json:
        names = [account.name for account in accounts]
        emit_json({"type": "sandbox", "url": url, "accounts": names})
    desk.note(f"phones: {url}/   (open it in a browser; Ctrl-C ends it)")
    if accounts:
        told = ", ".join(f"{account.name} ({account.speech.value})" for account in accounts)
        desk.note(f"accounts that may send: {told}")
        if not any(account.hook for account in accounts):
            desk.note("no receipts yet: set public_url, or say --notify http://127.0.0.1:8787")
    else:
        desk.note(f'any account may send: give it base_url = "{url}"')
    if plan.host in _ANYWHERE:
        desk.note("whoever reaches this machine sees the phones: there is no login")
    for fault, share in plan.faults.items():
        desk.note(f"bad day: {fault.value} {share:.0%}")
    if plan.latency > timedelta():
        desk.note(f"bad day: every answer {plan.latency.total_seconds() * 1000:.0f} ms late")
