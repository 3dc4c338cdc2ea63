"""Asking providers for what no receipt has told: real adapters against a server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desk_for_delivery import MICROS, Turned, account, message, numbered, open_books, queue
from gateway import serving

from smsnotify.base.errors import StoreError
from smsnotify.base.secrets import Secret
from smsnotify.engine import asking
from smsnotify.engine.accounts import Account
from smsnotify.engine.asking import ReconcileReport
from smsnotify.engine.reconcile import reconcile
from smsnotify.model.decision import Mode
from smsnotify.model.message import MessageState, Receipt
from smsnotify.providers.eight_x_eight import EightXEight, EightXEightSettings
from smsnotify.providers.sandbox import Sandbox, SandboxSettings
from smsnotify.providers.twilio import Twilio, TwilioSettings
from smsnotify.store import receipts
from smsnotify.store.receipts import BY_LOOKUP
from smsnotify.store.store import Store

MINUTE = 60
HOUR = 3600

Answer = tuple[int, dict[str, Any], dict[str, str]]


class Registry:
    """A provider's look-ups on loopback: `words` by provider id, `script` before anything else."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {}
        self.script: list[Answer] = []
        self.asked: list[str] = []
        self.on_ask: Callable[[], None] = lambda: None
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            self.on_ask()
            writer.write(self._answer(head.split(b" ")[1].decode()))

    def _answer(self, path: str) -> bytes:
        pid = path.rpartition("/")[2].removesuffix(".json")
        self.asked.append(pid)
        status, body, headers = self.script.pop(0) if self.script else self._look(path, pid)
        written = json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(written)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + written

    def _look(self, path: str, pid: str) -> Answer:
        word = self.words.get(pid)
        if word is None:
            return 404, {"code": 1300 if "subaccounts" in path else 20404}, {}
        if "subaccounts" in path:
            return 200, {"umid": pid, "status": {"state": word}, "smsCount": 1}, {}
        updated = "Mon, 02 Mar 2026 09:01:00 +0000"
        return 200, {"sid": pid, "status": word, "date_updated": updated}, {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Registry]:
        async with serving(self._serve) as place:
            self.url = f"http://{place}"
            yield self


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_books(tmp_path) as opened:
        yield opened


@pytest.fixture
def turned() -> Turned:
    made = Turned()
    made.passed = 15 * MINUTE
    return made


@pytest.fixture
def registry() -> Registry:
    return Registry()


def twilio(url: str, name: str = "main") -> Account:
    settings = TwilioSettings(
        account_sid="AC" + "0" * 32, auth_token=Secret.parse("token"), base_url=url
    )
    return Account.of(name, Twilio(settings))


def eight(url: str, name: str = "main") -> Account:
    settings = EightXEightSettings(
        provider="8x8", api_key=Secret.parse("key"), subaccount_id="acme_notify", base_url=url
    )
    return Account.of(name, EightXEight(settings))


def accepted(store: Store, *ids: str, name: str = "main", **fields: Any) -> None:
    """Put messages into the outbox that a provider took as `P-…`."""
    for one in ids:
        pid = {"provider_message_id": f"P-{one}"} | fields
        queue(store, one, **{"state": "accepted", "account": name, "attempts": 1} | pid)


def run(
    store: Store,
    registry: Registry,
    turned: Turned,
    *make: Callable[[str], Account],
    **options: Any,
) -> ReconcileReport:
    async def work() -> ReconcileReport:
        async with registry.open():
            made = [one(registry.url) for one in make or (twilio,)]
            return await reconcile(
                store,
                {one.name: one for one in made},
                mode=Mode.LIVE,
                times=turned.times(),
                sleep=turned.sleep,
                **options,
            )

    return asyncio.run(work())


def state(store: Store, one: str) -> str:
    return str(message(store, one)["state"])


def test_what_the_provider_knows_becomes_the_state(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, "m1", "m2", "m3", "m4")
    registry.words = {"P-m1": "delivered", "P-m2": "undelivered", "P-m3": "queued"}
    seen: list[int] = []
    report = run(store, registry, turned, progress=lambda told: seen.append(told.asked))
    assert (report.asked, report.settled, report.unchanged, report.absent) == (4, 2, 1, 1)
    assert [state(store, one) for one in ("m1", "m2", "m3", "m4")] == [
        "delivered",
        "undelivered",
        "accepted",
        "accepted",
    ]
    found = message(store, "m1")
    assert (found["told_by"], found["told_at"]) == ("lookup", MICROS + MINUTE * 1_000_000)
    assert seen == [4]
    assert (report.left, report.stopped, report.skipped) == (0, {}, {})


def test_only_what_was_quiet_for_long_enough_is_asked_about(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, "young", due_at=MICROS + 10 * MINUTE * 1_000_000)
    accepted(store, "done", state="delivered")
    accepted(store, "other", mode="test")
    accepted(store, "nameless", provider_message_id="")
    accepted(store, "due", state="sent")
    run(store, registry, turned)
    assert registry.asked == ["P-due"]


def test_after_72_hours_it_is_only_counted(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, "m1")
    turned.passed = 72 * HOUR + 1
    report = run(store, registry, turned)
    assert (report.asked, report.no_word) == (0, 1)
    assert state(store, "m1") == "accepted"


def test_a_second_run_does_not_ask_again_so_soon(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, "m1")
    registry.words = {"P-m1": "sent"}
    assert run(store, registry, turned).settled == 1
    assert run(store, registry, turned).asked == 0
    turned.passed += 11 * MINUTE
    assert run(store, registry, turned).unchanged == 1
    registry.words = {"P-m1": "delivered"}
    turned.passed += 11 * MINUTE
    assert run(store, registry, turned, quiet_for=timedelta(minutes=5)).settled == 1


