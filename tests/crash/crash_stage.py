"""The stage of the crash test: a provider, settings, events, and workers, each a process.

Who must get what is made up here and never read back from the database.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
from crash_worker import Task
from loopback_twilio import Options

from smsnotify.store.open import open_store

HERE = Path(__file__).parent
CONCURRENCY = 8

_SETTINGS = """
mode = "live"
database = {database}
rules = ["rules.yaml"]
country = "SG"
timezone = "Asia/Singapore"
public_url = "https://desk.example.com"

[accounts.main]
provider = "twilio"
account_sid = "AC{zeros}"
auth_token = "no secret"
sender = "+6531590000"
base_url = {base_url}
concurrency = {concurrency}
"""

_RULES = """
version: 1
defaults: {max_age: none, expires: 30d}
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "Hi {{ deliver_to_collect_from }}, order {{ do_number }} has arrived."
"""

Text = tuple[str, str]
"""(number, body): what a person sees, and so what counts."""


def make_jobs(count: int) -> list[dict[str, Any]]:
    """Make jobs, one text each. Every tenth text equals the one before, to the same person."""
    jobs = []
    for number in range(count):
        named = number - 1 if number % 10 == 9 else number
        jobs.append(
            {
                "id": f"job-{number}",
                "type": "Delivery",
                "do_number": f"DO-{named:05d}",
                "date": "2026-03-02" if named == number else "2026-03-03",
                "deliver_to_collect_from": f"Customer {named}",
                "phone_number": f"+659{1_000_000 + named // 3}",
            }
        )
    return jobs


def owed(jobs: Sequence[dict[str, Any]]) -> Counter[Text]:
    """Return who must get what, and how often."""
    return Counter(
        (
            job["phone_number"],
            f"Hi {job['deliver_to_collect_from']}, order {job['do_number']} has arrived.",
        )
        for job in jobs
    )


class Script:
    """A script in a process of its own, spoken to by lines."""

    def __init__(self, name: str, *args: str, errors: Path) -> None:
        """Start it."""
        with errors.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / name), *args],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                cwd=HERE,
                text=True,
            )

    def read(self) -> str:
        """Return the next line that it says."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"it ended: {self._process.args!r}"
        return line.strip()

    def say(self, order: object) -> Any:
        """Give it a line and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self.read())

    def close(self) -> None:
        """End it by ending what it reads."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def open_nursery(folder: Path) -> Script:
    """Start what forks workers; close it at the end."""
    return Script("crash_worker.py", errors=folder / "workers.err")


class ProviderLog:
    """The provider's log, read as it grows."""

    def __init__(self, path: Path) -> None:
        """An empty file, or none yet."""
        path.touch()
        self._file = path.open("rb")
        self._rest = b""
        self.lines: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()

    def read(self) -> None:
        """Take in what is new."""
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in whole:
            found = json.loads(line)
            self.lines.append(found)
            self.counts[found["what"]] += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Stage(ExitStack):
    """Everything but the workers is ready once it is made; close it to end all of it."""

    def __init__(
        self,
        folder: Path,
        nursery: Script,
        *,
        database: str,
        messages: int,
        seed: int,
        factor: float,
        extra: str = "",
    ) -> None:
        """`folder` is empty; `factor` is how fast time runs; `extra` goes into the account."""
        super().__init__()
        self.folder = folder
        self.factor = factor
        self.base = time.time()
        self.owed = owed(make_jobs(messages))
        self.events = folder / "events.jsonl"
        self._nursery = nursery
        url = self._open_provider(seed)
        self.log = ProviderLog(folder / "provider.jsonl")
        self.callback(self.log.close)
        self._write_settings(database, url, extra)
        lines = [json.dumps({"event": "completed", "job": job}) for job in make_jobs(messages)]
        self.events.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.store = open_store(database)
        self.callback(self.store.close)

    def _open_provider(self, seed: int) -> str:
        options = Options(
            log=str(self.folder / "provider.jsonl"),
            base=self.base,
            factor=self.factor,
            seed=seed,
        )
        encoded = msgspec.json.encode(options).decode()
        provider = Script("loopback_twilio.py", encoded, errors=self.folder / "provider.err")
        self.callback(provider.close)
        return provider.read()

    def _write_settings(self, database: str, url: str, extra: str) -> None:
        settings = _SETTINGS.format(
            database=json.dumps(database),
            zeros="0" * 32,
            base_url=json.dumps(url),
            concurrency=CONCURRENCY,
        )
        path = self.folder / "sms-notify.toml"
        path.write_text(settings + extra, encoding="utf-8")
        path.chmod(0o600)
        (self.folder / "rules.yaml").write_text(_RULES, encoding="utf-8")

    def start(self, *, take_in: bool) -> int:
        """Start a worker that takes the events in and delivers, or one that only delivers."""
        task = Task(
            config=str(self.folder / "sms-notify.toml"),
            base=self.base,
            factor=self.factor,
            events=str(self.events) if take_in else "",
        )
        return int(self._nursery.say({"do": "start", "task": msgspec.to_builtins(task)}))

    def kill(self, pid: int) -> int | None:
        """SIGKILL; return the exit code, None when it had ended before and was asked about."""
        return self._code("kill", pid)

    def stop(self, pid: int) -> int | None:
        """SIGTERM, and wait for its end; return the exit code."""
        return self._code("stop", pid)

    def poll(self, pid: int) -> int | None:
        """Return the exit code of a worker that has ended, None while it lives."""
        return self._code("poll", pid)

    def _code(self, what: str, pid: int) -> int | None:
        code = self._nursery.say({"do": what, "pid": pid})
        return None if code is None else int(code)
