"""A desk that serves hooks on this machine, and the providers that call them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
from loopback import Loopback
from place import DEADLINE_S, Place
from sqlalchemy import text

from smsnotify.base.clock import Clock
from smsnotify.providers.twilio_signature import sign
from smsnotify.store.store import Store
from smsnotify.web.server import open_socket, serve
from smsnotify.web.state import Serving
from smsnotify.wiring.books import open_books
from smsnotify.wiring.loading import Sources, load, read_settings

OURS = "+6531590000"
ANNA = "+6591230001"
TOKEN = "hook-token"
AUTH = "twilio-token"
PUBLIC = "https://notify.example.test"

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


class Moment:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def later(self, **passed: float) -> None:
        """Let time pass."""
        self.now += timedelta(**passed)


class Hooked:
    """A running desk; `says` is a person's text, as the provider brings it."""

    def __init__(self, url: str, store: Store, provider: Loopback, clock: Moment) -> None:
        self.url = url
        self.store = store
        self.provider = provider
        self.clock = clock
        self._count = 0

    def twilio(self, body: str, sender: str = ANNA, sid: str = "", **fields: str) -> httpx.Response:
        """Call the hook as Twilio does, signed for the public address."""
        self._count += 1
        form = {
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "MessageSid": sid or f"SM{self._count:032x}",
            "From": sender,
            "To": OURS,
            "Body": body,
            "NumMedia": "0",
            "FromCity": "",
        } | fields
        return httpx.post(
            f"{self.url}/hooks/main",
            content=urlencode(form).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": sign(f"{PUBLIC}/hooks/main", form.items(), AUTH),
            },
        )

    def eight(self, body: str, sender: str = ANNA, umid: str = "") -> httpx.Response:
        """Call the hook as 8x8 does, with the account's token."""
        self._count += 1
        payload = {
            "umid": umid or f"in-{self._count}",
            "timestamp": "2026-03-02T03:59:59.000Z",
            "source": sender,
            "destination": OURS,
            "body": body,
        }
        call = {"namespace": "SMS", "eventType": "inbound_message_received", "payload": payload}
        return httpx.post(
            f"{self.url}/hooks/main",
            content=json.dumps(call).encode(),
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

    def texts(self, count: int) -> list[str]:
        """Wait until the provider has so many texts, and return them."""
        self.until(lambda: len(self.provider.sent) >= count)
        return [row.get("Body") or row["text"] for row in self.provider.sent]

    def until(self, done: Callable[[], object]) -> None:
        """Wait for something."""
        end = time.monotonic() + DEADLINE_S
        while not done():
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.02)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return every row of a table."""
        with self.store.read() as connection:
            found = connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2")).mappings()
            return [dict(row) for row in found]


def account(kind: str, url: str, **more: object) -> dict[str, object]:
    """Return an account of Twilio or 8x8 with a number that can receive."""
    if kind == "8x8":
        own = {"api_key": "k", "subaccount_id": "acme", "webhook_token": TOKEN}
    else:
        own = {"account_sid": "AC" + "0" * 32, "auth_token": AUTH}
    return {"provider": kind, "sender": OURS, "base_url": url, **own, **more}


@contextmanager
def hooked(
    place: Place, provider: Loopback, clock: Moment, *, ticking: bool = False
) -> Iterator[Hooked]:
    """Run the desk of a place in a thread."""
    sources = Sources(config=place / "sms-notify.toml")
    settings = read_settings(sources)
    with open_books(settings) as store:
        moment: Clock = clock
        serving = Serving(store, load(settings, sources), clock=moment)
        listener = open_socket("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        loop, stop = asyncio.new_event_loop(), asyncio.Event()
        running = serve(serving, sources, listener, stop=stop, ticking=ticking)
        thread = threading.Thread(target=loop.run_until_complete, args=(running,))
        thread.start()
        try:
            yield Hooked(url, store, provider, clock)
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(15)
            assert not thread.is_alive()
            loop.close()
            serving.close()
