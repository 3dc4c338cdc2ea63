"""How many signed texts from people one process takes, works and answers.

    python benchmarks/replies.py --rate 1000 --seconds 60

`sms-notify serve --no-deliver` runs in a process of its own, on a fresh database. This process is
Twilio: it posts signed texts at an even pace, whatever the answers take, so a slow answer cannot
slow the next call down. Every person says HELLO, then QUOTE, then BUY, a third of the time apart.
Latency counts from the moment a call was due. At the end every text must be stored, worked and
answered once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import text

from smsnotify.providers.twilio_signature import sign
from smsnotify.store.open import open_store, upgrade_store
from smsnotify.store.store import Store

OURS = "+6531590000"
AUTH = "bench-token"
PUBLIC = "https://notify.example.test"
WORDS = ("Hello", "quote please", "BUY")
CONNECTIONS = 64
_PATIENCE_S = 60.0

SETTINGS = """
mode = "live"
country = "SG"
timezone = "Asia/Singapore"
public_url = "{public}"
database = "{database}"

[accounts.main]
provider = "twilio"
account_sid = "AC{zeros}"
auth_token = "{auth}"
sender = "{ours}"
base_url = "http://127.0.0.1:9"
"""
PLAN = """
version: 1
plans:
  - name: quote
    enter: {keywords: [HELLO]}
    steps:
      - ask:
          send: "Hi {{ contact.first_name | default('there') }}! Reply QUOTE for 10 % off."
          wait: {for: 3d, replies: {QUOTE: offer}, other: {send: "Please reply QUOTE."}}
      - offer:
          send: "Your code is TEN. Reply BUY to order."
          wait: {for: 2d, replies: {BUY: bought, NO: end}}
      - bought: {goal: sale, value: 10, set: {tier: customer}, send: "Thank you!", end: finished}
"""


def call(person: int, turn: int) -> bytes:
    """Return one signed call as it goes over the wire."""
    fields = {
        "ToCountry": "SG",
        "SmsMessageSid": f"SM{turn}{person:031x}",
        "NumMedia": "0",
        "FromCity": "",
        "Body": WORDS[turn],
        "FromCountry": "SG",
        "To": OURS,
        "NumSegments": "1",
        "MessageSid": f"SM{turn}{person:031x}",
        "AccountSid": f"AC{'0' * 32}",
        "From": f"+659{1_000_000 + person}",
        "ApiVersion": "2010-04-01",
    }
    body = urlencode(fields).encode()
    signature = sign(f"{PUBLIC}/hooks/main", fields.items(), AUTH)
    head = (
        "POST /hooks/main HTTP/1.1\r\nHost: notify.example.test\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"X-Twilio-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Caller:
    """Calls at an even pace over lines that are kept open."""

    def __init__(self, port: int, calls: list[bytes], rate: float) -> None:
        """`calls` go out in order, `rate` a second."""
        self.port = port
        self.calls = calls
        self.rate = rate
        self.latencies: list[float] = []
        self.refused = 0
        self._next = 0
        self._began = 0.0

    async def run(self) -> float:
        """Make every call; return how long it took."""
        self._began = time.perf_counter() + 0.2
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._line())
        return time.perf_counter() - self._began

    async def _line(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while self._next < len(self.calls):
            place, self._next = self._next, self._next + 1
            due = self._began + place / self.rate
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            writer.write(self.calls[place])
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r")[0])
            if length:
                await reader.readexactly(length)
            self.latencies.append(time.perf_counter() - due)
            self.refused += not head.startswith(b"HTTP/1.1 200")
        writer.close()


def prepare(folder: Path, database: str) -> str:
    """Write the desk; return its database."""
    url = database or f"sqlite:///{folder / 'desk.db'}"
    upgrade_store(url)
    written = SETTINGS.format(public=PUBLIC, database=url, zeros="0" * 32, auth=AUTH, ours=OURS)
    (folder / "sms-notify.toml").write_text(written)
    (folder / "sms-notify.toml").chmod(0o600)
    (folder / "rules.yaml").write_text(PLAN)
    return url


def count(store: Store) -> dict[str, Any]:
    """Count what there is, lost and doubled."""
    asked = {
        "replies": "SELECT count(*) FROM replies",
        "unworked": "SELECT count(*) FROM replies WHERE state = 'new'",
        "other_verdicts": "SELECT count(*) FROM replies WHERE state <> 'new' "
        "AND verdict NOT IN ('keyword', 'branch')",
        "finished": "SELECT count(*) FROM enrolments WHERE state = 'finished'",
        "messages": "SELECT count(*) FROM messages WHERE state = 'queued'",
        "transitions": "SELECT count(*) FROM transitions",
        "doubled": "SELECT count(*) FROM (SELECT subject, occasion FROM messages "
        "GROUP BY subject, occasion HAVING count(*) > 1) AS twice",
    }
    with store.read() as connection:
        return {name: connection.execute(text(sql)).scalar() for name, sql in asked.items()}


def run(rate: float, seconds: float, folder: Path, database: str, profile: str) -> dict[str, Any]:
    """Run it once."""
    people = int(rate * seconds) // 3
    calls = [call(person, turn) for turn in range(3) for person in range(people)]
    url = prepare(folder, database)
    command = [sys.executable, "-m", "smsnotify"]
    if profile:
        command = [sys.executable, "-m", "cProfile", "-o", profile, "-m", "smsnotify"]
    server = subprocess.Popen(
        [*command, "serve", "--port", "0", "--no-deliver", "--json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=(folder / "serve.log").open("wb"),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    try:
        assert server.stdout is not None
        port = int(json.loads(server.stdout.readline())["url"].rsplit(":", 1)[1])
        caller = Caller(port, calls, rate)
        took = asyncio.run(caller.run())
        with open_store(url) as store:
            end = time.perf_counter() + _PATIENCE_S
            worked_at = time.perf_counter()
            while (found := count(store))["unworked"] and time.perf_counter() < end:
                time.sleep(0.2)
                worked_at = time.perf_counter()
        cpu = sum(os.times()[2:4])
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(15)
    cpu = os.times().children_user + os.times().children_system - cpu
    ordered = sorted(caller.latencies)
    return {
        "rate": round(len(calls) / took, 1),
        "calls": len(calls),
        "refused": caller.refused,
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
        "max_ms": round(ordered[-1] * 1000, 1),
        "worked_s_after": round(worked_at - caller._began - took, 1),
        "server_cpu_us_a_reply": round(cpu / len(calls) * 1e6),
        **found,
        "right": found["replies"] == len(calls)
        and found["messages"] == len(calls)
        and found["finished"] == people
        and not (found["unworked"] or found["other_verdicts"] or found["doubled"]),
    }


def main() -> None:
    """Run and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--database", default="", help="a PostgreSQL URL; else SQLite")
    parser.add_argument("--profile", default="", help="where cProfile writes")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(told.rate, told.seconds, Path(folder), told.database, told.profile)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
