"""A real desk and the local provider: texts out, receipts and answers back, over loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import tomli_w
from sqlalchemy import text
from stage import SID, TOKEN, standing

from smsnotify.cli.sandboxing import known_accounts
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.model.fault import Fault
from smsnotify.sandbox.exchange import Exchange
from smsnotify.sandbox.faults import Faults, Pace
from smsnotify.store.open import open_store
from smsnotify.store.store import Store
from smsnotify.web.server import open_socket, serve
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings

RULES = """
version: 1
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    tracking_link: none
    body: "Hi, order {{ do_number }} has arrived."
"""
DEADLINE_S = 20.0


class Desk:
    """A desk that serves, its books, and the provider that it sends through."""

    def __init__(self, serving: Serving, exchange: Exchange, url: str) -> None:
        self.serving, self.store, self.exchange = serving, serving.store, exchange
        self.url = url

    def complete(self, *numbers: str) -> None:
        """Tell the desk that jobs of these numbers are done."""
        loaded = self.serving.loaded
        intake = Intake(loaded.rules, loaded.policy, self.store, ticket=Ticket())
        lines = [
            json.dumps(
                {
                    "event": "completed",
                    "job": {
                        "do_number": f"DO-{number[-4:]}",
                        "date": "2026-03-02",
                        "phone_number": number,
                    },
                }
            ).encode()
            for number in numbers
        ]
        intake.take(1, lines, self.serving.clock())

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.store.read() as connection:
            return [dict(row) for row in connection.execute(text(query)).mappings()]

    def states(self) -> set[str]:
        return {str(row["state"]) for row in self.rows("SELECT state FROM messages")}

    async def until(self, what: Callable[[], object], told: str) -> None:
        """Look until it is so."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not what():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"it never came to that: {told}, {self.states()}") from None


