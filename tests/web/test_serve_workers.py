"""`serve --workers`: several real processes on one address, one of which delivers."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from web_desk import RULES, SETTINGS, event, rows, write_desk

import smsnotify
from smsnotify.base.errors import StoppedError, UsageError
from smsnotify.cli import serve_workers, serving
from smsnotify.cli.desk import Desk
from smsnotify.cli.serve_workers import Place, Worker, read_place, reserved
from smsnotify.engine.api_keys import hash_key, make_key
from smsnotify.store.open import open_store
from smsnotify.web.exposition import Counter, Histogram
from smsnotify.web.metrics import Metrics
from smsnotify.web.shared_figures import SharedFigures, put_aside

ROOT = Path(smsnotify.__file__).parent.parent
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows shares no listening socket")


def until(happened: Callable[[], Any], within_s: float = 20.0) -> Any:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            if found := happened():
                return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@contextmanager
def served(folder: Path, database: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    environment["TMPDIR"] = str(folder)
    command = [sys.executable, "-W", "error", "-m", "smsnotify", "--json", "serve", "--port", "0"]
    command += ["--workers", "2", "--database", database]
    with (folder / "stderr.txt").open("w", encoding="utf-8") as log:
        running = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert running.stdout is not None
            told = json.loads(running.stdout.readline())
            assert told["workers"] == 2
            until(lambda: len(workers(running.pid)) == 2)
            until(lambda: httpx.get(f"{told['url']}/readyz").status_code == 200)
            yield running, told["url"]
        finally:
            running.kill()
            running.wait(10)
            assert running.stdout is not None
            running.stdout.close()


def workers(parent: int) -> set[int]:
    """Return the processes of which `parent` is the father."""
    found = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = (line.split() for line in found.stdout.splitlines())
    mine = {int(pid) for pid, ppid in pairs if int(ppid) == parent}
    return {pid for pid in mine if not is_over(pid)}


def is_over(pid: int) -> bool:
    told = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return not told.stdout.strip() or told.stdout.strip().startswith("Z")


def figure(url: str, name: str) -> float:
    told = httpx.get(f"{url}/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in told if line.startswith(name))


def kept(folder: Path, name: str) -> float:
    """Return what all processes wrote down of a figure."""
    files = folder.glob("sms-notify-serve-*/*.json")
    counted = [json.loads(path.read_bytes())["counters"] for path in files]
    return sum(value for one in counted for _, value in one.get(name, ()))


def test_the_life_of_several_workers(tmp_path: Path, database_url: str) -> None:
    """They answer, one delivers, who dies begins anew, all read again, all end."""
    write_desk(tmp_path, SETTINGS.replace('mode = "test"', 'mode = "sandbox"'), RULES)
    key = make_key()
    with open_store(database_url) as store:
        assert store.add_key("workers", hash_key(key), datetime.now(UTC))
    with served(tmp_path, database_url) as (running, url):
        before = workers(running.pid)
        today = datetime.now(UTC).isoformat()
        for number in range(12):
            told = event(f"DO-{number}", time=today)
            answer = httpx.post(f"{url}/v1/events", json=told, headers={"X-API-Key": key})
            assert answer.status_code == 200
        posted = 'smsnotify_posted_entries_total{door="events",outcome="accepted"}'
        until(lambda: figure(url, posted) == 12)
        sent = "smsnotify_sends_total"
        until(lambda: figure(url, sent) == 12)
        until(lambda: kept(tmp_path, "smsnotify_posted_entries_total") == 12)

        os.kill(max(before), signal.SIGKILL)
        until(lambda: len(workers(running.pid)) == 2 and max(before) not in workers(running.pid))
        until(lambda: figure(url, posted) == 12)  # what the dead one counted is not lost
        until(lambda: len(list(tmp_path.glob("sms-notify-serve-*/[0-9]*.json"))) == 2)

        running.send_signal(signal.SIGHUP)
        until(lambda: figure(url, 'smsnotify_reloads_total{outcome="ok"}') >= 2)

        began, last = time.monotonic(), workers(running.pid)
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
        assert time.monotonic() - began < 10
        assert all(is_over(pid) for pid in last)
    with open_store(database_url) as store:
        found = rows(store, "messages")
        assert {row["state"] for row in found} == {"delivered"}
        assert [row["attempts"] for row in found] == [1] * 12
    told = (tmp_path / "stderr.txt").read_text(encoding="utf-8")
    assert "(SIGKILL); it begins anew" in told
    assert told.rstrip().endswith("stopped")


def test_workers_end_when_nobody_watches_them(tmp_path: Path, sqlite_url: str) -> None:
    write_desk(tmp_path)
    with served(tmp_path, sqlite_url) as (running, _):
        left = workers(running.pid)
        running.kill()
        running.wait(10)
        until(lambda: all(is_over(pid) for pid in left))


def test_who_dies_at_once_is_waited_for_longer_and_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(serve_workers.time, "monotonic", lambda: now)
    worker = Worker(1, lambda number: None)  # type: ignore[arg-type,return-value]
    pauses = []
    for _ in range(9):
        pauses.append(worker.plan())
        worker.begin()
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0]
    now += 11
    assert worker.plan() == 0


def test_windows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.os, "name", "nt")
    with pytest.raises(UsageError, match="not for Windows"):
        serving.run_desk(Desk(), serving.Door("127.0.0.1", 0, workers=2))


def test_a_place_is_written_and_read() -> None:
    place = Place(1, "127.0.0.1", 80, None, 4, "/tmp/x")
    assert read_place(place.written()) == place
    assert place.leads
    with pytest.raises(UsageError):
        read_place("7")


def test_a_worker_is_started_as_its_desk_was(tmp_path: Path) -> None:
    desk = Desk()
    desk.config, desk.rules_option, desk.database = tmp_path / "a", (tmp_path / "b",), "sqlite:///c"
    desk.quiet, desk.verbosity = True, 2
    door = serving.Door("::", 1, delivering=False, ticking=False, log_access=True, workers=3)
    assert serving._worker_command(desk, door)[4:] == [
        *("serve", "--workers", "3", "--config", f"{tmp_path / 'a'}"),
        *("--rules", f"{tmp_path / 'b'}", "--database", "sqlite:///c", "--quiet", "-v", "-v"),
        *("--no-deliver", "--no-tick", "--access-log"),
    ]


def test_the_figures_of_all_are_added_and_never_go_back(tmp_path: Path, now: datetime) -> None:
    def process(pid: int, sends: int) -> Metrics:
        metrics = Metrics()
        metrics.shared = SharedFigures(tmp_path, pid)
        metrics.sends.add("main", "accepted", by=sends)
        metrics.latency.observe(0.03 * sends, "main")
        metrics.shared.write(metrics.counted())
        return metrics

    first, second = process(1, 2), process(2, 3)
    for metrics in (first, second):
        written = metrics.exposed(None, None, now).decode()
        assert 'smsnotify_sends_total{account="main",outcome="accepted"} 5' in written
        assert 'smsnotify_send_seconds_count{account="main"} 2' in written
        assert 'smsnotify_send_seconds_bucket{account="main",le="0.1"} 2' in written
    put_aside(tmp_path, 2)
    put_aside(tmp_path, 99)
    third = process(3, 1)
    assert 'outcome="accepted"} 6' in third.exposed(None, None, now).decode()
    put_aside(tmp_path, 3)
    assert 'outcome="accepted"} 6' in first.exposed(None, None, now).decode()
    (tmp_path / "4.json").write_text("half of it", encoding="utf-8")
    assert 'outcome="accepted"} 6' in first.exposed(None, None, now).decode()


def test_what_is_held_makes_the_same_lines_again() -> None:
    counter = Counter("c", "help", ("a",))
    counter.add("x", by=2)
    assert counter.with_counts(counter.held()).lines() == counter.lines()
    histogram = Histogram("h", "help", ("a",), (1, 2))
    histogram.observe(1.5, "x")
    assert histogram.with_measures(histogram.held()).lines() == histogram.lines()


@pytest.mark.parametrize("deals_out", [True, False])
def test_an_address_is_held_for_the_workers_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, deals_out: bool
) -> None:
    if deals_out and not serve_workers.DEALS_OUT:
        pytest.skip("this system does not deal callers out")
    monkeypatch.setattr(serve_workers, "DEALS_OUT", deals_out)
    with reserved("127.0.0.1", 0) as held:
        host, port = held.getsockname()
        shared = None if deals_out else held.fileno()
        place = Place(1, host, port, shared, -1, str(tmp_path))
        with place.listen() as first, socket.create_connection((host, port), timeout=5):
            assert first.getsockname() == (host, port)
            assert first.accept()[0].close() is None
            with pytest.raises(StoppedError, match=f"port {port}"), reserved(host, port):
                pass
            if not deals_out:
                first.detach()


@pytest.mark.skipif(not serve_workers.DEALS_OUT, reason="this system does not deal callers out")
def test_callers_are_dealt_out_to_all_workers(tmp_path: Path) -> None:
    with reserved("127.0.0.1", 0) as held:
        host, port = held.getsockname()
        places = [Place(number, host, port, None, -1, str(tmp_path)) for number in (1, 2)]
        with places[0].listen() as one, places[1].listen() as other:
            callers = [socket.create_connection((host, port), timeout=5) for _ in range(64)]
            taken = {one: 0, other: 0}
            while sum(taken.values()) < len(callers):
                for listener in select.select([one, other], [], [], 5)[0]:
                    listener.accept()[0].close()
                    taken[listener] += 1
            assert min(taken.values()) >= 10
            for caller in callers:
                caller.close()
