"""Receipts on their way in: kept and applied, whatever brings them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.model.message import Receipt
from smsnotify.store import receipts as kept
from smsnotify.store.receipts import BY_LOOKUP, BY_RECEIPT
from smsnotify.store.receipts import Taken as ReceiptReport
from smsnotify.store.store import Store

__all__ = ["BY_LOOKUP", "BY_RECEIPT", "ReceiptReport", "apply_early", "take_receipts"]

log = logging.getLogger(__name__)

_TRIES: Final = 2


def take_receipts(
    store: Store,
    account: str,
    receipts: Sequence[Receipt],
    now: datetime,
    *,
    by: str = BY_RECEIPT,
) -> ReceiptReport:
    """Keep the receipts of one account and apply them, in one transaction.

    When this returns they are stored, and the provider may be told so. Unknown ids and words are
    kept and counted, never an error. `by` is `lookup` for answers to a question of ours.

    Raises:
        StoreError: the database failed; nothing is stored, the provider shall send them again.
    """
    report = _take(store, account, receipts, now, by)
    if report.early:
        # Meanwhile delivery may have written the answer that names these messages.
        ids = {(account, receipt.provider_message_id) for receipt in receipts}
        with store.begin() as connection:
            report.caught_up += kept.apply_early(connection, ids, now)
    if report.conflicts or report.undocumented:
        log.warning(
            "receipts that contradict, or that nobody documented, were kept and not applied",
            extra={
                "account": account,
                "conflicts": report.conflicts,
                "undocumented": report.undocumented,
            },
        )
    return report


def apply_early(store: Store, now: datetime) -> int:
    """Apply early receipts whose message is known by now; return how many moved a message."""
    with store.begin() as connection:
        return kept.apply_all_early(connection, now)


def _take(
    store: Store, account: str, receipts: Sequence[Receipt], now: datetime, by: str
) -> ReceiptReport:
    """A database that chose us to give way (two writers, one message) gets some more tries."""
    for tries_left in reversed(range(_TRIES)):
        try:
            with store.begin() as connection:
                return kept.take(connection, account, receipts, now, by=by)
        except StoreUnavailableError:
            if not tries_left:
                raise
    raise AssertionError("the loop returns or raises")
