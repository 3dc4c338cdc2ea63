"""Delivery, live and durable, against a bare aiohttp loop that stores nothing.

    python benchmarks/delivery.py [--count 20000] [--rounds 3]

A server in another process plays Twilio. Ours: messages that lie in SQLite (`synchronous=FULL`)
go through the Twilio adapter, each marked before it is sent and its result and attempt written
after. Bare: the same requests, built before the clock starts, with the same number in flight.
Both are measured in turns in fresh processes; the best of each counts. Prints messages a second
and ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

SID = "AC" + "0" * 32
TOKEN = "0" * 32
BODY = "Hi Mei Ling, order DO-77 has arrived at Block 12. Track: https://track.example/abc"
PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"
CASES = ((0, 32), (50, 256))


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


# The bare loop.


async def bare(url: str, count: int, concurrency: int) -> float:
    """Post `count` prepared requests; return the seconds."""
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
        began = time.perf_counter()
        await asyncio.gather(*(work(session) for _ in range(concurrency)))
        return time.perf_counter() - began


# Ours.


async def ours(url: str, count: int, concurrency: int) -> float:
    """Deliver `count` stored messages; return the seconds."""
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
            began = time.perf_counter()
            report = await drain(store, {"main": account}, {"default": [["main"]]}, mode=Mode.LIVE)
            passed = time.perf_counter() - began
        assert (report.sent, report.left) == (count, 0), report
    return passed


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


# The comparison.


def measure(who: str, loop: str, url: str, count: int, concurrency: int) -> float:
    """Run one side in a process of its own; return messages a second."""
    command = [sys.executable, __file__, "--run", who, loop, url, str(count), str(concurrency)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return count / float(done.stdout)


def compare(delay_ms: int, concurrency: int, count: int, rounds: int) -> None:
    """Measure both sides in turns against one server."""
    command = [sys.executable, __file__, "--serve", str(delay_ms / 1000)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        sides = {
            "bare": ("bare", "asyncio"),
            "bare uvloop": ("bare", "fast"),
            "ours": ("ours", "fast"),
        }
        best = dict.fromkeys(sides, 0.0)
        for _ in range(rounds):
            for name, (who, loop) in sides.items():
                best[name] = max(best[name], measure(who, loop, url, count, concurrency))
    finally:
        server.kill()
        server.wait()
    print(f"\n{delay_ms} ms, {concurrency} in flight, {count} messages")
    for name, rate in best.items():
        print(f"  {name:12} {rate:8.0f} msgs/s")
    print(f"  ours / bare         {best['ours'] / best['bare']:.2f}   (at least 0.75)")
    print(f"  ours / bare uvloop  {best['ours'] / best['bare uvloop']:.2f}")


def run_side(who: str, loop: str, url: str, count: int, concurrency: int) -> None:
    """Print the seconds that one side takes."""
    from smsnotify.engine.loop import run

    work: Coroutine[Any, Any, float] = (bare if who == "bare" else ours)(url, count, concurrency)
    print(asyncio.run(work) if loop == "asyncio" else run(work))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--run", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve is not None:
        serve(asked.serve)
    elif asked.run:
        who, loop, url, count, concurrency = asked.run
        run_side(who, loop, url, int(count), int(concurrency))
    else:
        print(
            f"machine: {Path('/proc/cpuinfo').read_text().count('processor')} cores"
            if Path("/proc/cpuinfo").exists()
            else sys.platform
        )
        for delay_ms, concurrency in CASES:
            compare(delay_ms, concurrency, asked.count, asked.rounds)


if __name__ == "__main__":
    main()
