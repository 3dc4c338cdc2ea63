"""Unknown messages: taken over, looked up, adopted, or queued again when surely not there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from desk_for_delivery import (
    MICROS,
    START,
    Turned,
    Wire,
    accepted,
    account,
    accounts,
    answer,
    message,
    numbered,
    open_books,
    queue,
    states,
    status,
    tries,
)

from smsnotify.base.errors import OutcomeUnknownError
from smsnotify.engine.accounts import Account
from smsnotify.engine.delivery import drain, settle
from smsnotify.engine.settle import SettleReport
from smsnotify.model.decision import Mode
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.providers.sandbox import Sandbox, SandboxSettings
from smsnotify.store.store import Store

SECOND = 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_books(tmp_path) as opened:
        yield opened


@pytest.fixture
def turned() -> Turned:
    return Turned()


def look(store: Store, wire: Wire, turned: Turned, *made: Account) -> SettleReport:
    return asyncio.run(
        settle(
            store,
            accounts(*(made or (account(),))),
            mode=Mode.LIVE,
            transport=wire,
            times=turned.times(),
            sleep=turned.sleep,
        )
    )


def send(store: Store, wire: Wire, turned: Turned, *made: Account) -> Any:
    return asyncio.run(
        drain(
            store,
            accounts(*(made or (account(),))),
            {"default": [["main"]]},
            mode=Mode.LIVE,
            transport=wire,
            times=turned.times(),
            sleep=turned.sleep,
        )
    )


def lose(store: Store, turned: Turned, *ids: str, **fields: Any) -> None:
    """Send messages whose answers are lost: unknown since now."""
    queue(store, *ids, **fields)
    send(store, Wire(main=OutcomeUnknownError("no answer in time")), turned)
    assert states(store) == {"unknown": len(ids)}


def texts(*found: tuple[str, str, float]) -> HttpResponse:
    """What the provider lists: (its id, text, seconds after the start)."""
    rows = [
        {"pid": pid, "text": text, "at": (START + timedelta(seconds=at)).isoformat()}
        for pid, text, at in found
    ]
    return answer({"found": rows})


def lists(*found: tuple[str, str, float]) -> Wire:
    return Wire(main=lambda request: texts(*found))


def test_a_message_that_the_provider_has_is_adopted(store: Store, turned: Turned) -> None:
    lose(store, turned, "one")
    wire = lists(("p1", "Hi", 0.1))
    assert look(store, wire, turned).looked == 0
    turned.passed += 5
    report = look(store, wire, turned)
    assert (report.looked, report.adopted, report.several) == (1, 1, 0)
    after = message(store, "one")
    assert (after["state"], after["provider_message_id"]) == ("accepted", "p1")
    assert after["error"] == ""
    assert wire.requests[0].url == "http://main.test/list?to=+6591230000"


def test_looks_come_after_5_and_30_and_120_seconds_then_it_is_queued_again(
    store: Store, turned: Turned
) -> None:
    lose(store, turned, "one")
    wire = lists()
    looked_at = []
    while message(store, "one")["state"] == "unknown":
        turned.passed += 1
        if look(store, wire, turned).looked:
            looked_at.append(turned.passed)
        assert turned.passed < 200
    assert looked_at == [5, 30, 120]
    assert message(store, "one")["state"] == "queued"
    assert send(store, Wire(main=accepted), turned).sent == 1
    assert [one["result"] for one in tries(store, "one")] == ["unknown", "accepted"]


def test_a_desk_that_looks_rarely_looks_once(store: Store, turned: Turned) -> None:
    lose(store, turned, "one")
    turned.passed += 300
    assert look(store, lists(), turned).requeued == 1


def test_a_message_queued_again_goes_through_the_same_account(store: Store, turned: Turned) -> None:
    lose(store, turned, "one")
    turned.passed += 300
    look(store, lists(), turned)
    wire = Wire(main=accepted, backup=accepted)
    asyncio.run(
        drain(
            store,
            accounts(account(), account("backup")),
            {"default": [["backup"], ["main"]]},
            mode=Mode.LIVE,
            transport=wire,
            times=turned.times(),
            sleep=turned.sleep,
        )
    )
    assert wire.sent_through("main") == ["one"]


def test_a_text_with_other_words_or_from_before_is_not_ours(store: Store, turned: Turned) -> None:
    turned.passed += 600
    lose(store, turned, "one", due_at=MICROS + 600 * SECOND)
    turned.passed += 5
    wire = lists(("p1", "Hello", 600), ("p2", "Hi", 500))
    assert look(store, wire, turned).waiting == 1
    assert message(store, "one")["looks"] == 1


def test_an_id_that_another_message_has_is_not_adopted(store: Store, turned: Turned) -> None:
    lose(store, turned, "one")
    queue(store, "other", state="delivered", provider_message_id="p1")
    turned.passed += 5
    assert look(store, lists(("p1", "Hi", 0)), turned).adopted == 0


def test_of_several_that_fit_the_earliest_is_adopted_and_flagged(
    store: Store, turned: Turned
) -> None:
    lose(store, turned, "one")
    turned.passed += 5
    report = look(store, lists(("p2", "Hi", 2), ("p1", "Hi", 1)), turned)
    assert (report.adopted, report.several) == (1, 1)
    after = message(store, "one")
    assert after["provider_message_id"] == "p1"
    assert "several" in after["error_text"]


def test_equal_texts_to_one_person_never_share_an_id(store: Store, turned: Turned) -> None:
    lose(store, turned, "one", "two", "three")
    turned.passed += 5
    report = look(store, lists(("p1", "Hi", 1), ("p2", "Hi", 2)), turned)
    assert (report.adopted, report.waiting) == (2, 1)
    ids = [message(store, one)["provider_message_id"] for one in ("one", "two", "three")]
    assert sorted(ids) == ["", "p1", "p2"]


@pytest.mark.parametrize(
    ("trouble", "wait_s"),
    [(status(500), 10), (status(429, retry_after="40"), 40), (OutcomeUnknownError("slow"), 10)],
)
def test_a_look_without_an_answer_does_not_count(
    store: Store, turned: Turned, trouble: Any, wait_s: int
) -> None:
    lose(store, turned, "one")
    turned.passed += 300
    report = look(store, Wire(main=trouble), turned)
    assert (report.looked, report.requeued, report.waiting) == (0, 0, 1)
    after = message(store, "one")
    assert (after["state"], after["looks"]) == ("unknown", 0)
    assert after["due_at"] == MICROS + (300 + wait_s) * SECOND


def test_a_provider_that_cannot_be_asked_leaves_it_to_a_person(
    store: Store, turned: Turned
) -> None:
    lose(store, turned, "one")
    turned.passed += 5
    mute = account(lookup=False)
    assert look(store, Wire(), turned, mute).parked == 1
    turned.passed += 100_000
    assert look(store, Wire(), turned, mute) == SettleReport()
    after = message(store, "one")
    assert after["state"] == "unknown"
    assert "person" in after["error_text"]


def test_an_account_that_left_the_settings_keeps_its_unknown_messages(
    store: Store, turned: Turned
) -> None:
    lose(store, turned, "one")
    turned.passed += 300
    assert look(store, Wire(), turned, account("new")).waiting == 1
    assert message(store, "one")["state"] == "unknown"
    turned.passed += 3600
    assert look(store, lists(("p1", "Hi", 0)), turned).adopted == 1


def test_a_settled_message_is_not_settled_again_by_a_slow_look(
    store: Store, turned: Turned
) -> None:
    lose(store, turned, "one")
    turned.passed += 300

    def meanwhile(request: HttpRequest) -> HttpResponse:
        with store.begin() as connection:
            connection.exec_driver_sql("UPDATE messages SET state='delivered' WHERE id='one'")
        return texts()

    look(store, Wire(main=meanwhile), turned)
    assert message(store, "one")["state"] == "delivered"


LEFT = {"state": "sending", "account": "main", "attempts": 1, "lease_until": MICROS + 30 * SECOND}


def test_what_a_dead_worker_had_in_flight_becomes_unknown_when_its_lease_ends(
    store: Store, turned: Turned
) -> None:
    queue(store, "one", **LEFT)
    wire = lists(("p1", "Hi", 0.2))
    turned.passed = 29
    assert look(store, wire, turned).taken_over == 0
    turned.passed = 30
    assert look(store, wire, turned).taken_over == 1
    after = message(store, "one")
    assert (after["state"], after["due_at"]) == ("unknown", MICROS + 35 * SECOND)
    (tried,) = tries(store, "one")
    assert (tried["number"], tried["result"], tried["at"]) == (1, "unknown", MICROS)
    turned.passed = 35
    assert look(store, wire, turned).adopted == 1


def test_nothing_stays_in_doubt_for_more_than_180_seconds_after_a_kill(
    store: Store, turned: Turned
) -> None:
    queue(store, *numbered(40), **LEFT)
    wire = lists()
    while states(store).get("queued", 0) < 40:
        look(store, wire, turned)
        turned.passed += 5
    assert turned.passed <= 180


def test_a_rule_that_prefers_a_second_text_resends_what_was_cut_off(
    store: Store, turned: Turned
) -> None:
    queue(store, "alarm", **LEFT, on_unknown="resend")
    queue(store, "often", **(LEFT | {"attempts": 3}), on_unknown="resend")
    turned.passed = 30
    look(store, Wire(), turned)
    assert message(store, "alarm")["state"] == "queued"
    assert message(store, "often")["state"] == "unknown"


def test_the_sandbox_knows_no_unknown(store: Store, turned: Turned) -> None:
    queue(store, "one", **LEFT)
    turned.passed = 30
    sandbox = Account.of("main", Sandbox(SandboxSettings()))
    assert send(store, Wire(), turned, sandbox).sent == 1
    assert states(store) == {"delivered": 1}


def test_only_unknown_messages_of_the_mode_are_touched(store: Store, turned: Turned) -> None:
    queue(store, "test", **LEFT, mode="test")
    queue(store, "failed", state="failed")
    turned.passed = 300
    assert look(store, Wire(), turned) == SettleReport()


def test_a_look_up_rate_is_obeyed(store: Store, turned: Turned) -> None:
    lose(store, turned, *numbered(6))
    turned.passed += 5
    slow = account()
    slow.provider.capabilities = type(slow.provider.capabilities)(  # type: ignore[misc]
        lookup_by_recipient=True, lookups_per_second=1.0
    )
    at: list[float] = []

    def note(request: HttpRequest) -> HttpResponse:
        at.append(turned.passed)
        return texts()

    look(store, Wire(main=note), turned, slow)
    assert len(at) == 6
    assert all(later - earlier >= 0.999 for earlier, later in pairwise(at))