@asynccontextmanager
async def desk_at(folder: Path, store: Store, exchange: Exchange) -> AsyncIterator[Desk]:
    hooks = open_socket("127.0.0.1", 0)
    async with standing(exchange) as url:
        usual = {"base_url": url}
        accounts = {
            "main": usual
            | {
                "provider": "8x8",
                "api_key": "k",
                "subaccount_id": "acme",
                "sender": "+6531580000",
                "webhook_token": "tok/én",
            },
            "backup": usual
            | {
                "provider": "twilio",
                "account_sid": SID,
                "auth_token": TOKEN,
                "sender": "+6531590000",
            },
        }
        settings = {
            "mode": "live",
            "country": "SG",
            "public_url": f"http://127.0.0.1:{hooks.getsockname()[1]}",
            "database": "sqlite:///desk.db",
            "accounts": accounts,
            "routes": {"default": [["main", "backup"]]},
        }
        file = folder / "sms-notify.toml"
        file.write_text(tomli_w.dumps(settings), encoding="utf-8")
        file.chmod(0o600)
        (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
        sources = Sources(config=file)
        read = read_settings(sources)
        exchange.accounts |= {(one.speech, one.id): one for one in known_accounts(read, url)}
        serving = Serving(store, load(read, sources))
        stop = asyncio.Event()
        served = asyncio.create_task(serve(serving, sources, hooks, stop=stop, ticking=False))
        try:
            yield Desk(serving, exchange, url)
        finally:
            stop.set()
            await served
            serving.close()
            hooks.close()


def walked(
    folder: Path,
    sqlite_url: str,
    walk: Callable[[Desk], Awaitable[None]],
    **options: Any,
) -> None:
    async def play() -> None:
        pace = Pace(sent_s=0.01, delivered_s=0.02)
        with open_store(sqlite_url) as store:
            async with desk_at(folder, store, Exchange(pace=pace, **options)) as desk:
                await walk(desk)

    asyncio.run(play())


def test_texts_are_delivered_and_answers_kept_for_both_providers(
    tmp_path: Path, sqlite_url: str
) -> None:
    async def walk(desk: Desk) -> None:
        numbers = [f"+659123{n:04d}" for n in range(20)]
        desk.complete(*numbers)
        await desk.until(lambda: desk.states() == {"delivered"}, "all are delivered")
        book = desk.exchange.book
        assert sorted(book.phones) == numbers
        assert {text.speech.value for text in book.texts.values()} == {"8x8", "twilio"}
        for number in numbers[:6]:
            phone = book.phone(number)
            ((account, ours), *_) = desk.exchange.senders_for(phone)
            desk.exchange.network.answer(phone, ours, f"Thanks, {number[-4:]} 😀", account)
        kept = "SELECT sender, body, account FROM replies ORDER BY sender"
        await desk.until(lambda: len(desk.rows(kept)) == 6, "all answers are kept")
        assert desk.rows(kept)[0]["body"] == "Thanks, 0000 😀"
        assert {row["account"] for row in desk.rows(kept)} == {"main", "backup"}
        assert all(call.is_fine for call in desk.exchange.caller.calls)

    walked(tmp_path, sqlite_url, walk)


def test_nothing_is_lost_or_sent_twice_on_a_bad_day(tmp_path: Path, sqlite_url: str) -> None:
    async def walk(desk: Desk) -> None:
        for fault in (Fault.TOO_MANY, Fault.UNAVAILABLE):
            desk.exchange.faults.once(fault, 2)
        desk.exchange.faults.once(Fault.DOUBLED_RECEIPT, 5)
        numbers = [f"+659123{n:04d}" for n in range(12)]
        desk.complete(*numbers)
        await desk.until(lambda: desk.states() == {"delivered"}, "all are delivered")
        told = [text.phone for text in desk.exchange.book.texts.values()]
        assert sorted(told) == numbers

    walked(tmp_path, sqlite_url, walk, faults=Faults(retry_after_s=0))


def test_a_number_that_is_gone_ends_as_undelivered_with_its_reason(
    tmp_path: Path, sqlite_url: str
) -> None:
    async def walk(desk: Desk) -> None:
        numbers = ["+6591230001", "+6591230002"]
        for number in numbers:
            desk.exchange.book.phone(number).is_gone = True
        desk.complete(*numbers)
        await desk.until(lambda: desk.states() == {"undelivered"}, "both came back")
        found = desk.rows("SELECT error FROM messages")
        assert {row["error"] for row in found} == {"invalid_number"}

    walked(tmp_path, sqlite_url, walk)


def test_a_forged_answer_is_refused_by_the_desk(tmp_path: Path, sqlite_url: str) -> None:
    async def walk(desk: Desk) -> None:
        for account in desk.exchange.accounts.values():
            account.auth_token = account.webhook_token = "guessed"
            phone = desk.exchange.book.phone("+6591230001")
            ours = next(iter(account.senders))
            desk.exchange.network.answer(phone, ours, "free parcels", account)
        calls = desk.exchange.caller.calls
        await desk.until(lambda: len(calls) >= 2, "both were called")
        assert {call.ending for call in calls} == {"answered 401", "answered 403"}
        assert desk.rows("SELECT * FROM replies") == []

    walked(tmp_path, sqlite_url, walk)


def test_an_answer_typed_on_the_page_reaches_the_desk(tmp_path: Path, sqlite_url: str) -> None:
    async def walk(desk: Desk) -> None:
        desk.complete("+6591230001")
        await desk.until(lambda: desk.states() == {"delivered"}, "it is delivered")
        async with httpx.AsyncClient(base_url=desk.url, follow_redirects=True) as browser:
            page = await browser.get("/phones/6591230001")
            assert "order DO-0001 has arrived" in page.text
            secret = page.text.partition('name="secret" value="')[2].partition('"')[0]
            form = {"secret": secret, "body": "Leave it at the door"}
            page = await browser.post("/phones/6591230001/answer", data=form)
            assert "Leave it at the door" in page.text
        kept = "SELECT sender, body FROM replies"
        await desk.until(lambda: desk.rows(kept), "the answer is kept")
        assert desk.rows(kept) == [{"sender": "+6591230001", "body": "Leave it at the door"}]

    walked(tmp_path, sqlite_url, walk)
