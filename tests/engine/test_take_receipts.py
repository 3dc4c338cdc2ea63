"""Receipts on their way in, beside a delivery that is still on its way out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from desk_for_delivery import (
    START,
    Turned,
    Wire,
    accepted,
    account,
    accounts,
    message,
    open_books,
    queue,
    states,
)

from smsnotify.base.errors import OutcomeUnknownError, StoreUnavailableError
from smsnotify.engine.delivery import drain
from smsnotify.engine.receipts import ReceiptReport, apply_early, take_receipts
from smsnotify.model.decision import Mode
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.model.message import MessageState, Receipt
from smsnotify.store import receipts as kept
from smsnotify.store.store import Store

S = MessageState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_books(tmp_path) as opened:
        yield opened


def said(state: S | None, pid: str, ours: str = "") -> Receipt:
    return Receipt(
        provider_message_id=pid, message_id=ours, state=state, raw_word=str(state or "humming")
    )


class Talkative(Wire):
    """A provider whose receipts overtake its answer."""

    def __init__(self, store: Store, *early: Receipt, **scripts: object) -> None:
        super().__init__(**scripts)
        self.store = store
        self.early = early
        self.reports: list[ReceiptReport] = []

    async def send(self, request: HttpRequest, timeout_s: float) -> HttpResponse:
        report = await asyncio.to_thread(take_receipts, self.store, "main", self.early, START)
        self.reports.append(report)
        return await super().send(request, timeout_s)


def send(store: Store, wire: Wire) -> None:
    turned = Turned()
    asyncio.run(
        drain(
            store,
            accounts(account()),
            {"default": [["main"]]},
            mode=Mode.LIVE,
            transport=wire,
            times=turned.times(),
            sleep=turned.sleep,
        )
    )


def test_a_receipt_by_the_providers_id_may_overtake_the_answer(store: Store) -> None:
    queue(store, "m1")
    wire = Talkative(store, said(S.DELIVERED, "p-m1"), main=accepted)
    send(store, wire)
    assert wire.reports == [ReceiptReport(early=1)]
    assert message(store, "m1")["state"] == "delivered"


def test_a_receipt_by_our_id_may_overtake_the_answer(store: Store) -> None:
    queue(store, "m1")
    wire = Talkative(store, said(S.SENT, "p-m1", "m1"), main=accepted)
    send(store, wire)
    assert wire.reports == [ReceiptReport(applied=1)]
    found = message(store, "m1")
    assert (found["state"], found["provider_message_id"]) == ("sent", "p-m1")


def test_a_receipt_settles_what_a_lost_answer_would_leave_unknown(store: Store) -> None:
    queue(store, "m1")
    lost = OutcomeUnknownError("no answer in time")
    send(store, Talkative(store, said(S.DELIVERED, "p-m1", "m1"), main=lost))
    assert states(store) == {"delivered": 1}


def test_a_list_is_one_transaction_and_strange_ones_never_fail_it(store: Store) -> None:
    queue(store, "m1", "m2", state="accepted", account="main")
    report = take_receipts(
        store,
        "main",
        [
            said(S.DELIVERED, "a", "m1"),
            said(S.DELIVERED, "a", "m1"),
            said(S.UNDELIVERED, "a", "m1"),
            said(None, "b", "m2"),
            said(S.SENT, "nobody"),
        ],
        START,
    )
    assert report == ReceiptReport(applied=1, replayed=1, conflicts=1, undocumented=1, early=1)
    assert states(store) == {"delivered": 1, "accepted": 1}


def test_an_answer_written_while_a_receipt_was_taken_is_seen_in_a_second_look(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(store, "m1", state="accepted", account="main")
    take = kept.take

    def meanwhile(connection: Any, *args: Any, **rest: Any) -> ReceiptReport:
        report = take(connection, *args, **rest)
        connection.exec_driver_sql("UPDATE messages SET provider_message_id = 'p-m1'")
        return report

    monkeypatch.setattr(kept, "take", meanwhile)
    report = take_receipts(store, "main", [said(S.DELIVERED, "p-m1")], START)
    assert report == ReceiptReport(early=1, caught_up=1)
    assert message(store, "m1")["state"] == "delivered"


def test_early_ones_are_swept_up_later(store: Store) -> None:
    take_receipts(store, "main", [said(S.DELIVERED, "p-m1")], START)
    queue(store, "m1", state="accepted", account="main", provider_message_id="p-m1")
    assert apply_early(store, START) == 1
    assert message(store, "m1")["state"] == "delivered"


def test_a_database_that_let_another_writer_pass_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(store, "m1", state="accepted", account="main")
    begin, gone = store.begin, [True]

    @contextmanager
    def stumbling() -> Iterator[Any]:
        with begin() as connection:
            yield connection
            if gone and gone.pop():
                raise StoreUnavailableError("a deadlock, and we gave way")

    monkeypatch.setattr(store, "begin", stumbling)
    assert take_receipts(store, "main", [said(S.SENT, "a", "m1")], START).applied == 1
    gone += [True, True]
    with pytest.raises(StoreUnavailableError):
        take_receipts(store, "main", [said(S.DELIVERED, "a", "m1")], START)
    assert message(store, "m1")["state"] == "sent"


def test_contradictions_and_strange_words_are_logged_without_numbers(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    queue(store, "m1", state="accepted", account="main")
    told = [said(S.DELIVERED, "a", "m1"), said(S.FAILED, "a", "m1"), said(None, "a", "m1")]
    take_receipts(store, "main", told, START)
    (record,) = caplog.records
    assert (record.account, record.conflicts, record.undocumented) == ("main", 1, 1)  # type: ignore[attr-defined]
    assert "+65" not in caplog.text
