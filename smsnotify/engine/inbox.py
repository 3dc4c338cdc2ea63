"""What providers tell us: calls to our hooks, proved, read, and kept before they are answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

import msgspec

from smsnotify.base.errors import StoreError, StoreUnavailableError, WebhookError
from smsnotify.engine.accounts import Account
from smsnotify.engine.receipts import ReceiptReport, take_receipts
from smsnotify.model.message import InboundMessage, Receipt
from smsnotify.providers.base import HttpProvider, WebhookCall
from smsnotify.store.store import Store

log = logging.getLogger(__name__)


class Heard(msgspec.Struct, frozen=True, gc=False):
    """What one call says: receipts, texts from people, or neither (a click on a short link)."""

    account: str
    receipts: Sequence[Receipt] = ()
    replies: Sequence[InboundMessage] = ()


class Kept(msgspec.Struct, frozen=True, gc=False):
    """What keeping some calls of one account came to; `new_replies` of `replies` were new."""

    account: str
    receipts: ReceiptReport | None = None
    replies: int = 0
    new_replies: int = 0
    error: StoreError | None = None


def prove(account: Account, call: WebhookCall) -> None:
    """Make sure that a call comes from the account's provider.

    Raises:
        WebhookError: the proof is missing or wrong.
        ConfigError: we cannot tell, because our own secret cannot be read.
    """
    cast(HttpProvider, account.provider).verify(call)


def read_call(account: Account, call: WebhookCall) -> Heard:
    """Read a call that was proved.

    Raises:
        WebhookError: it cannot be read.
    """
    provider = cast(HttpProvider, account.provider)
    try:
        return Heard(account.name, provider.parse_receipts(call), provider.parse_inbound(call))
    except WebhookError:
        raise
    except Exception as error:
        # The sender is who it says it is, but its words made our adapter stumble.
        log.exception("an adapter could not read a call", extra={"account": account.name})
        raise WebhookError("the call cannot be read") from error


def keep_calls(store: Store, calls: Sequence[Heard], now: datetime) -> list[Kept]:
    """Keep calls, those of one account together; return one report for each account.

    A database that is away makes `error` of every account that it could not keep.
    """
    by_account: dict[str, list[Heard]] = {}
    for call in calls:
        by_account.setdefault(call.account, []).append(call)
    return [_keep(store, account, heard, now) for account, heard in by_account.items()]


def _keep(store: Store, account: str, calls: Sequence[Heard], now: datetime) -> Kept:
    receipts = [receipt for call in calls for receipt in call.receipts]
    replies = [reply for call in calls for reply in call.replies]
    try:
        report = take_receipts(store, account, receipts, now) if receipts else None
        new = store.note_replies(account, replies, now) if replies else 0
    except StoreError as error:
        return Kept(account, error=error)
    return Kept(account, report, len(replies), new)


def hook_accounts(accounts: Mapping[str, Account]) -> dict[str, Account]:
    """Return the accounts that a provider can call us about: those behind HTTP."""
    return {
        name: account
        for name, account in accounts.items()
        if not account.provider.local
        and (account.provider.capabilities.receipts or account.provider.capabilities.inbound)
    }


def may_pass(error: StoreError) -> bool:
    """Say whether the same call may be kept a moment later."""
    return isinstance(error, StoreUnavailableError)
