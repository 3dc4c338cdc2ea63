"""Who is compared in `delivery.py`: a server that plays Twilio, and three clients of it.

Every client posts the same texts, and says what that took.
"""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

SID = "AC" + "0" * 32
TOKEN = "0" * 32
BODY = "Hi Mei Ling, order DO-77 has arrived at Block 12. Track: https://track.example/abc"
PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"
THREADS = 32


# The provider, in a process of its own.


def serve(delay_s: float) -> None:
    """Answer every POST like Twilio after a delay; print the port first."""
    from aiohttp import web

    from smsnotify.engine.loop import run

    answer = json.dumps(
        {
            "sid": "SM%032d",
            "status": "queued",
            "to": "+6591230000",
            "from": "+6531590000",
            "body": BODY,
            "num_segments": "1",
            "num_media": "0",
            "direction": "outbound-api",
            "price": None,
            "error_code": None,
            "error_message": None,
            "date_created": "Mon, 02 Feb 2026 09:00:00 +0000",
        }
    )
    count = 0

    async def handle(request: web.BaseRequest) -> web.Response:
        nonlocal count
        await request.read()
        if delay_s:
            await asyncio.sleep(delay_s)
        count += 1
        return web.Response(status=201, text=answer % count, content_type="application/json")

    async def main() -> None:
        server = web.Server(handle, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(site._server.sockets[0].getsockname()[1], flush=True)  # type: ignore[union-attr]
        await asyncio.Event().wait()

    run(main())


class Spent(NamedTuple):
    """What a run took: seconds on the clock and seconds of CPU time."""

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Spent:
        """Start to measure this process."""
        return cls(time.perf_counter(), time.process_time())

    def until_now(self) -> Spent:
        """Return what was spent since."""
        return Spent(time.perf_counter() - self.wall_s, time.process_time() - self.cpu_s)


# The bare loop.


async def bare(url: str, count: int, concurrency: int) -> Spent:
    """Post `count` prepared requests."""
    import aiohttp

    user = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
    headers = {
        "Authorization": f"Basic {user}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    text = BODY.replace(" ", "+").replace(":", "%3A").replace("/", "%2F").replace(",", "%2C")
    bodies = [
        f"To=%2B659{number:07d}&From=%2B6531590000&Body={text}".encode() for number in range(count)
    ]
    taken = iter(bodies)

    async def work(session: aiohttp.ClientSession) -> None:
        for body in taken:
            async with session.post(url + PATH, data=body, headers=headers) as response:
                answer = await response.read()
                assert response.status == 201, answer

    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector) as session:
        began = Spent.now()
        await asyncio.gather(*(work(session) for _ in range(concurrency)))
        return began.until_now()


# The provider's own package.


def package(url: str, count: int) -> Spent:
    """Create `count` messages with one client of the `twilio` package, from many threads."""
    from requests import Session
    from requests.adapters import HTTPAdapter
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class Local(TwilioHttpClient):
        """Goes to our server; a pool with a connection for every thread."""

        def request(self, method: str, uri: str, *args: Any, **more: Any) -> Any:
            return super().request(method, url + PATH, *args, **more)

    http = Local()
    assert isinstance(http.session, Session)
    http.session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=THREADS))
    client = Client(SID, TOKEN, http_client=http)

    def send(number: int) -> None:
        sent = client.messages.create(to=f"+659{number:07d}", from_="+6531590000", body=BODY)
        assert sent.sid

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(send, range(THREADS)))
        began = Spent.now()
        list(threads.map(send, range(count)))
        return began.until_now()


# Ours.


async def ours(url: str, count: int, concurrency: int) -> Spent:
    """Deliver `count` stored messages."""
    from smsnotify.engine.accounts import Account
    from smsnotify.engine.delivery import drain
    from smsnotify.model.decision import Mode
    from smsnotify.providers.registry import load_provider
    from smsnotify.store.open import open_store

    adapter = load_provider("twilio")
    settings = adapter.settings_type.model_validate(
        {
            "provider": "twilio",
            "account_sid": SID,
            "auth_token": TOKEN,
            "sender": "+6531590000",
            "base_url": url,
            "concurrency": concurrency,
        }
    )
    account = Account.of("main", adapter(settings))
    with tempfile.TemporaryDirectory() as folder:
        with open_store(f"sqlite:///{folder}/books.db") as store:
            fill(store, count)
            began = Spent.now()
            report = await drain(store, {"main": account}, {"default": [["main"]]}, mode=Mode.LIVE)
            spent = began.until_now()
        assert (report.sent, report.left) == (count, 0), report
    return spent


def fill(store: Any, count: int) -> None:
    """Queue messages as intake does."""
    from sqlalchemy import insert

    from smsnotify.base.clock import system_clock
    from smsnotify.store.instants import to_micros
    from smsnotify.store.tables import messages

    now = to_micros(system_clock())
    rows = [
        {
            "id": f"{number:026d}",
            "subject": f"id:{number:024x}",
            "mode": "live",
            "kind": "completed",
            "rule": "delivered",
            "occasion": "1",
            "channel": "sms",
            "recipient_hash": number.to_bytes(16),
            "recipient": f"+659{number:07d}",
            "country": "SG",
            "job": f"DO-{number}",
            "state": "queued",
            "body": BODY,
            "encoding": "GSM7",
            "created_at": now,
            "updated_at": now,
            "expires_at": now + 86_400_000_000,
        }
        for number in range(count)
    ]
    with store.begin() as connection:
        connection.execute(insert(messages), rows)
