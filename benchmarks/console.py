"""How fast the console's pages are: searched by number and by job, a job's and a contact's page.

    python benchmarks/console.py                   # 1,000,000 messages
    python benchmarks/console.py --rows 10000000

The outbox is filled on SQLite, one text a job and number, over a year; a page is everything from
the request to its HTML, without the socket.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
from by_number import JOBS
from outbox_inserts import fill
from sqlalchemy import text

from smsnotify.base.clock import fixed_clock
from smsnotify.engine.auditing import Actor
from smsnotify.engine.logins import add_user, log_in
from smsnotify.model.message import MessageState
from smsnotify.model.user import Role
from smsnotify.store.open import open_store
from smsnotify.text.phone import read_number
from smsnotify.web.app import create_app
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings

LOOKS = 50
RULES = """
version: 1
rules:
  - {name: delivered, events: [completed], to: {fields: [phone_number]}, body: "{{ do_number }}"}
"""
SETTINGS = """
mode = "live"
country = "SG"
timezone = "Asia/Singapore"

[accounts.main]
provider = "8x8"
api_key = "none"
subaccount_id = "none"
sender = "ACME"
"""
WORDS = "correct horse battery"


def number(n: int) -> str:
    """Return the number of a message, as `fill` makes it."""
    return f"+659{n % 10_000_000:07}"


def is_mobile(written: str) -> bool:
    """Say whether it is one that exists; some that `fill` makes are none."""
    return not read_number(written, "", "SG").reason


async def measure(serving: Serving, token: str, rows: int) -> None:
    """Print how long pages take, one after the other."""
    picked = [n for n in random.sample(range(rows), 4 * LOOKS) if is_mobile(number(n))][:LOOKS]
    numbers = [quote(number(n)) for n in picked]
    jobs = [f"DO{n:08}" for n in picked]
    transport = httpx.ASGITransport(app=create_app(serving))
    headers = {"Cookie": f"sms-notify={token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://desk", headers=headers
    ) as at:
        for what, paths in (
            ("search by number", [f"/console/messages?q={one}" for one in numbers]),
            ("search by job", [f"/console/messages?q={one}" for one in jobs]),
            ("a job with why", [f"/console/jobs/of?name={one}" for one in jobs]),
            ("a contact", [f"/console/contacts/of?who={one}" for one in numbers]),
            ("the newest messages", ["/console/messages"] * LOOKS),
            ("failed of 7 days", ["/console/messages?state=failed"] * 5),
            ("today", ["/console"] * 5),
            ("accounts", ["/console/accounts"] * 5),
        ):
            times = []
            for path in paths:
                start = time.perf_counter()
                answer = await at.get(path)
                times.append((time.perf_counter() - start) * 1000)
                assert answer.status_code == 200, (path, answer.status_code)
                assert "?" not in path or "has arrived" in answer.text or "state" in path, path
            told = f"median {statistics.median(times):.1f} ms, longest {max(times):.1f} ms"
            print(f"{what}: {told}", flush=True)


def main() -> None:
    """Fill an outbox and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", default="", help="where the database lies while it is measured")
    rows = parser.parse_args().rows
    start = datetime(2025, 3, 2, tzinfo=UTC)
    with tempfile.TemporaryDirectory(dir=parser.parse_args().folder or None) as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
        config = folder / "sms-notify.toml"
        config.write_text(SETTINGS, "utf-8")
        database = f"sqlite:///{folder / 'desk.db'}"
        with open_store(database) as store:
            fill(store, rows, start, timedelta(days=365) / rows, MessageState.DELIVERED)
            with store.begin() as connection:
                connection.execute(text(JOBS), {"nothing": b"{}"})
            later = start + timedelta(days=365)
            store.index_numbers(later)
            store.index_numbers(later)
            add_user(store, "clerk", Role.CLERK, WORDS, Actor("bench"), later)
            came = log_in(store, "clerk", WORDS, "", later, timedelta(hours=12))
            sources = Sources(config=config, database=database)
            loaded = load(read_settings(sources), sources)
            serving = Serving(store, loaded, clock=fixed_clock(later))
            try:
                asyncio.run(measure(serving, came.token, rows))
            finally:
                serving.close()


if __name__ == "__main__":
    main()
