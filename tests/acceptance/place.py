"""A desk in a folder of its own: settings, rules, events, and the command line."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tomli_w

import smsnotify
from smsnotify.cli.main import run

ROOT = Path(smsnotify.__file__).parent.parent
NOON = "2026-03-02T12:00:00+08:00"
DEADLINE_S = 30.0

RULES = """
version: 1
defaults:
  tracking_link: none
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "Hi {{ deliver_to_collect_from | default('there') }}, {{ do_number }} has arrived."
  - name: missed
    events: [failed]
    to: {fields: [phone_number]}
    body: "We missed you with {{ do_number }}: {{ reason }}."
"""


class Done(NamedTuple):
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        """The lines of stdout as objects."""
        return [json.loads(line) for line in self.out.splitlines()]

    def only(self, kind: str) -> list[dict[str, Any]]:
        """The objects of one type."""
        return [row for row in self.json if row["type"] == kind]

    @property
    def summary(self) -> dict[str, Any]:
        """The last line: the summary."""
        last = self.json[-1]
        assert last["type"] == "summary"
        return last


def job(number: int = 1, **fields: object) -> dict[str, Any]:
    """Return a job as Detrack writes it; `fields` win."""
    made: dict[str, Any] = {
        "id": f"65f{number:021d}",
        "type": "Delivery",
        "do_number": f"DO-{number}",
        "date": "2026-03-02",
        "attempt": 1,
        "phone_number": f"9123{number:04d}",
        "deliver_to_collect_from": "Mei",
    }
    return made | fields


def event(name: str = "completed", number: int = 1, *, id: str = "", **fields: object) -> Any:
    """Return a native event of a job."""
    return {"event": name, "id": id or f"evt-{name}-{number}", "job": job(number, **fields)}


class Place:
    """A folder with a desk in it."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.folder = folder
        self._capsys = capsys
        self._patch = patch

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def settings(self, **tables: Any) -> None:
        """Write the settings: sandbox in Singapore unless told otherwise."""
        usual = {"mode": "sandbox", "country": "SG", "timezone": "Asia/Singapore"}
        path = self / "sms-notify.toml"
        path.write_text(tomli_w.dumps(usual | tables), encoding="utf-8")
        path.chmod(0o600)

    def rules(self, text: str = RULES, name: str = "rules.yaml") -> None:
        """Write the rules."""
        (self / name).write_text(text, encoding="utf-8")

    def events(self, *events: object, name: str = "events.jsonl") -> str:
        """Write events one a line; bytes go in as they are. Returns the file's name."""
        lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in events]
        (self / name).write_bytes(b"".join(line + b"\n" for line in lines))
        return name

    def run(self, *args: str, stdin: bytes = b"", as_of: str = "") -> Done:
        """Run a command in this process, as `sms-notify ARGS` would."""
        stream = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
        self._patch.setattr(sys, "stdin", stream)
        self._capsys.readouterr()
        code = run([*args, *(["--as-of", as_of] if as_of else [])])
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.err
        assert "should not have happened" not in captured.err, captured.err
        return Done(code, captured.out, captured.err)

    def json(self, *args: str, stdin: bytes = b"", as_of: str = "") -> Done:
        """Run a command with --json."""
        return self.run(*args, "--json", stdin=stdin, as_of=as_of)

    def process(self, *args: str, as_of: str = NOON, stdin: bytes = b"") -> Done:
        """Run `process --json` at noon."""
        return self.json("process", *args, as_of=as_of, stdin=stdin)

    def outbox(self, *args: str) -> list[dict[str, Any]]:
        """Return the messages, oldest first."""
        return self.json("outbox", "list", "--limit", "0", *args).json[::-1]

    @staticmethod
    def soon(**span: float) -> str:
        """Return an instant that much from now, as `--as-of` takes it."""
        return (datetime.now(UTC) + timedelta(**span)).isoformat()

    @staticmethod
    def http_date() -> str:
        """Return now as Twilio writes it."""
        return f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S} +0000"

    @contextmanager
    def child(self, *args: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Start a real process of `sms-notify`; it is ended with the block."""
        env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(self.folder)}
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [sys.executable, "-m", "smsnotify", *args]
        with subprocess.Popen(
            command, cwd=self.folder, **{"env": env, **streams, **options}
        ) as started:
            try:
                yield started
            finally:
                if started.poll() is None:
                    started.kill()

    def end(self, child: subprocess.Popen[bytes], number: int = signal.SIGINT) -> Done:
        """Ask a process to end and return what it left."""
        child.send_signal(number)
        out, err = child.communicate(timeout=DEADLINE_S)
        done = Done(child.returncode, (out or b"").decode(), err.decode())
        assert "Traceback" not in done.err, done.err
        return done


def wait_for(what: Callable[[], object], told: str = "") -> None:
    """Look again and again until it is so."""
    until = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < until, told or "it never came to that"
        time.sleep(0.01)
