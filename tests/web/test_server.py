"""The whole door over real sockets, and a real process that is told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text
from web_desk import RULES, SETTINGS, TOKEN, Caller, dlr, event, reply, rows, write_desk

import smsnotify
from smsnotify.base.errors import StoppedError, StoreError
from smsnotify.engine.api_keys import hash_key, make_key
from smsnotify.engine.asking import ReconcileReport
from smsnotify.store.open import open_store
from smsnotify.store.store import Store
from smsnotify.web import background
from smsnotify.web.server import open_socket
from smsnotify.web.state import Serving

ROOT = Path(smsnotify.__file__).parent.parent


class _Gateway(BaseHTTPRequestHandler):
    """8x8's batch endpoint: takes everything, after a while."""

    protocol_version = "HTTP/1.1"
    wait_s: ClassVar[float] = 0.0
    taken: ClassVar[list[dict[str, Any]]] = []
    asked = threading.Event()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        messages = body.get("messages", [body])
        type(self).taken += messages
        self.asked.set()
        time.sleep(self.wait_s)
        told = [
            {
                "umid": f"umid-{one['clientMessageId']}",
                "clientMessageId": one["clientMessageId"],
                "destination": one["destination"],
                "status": {"code": "QUEUED", "description": "SMS is accepted"},
            }
            for one in messages
        ]
        answer = json.dumps(
            {"messages": told, "acceptedCount": len(told)} if "messages" in body else told[0]
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def gateway(wait_s: float = 0.0) -> Iterator[tuple[str, type[_Gateway]]]:
    """A provider on loopback: its address, and what it took."""

    class Own(_Gateway):
        taken: ClassVar[list[dict[str, Any]]] = []
        asked = threading.Event()

    Own.wait_s = wait_s
    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", Own
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def until(happened: Any, within_s: float = 10.0) -> Any:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def states(store: Store) -> set[str]:
    return {row["state"] for row in rows(store, "messages")}


def test_one_process_is_a_whole_desk(
    running: Any, serving: Serving, store: Store, key: str, tmp_path: Path, monkeypatch: Any
) -> None:
    """An event comes in, its text goes out, its receipt and an answer come back."""
    with gateway() as (address, provider):
        settings = SETTINGS.replace("http://127.0.0.1:9", address)
        write_desk(tmp_path, 'routes = {default = ["main"]}\n' + settings)
        monkeypatch.setattr("smsnotify.web.reload.LOOK_S", 0.05)
        _reload(serving, tmp_path)
        with running() as url, httpx.Client(base_url=url) as client:
            posted = client.post("/v1/events", json=event(), headers={"X-API-Key": key})
            assert posted.json()["decisions"]["queued"] == 1
            until(lambda: states(store) == {"accepted"})
            (taken,) = provider.taken
            assert taken["dlrCallbackUrl"] == (
                f"https://notify.example.test/hooks/main/{quote(TOKEN, safe='')}"
            )
            path = taken["dlrCallbackUrl"].removeprefix("https://notify.example.test")
            told = dlr(umid=f"umid-{taken['clientMessageId']}")
            assert client.post(path, content=told).status_code == 200
            assert states(store) == {"delivered"}
            assert client.post(path, content=reply()).status_code == 200
            figures = client.get("/metrics").text
            assert 'smsnotify_sends_total{account="main",outcome="accepted"} 1' in figures
            assert 'smsnotify_receipt_effects_total{account="main",effect="applied"} 1' in figures
            assert 'smsnotify_replies_total{account="main",outcome="new"} 1' in figures
    assert len(rows(store, "replies")) == 1


def _reload(serving: Serving, tmp_path: Path) -> None:
    from smsnotify.wiring.loading import Sources, load, read_settings

    sources = Sources(
        config=tmp_path / "sms-notify.toml", database=serving.loaded.settings.database
    )
    serving.swap(load(read_settings(sources), sources), settings_too=True)


def test_a_burst_of_receipts_is_kept_in_few_transactions(
    running: Any, serving: Serving, store: Store
) -> None:
    path = f"/hooks/main/{quote(TOKEN, safe='')}"
    portions: list[int] = []
    keep = serving.keeper._keep

    def counting(calls: Any) -> Any:
        portions.append(len(calls))
        return keep(calls)

    serving.keeper._keep = counting

    async def burst(url: str) -> list[int]:
        async with httpx.AsyncClient(base_url=url) as client:
            answers = await asyncio.gather(
                *(client.post(path, content=dlr(umid=f"u{n}")) for n in range(60))
            )
        return [answer.status_code for answer in answers]

    with running(delivering=False, ticking=False) as url:
        assert asyncio.run(burst(url)) == [200] * 60
    assert len(rows(store, "receipts")) == 60
    assert sum(portions) == 60
    assert len(portions) < 60


def test_a_body_that_never_comes_is_given_up(
    running: Any, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smsnotify.web import hooks, limits

    async def impatient(request: Any, limit: int) -> bytes:
        return await limits.read_body(request, limit, 0.05)

    monkeypatch.setattr(hooks, "read_body", impatient)
    with running(delivering=False, ticking=False) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(b"POST /hooks/main HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            assert b" 408 " in line.recv(1000)
        assert serving.metrics.refusals.value("main", "too_slow") == 1
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(b"POST /hooks/main HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert serving.metrics.refusals.value("main", "unreadable") <= 1


REMINDER = """
  - name: tomorrow
    events: [pre_job]
    pre_job: {days_before: 1, at: "10:00"}
    to: {fields: [phone_number]}
    body: "Tomorrow: {{ do_number }}"
"""


def test_held_texts_and_reminders_leave_by_themselves(
    running: Any, client: Caller, serving: Serving, store: Store, key: str, tmp_path: Path
) -> None:
    write_desk(tmp_path, SETTINGS.replace('mode = "test"', 'mode = "sandbox"'), RULES + REMINDER)
    _reload(serving, tmp_path)
    tomorrow = event("DO-9")["job"] | {"date": "2026-03-03", "status": "dispatched"}
    posted = client.post("/v1/events", json=[event(), tomorrow], headers={"X-API-Key": key})
    assert posted.json()["decisions"]["queued"] == 1
    with store.begin() as connection:
        connection.execute(text("UPDATE messages SET state = 'held', not_before = 1, gate = 'x'"))
    with running():
        until(lambda: len(rows(store, "messages")) == 2 and states(store) == {"delivered"})
        until(lambda: serving.metrics.ticks.value("ok") == 1)
    assert {row["kind"] for row in rows(store, "messages")} == {"completed", "pre_job"}
    assert store.get_watermark("tick") == serving.clock()


def test_only_one_process_ticks_at_a_time(serving: Serving, store: Store, now: datetime) -> None:
    assert store.take_turn("tick", "another", now, timedelta(seconds=60))
    assert background._tick(serving) is None
    store.end_turn("tick", "another")
    ticked = background._tick(serving)
    assert ticked is not None
    assert store.take_turn("tick", "another", now, timedelta(seconds=60))


def test_delivery_begins_again_after_a_failure(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[bool] = []

    async def failing(*args: Any, stop: asyncio.Event, **rest: Any) -> Any:
        rounds.append(True)
        if len(rounds) == 1:
            raise StoppedError("the database is away")
        if len(rounds) == 2:
            raise ValueError("something unforeseen")
        over.set()
        return background.DeliveryReport(left=7)

    over = asyncio.Event()
    monkeypatch.setattr(background, "watch", failing)
    monkeypatch.setattr(background, "_AGAIN_S", (0.0,))
    report = asyncio.run(background.deliver(serving, over))
    assert (len(rounds), report.left) == (3, 7)
    assert serving.metrics.restarts.value() == 2


def test_what_was_missed_is_asked_for_once_and_a_failure_ends_nothing(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[Any] = []

    async def asking(store: Store, accounts: Any, **rest: Any) -> ReconcileReport:
        asked.append((store, sorted(accounts), rest["mode"]))
        if len(asked) > 1:
            raise StoreError("the database is away")
        return ReconcileReport(asked=3, settled=2)

    monkeypatch.setattr(background, "reconcile", asking)
    with caplog.at_level("INFO", logger=background.__name__):
        asyncio.run(background.catch_up(serving, asyncio.Event()))
        asyncio.run(background.catch_up(serving, asyncio.Event()))
    settings = serving.loaded.settings
    assert asked[0] == (serving.store, sorted(background.build.accounts(settings)), settings.mode)
    assert "asked providers what became of older texts" in caplog.text
    assert "the database is away" in caplog.text


def test_the_figures_of_the_last_month_are_read_now_and_then(
    client: Caller, serving: Serving, store: Store, key: str
) -> None:
    client.post("/v1/events", json=event(), headers={"X-API-Key": key})
    with store.begin() as connection:
        connection.execute(text("UPDATE messages SET attempts = 1"))

    async def look() -> None:
        stop = asyncio.Event()
        work = asyncio.create_task(background.look_back(serving, stop, 0.01))
        async with asyncio.timeout(10):
            while serving.metrics.past is None:
                await asyncio.sleep(0.01)
        stop.set()
        await work

    assert "smsnotify_tried_messages" not in client.get("/metrics").text
    asyncio.run(look())
    assert "smsnotify_tried_messages 1" in client.get("/metrics").text.splitlines()


def test_a_tick_that_fails_is_told_and_tried_again(
    serving: Serving, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE jobs RENAME TO gone"))

    async def ticking() -> None:
        stop = asyncio.Event()
        work = asyncio.create_task(background.tick_on(serving, stop, 0.01))
        async with asyncio.timeout(10):
            while serving.metrics.ticks.value("error") < 2:
                await asyncio.sleep(0.01)
        stop.set()
        await work

    asyncio.run(ticking())
    assert "the clock's work stopped" in caplog.text


def test_a_port_that_is_taken_is_told(serving: Serving) -> None:
    with open_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(StoppedError, match=f"port {port}"):
            open_socket("127.0.0.1", port)
    with pytest.raises(StoppedError, match="cannot listen"):
        open_socket("192.0.2.1", 0)


# A real process.


@contextmanager
def process(folder: Path, *args: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `sms-notify serve` in a folder; give it and its address."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    log = (folder / "stderr.txt").open("w+", encoding="utf-8")
    running = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "smsnotify", "--json", "serve", "--port", "0", *args],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line, (folder / "stderr.txt").read_text(encoding="utf-8")
        url = json.loads(line)["url"]
        until(lambda: _answers(url), 20)
        yield running, url
    finally:
        if running.poll() is None:
            running.kill()
        running.wait(10)
        assert running.stdout is not None
        running.stdout.close()
        log.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def _desk(folder: Path, address: str) -> tuple[str, str]:
    settings = SETTINGS.replace("http://127.0.0.1:9", address)
    write_desk(folder, 'routes = {default = ["main"]}\n' + settings)
    url = f"sqlite:///{folder / 'desk.db'}"
    key = make_key()
    with open_store(url) as store:
        assert store.add_key("test", hash_key(key), datetime.now(UTC))
    return url, key


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_sigterm_lets_what_is_in_flight_come_back(tmp_path: Path) -> None:
    with gateway(wait_s=1.0) as (address, provider):
        database, key = _desk(tmp_path, address)
        with process(tmp_path) as (running, url):
            events = [event(f"DO-{n}") for n in range(40)]
            headers = {"X-API-Key": key}
            assert httpx.post(f"{url}/v1/events", json=events, headers=headers).status_code == 200
            assert provider.asked.wait(10)
            began = time.monotonic()
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0
            assert time.monotonic() - began < 10
        told = (tmp_path / "stderr.txt").read_text(encoding="utf-8")
    assert "stopping" in told
    assert told.rstrip().endswith("stopped")
    assert key not in told
    with open_store(database) as store:
        found = rows(store, "messages")
    by_state = {
        state: [row for row in found if row["state"] == state] for state in states_of(found)
    }
    sent = {row["clientMessageId"] for row in provider.taken}
    assert set(by_state) <= {"accepted", "queued"}
    assert {row["id"] for row in by_state["accepted"]} == sent
    assert len(sent) == len(provider.taken)
    assert all(not row["lease_owner"] for row in found)


def states_of(found: list[dict[str, Any]]) -> set[str]:
    return {row["state"] for row in found}


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_sighup_reads_the_rules_again_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    _desk(tmp_path, "http://127.0.0.1:9")
    with process(tmp_path, "--no-deliver", "--no-tick") as (running, url):

        def counted(outcome: str) -> bool:
            figures = httpx.get(f"{url}/metrics").text
            return f'smsnotify_reloads_total{{outcome="{outcome}"}} 1' in figures

        (tmp_path / "rules.yaml").write_text("nonsense", encoding="utf-8")
        running.send_signal(signal.SIGHUP)
        until(lambda: counted("error"))
        (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
        running.send_signal(signal.SIGHUP)
        until(lambda: counted("ok"))
        assert httpx.get(f"{url}/readyz").status_code == 200
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0
    told = (tmp_path / "stderr.txt").read_text(encoding="utf-8")
    assert re.search(r"rules\.yaml:1", told)