def test_8x8_is_asked_once_a_second_and_in_the_order_of_waiting(
    store: Store, registry: Registry, turned: Turned
) -> None:
    ids = numbered(12)
    for place, one in enumerate(ids):
        accepted(store, one, due_at=MICROS - place)
    registry.words = {f"P-{one}": "delivered" for one in ids}
    began = turned.passed
    report = run(store, registry, turned, eight)
    assert report.settled == 12
    assert turned.passed - began >= 11.0 - 1e-6
    assert registry.asked == [f"P-{one}" for one in reversed(ids)]


def test_a_limit_bounds_the_run_and_the_next_one_goes_on(
    store: Store, registry: Registry, turned: Turned
) -> None:
    ids = numbered(7)
    accepted(store, *ids)
    registry.words = {f"P-{one}": "delivered" for one in ids}
    report = run(store, registry, turned, limit=3)
    assert (report.asked, report.settled, report.left) == (3, 3, 4)
    report = run(store, registry, turned, limit=100)
    assert (report.asked, report.left) == (4, 0)
    assert len(set(registry.asked)) == 7


def test_told_to_stop_it_puts_back_what_it_did_not_ask_about(
    store: Store, registry: Registry, turned: Turned
) -> None:
    ids = numbered(9)
    accepted(store, *ids)
    registry.words = {f"P-{one}": "delivered" for one in ids}
    stop = asyncio.Event()
    registry.on_ask = stop.set
    report = run(store, registry, turned, eight, stop=stop)
    assert (report.asked, report.settled, report.left) == (1, 1, 8)


def test_a_wrong_key_stops_the_account_and_costs_no_message_its_turn(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, *numbered(5))
    registry.script = [(401, {"code": 1200, "message": "no such key"}, {})]
    report = run(store, registry, turned, eight)
    assert report.stopped == {"main": "no such key"}
    assert (report.asked, report.unclear, report.left) == (1, 1, 5)


def test_a_secret_that_cannot_be_read_stops_the_account(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, "m1")

    def without_key(url: str) -> Account:
        settings = TwilioSettings(
            account_sid="AC" + "0" * 32,
            auth_token=Secret.parse({"env": "SMS_NOTIFY_TEST_NOT_SET"}),
            base_url=url,
        )
        return Account.of("main", Twilio(settings))

    report = run(store, registry, turned, without_key)
    assert (report.asked, report.left, list(report.stopped)) == (0, 1, ["main"])


def test_a_rate_limit_is_waited_for(store: Store, registry: Registry, turned: Turned) -> None:
    ids = numbered(2)
    for place, one in enumerate(ids):
        accepted(store, one, due_at=MICROS + place)
    registry.words = {f"P-{one}": "delivered" for one in ids}
    registry.script = [(429, {"code": 429}, {"Retry-After": "20"})]
    began = turned.passed
    report = run(store, registry, turned, eight)
    assert turned.passed - began >= 20
    assert (report.asked, report.settled, report.unclear, report.left) == (2, 1, 1, 1)


def test_a_provider_that_never_answers_is_left_alone_after_some_tries(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, *numbered(40))
    registry.script = [(500, {}, {})] * 40
    report = run(store, registry, turned, eight)
    assert report.asked == asking._PATIENCE
    assert list(report.stopped) == ["main"]


def test_nobody_listening_is_unclear_and_not_an_error(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, *numbered(6))
    report = run(store, registry, turned, lambda url: twilio("http://127.0.0.1:1"))
    assert report.unclear == 6
    assert list(report.stopped) == ["main"]


def test_accounts_that_cannot_be_asked_are_named(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, "m1", name="deaf")
    report = run(
        store,
        registry,
        turned,
        lambda url: account("deaf"),
        lambda url: Account.of("sandbox", Sandbox(SandboxSettings(provider="sandbox"))),
    )
    assert report.skipped == {"deaf": "Parrot cannot be asked"}
    assert report.asked == 0


def test_two_accounts_are_asked_side_by_side(
    store: Store, registry: Registry, turned: Turned
) -> None:
    accepted(store, "m1", name="one")
    accepted(store, "m2", name="two")
    registry.words = {"P-m1": "delivered", "P-m2": "delivered"}
    report = run(
        store, registry, turned, lambda url: twilio(url, "one"), lambda url: eight(url, "two")
    )
    assert report.settled == 2


def test_an_adapter_that_stumbles_stops_nothing_else(
    store: Store, registry: Registry, turned: Turned, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(store, "m1")

    def stumble(*args: object, **rest: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Twilio, "parse_lookup", stumble)
    assert run(store, registry, turned).unclear == 1
    monkeypatch.setattr(Twilio, "build_lookup", lambda *args: None)
    turned.passed += HOUR
    assert run(store, registry, turned).unclear == 1


def test_a_database_that_fails_ends_the_run_with_its_error(
    store: Store, registry: Registry, turned: Turned, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted(store, "m1")

    def gone(*args: object, **rest: object) -> None:
        raise StoreError("the database is gone")

    monkeypatch.setattr(asking, "take_receipts", gone)
    with pytest.raises(StoreError, match="gone"):
        run(store, registry, turned)


def test_receipts_that_came_early_are_caught_up_first(
    store: Store, registry: Registry, turned: Turned
) -> None:
    early = Receipt(provider_message_id="P-m1", state=MessageState.DELIVERED, raw_word="delivered")
    with store.begin() as connection:
        receipts.take(connection, "main", [early], turned.clock(), by=BY_LOOKUP)
    accepted(store, "m1")
    report = run(store, registry, turned)
    assert (report.settled, report.asked) == (1, 0)
