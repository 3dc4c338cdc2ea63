"""A command line in a folder of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_calls import Cli, Done

import smsnotify
from smsnotify.cli.main import run

ROOT = Path(smsnotify.__file__).parent.parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder; no settings of the real user are seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SMS_NOTIFY_CONFIG", raising=False)
    monkeypatch.delenv("SMS_NOTIFY_DEBUG", raising=False)
    monkeypatch.setattr("smsnotify.wiring.find.user_folder", lambda: tmp_path / "no-such-folder")
    return tmp_path


@pytest.fixture
def cli(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command inside this process, as `sms-notify ARGS` would."""

    def call(*args: str, stdin: str | bytes = "") -> Done:
        raw = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        capsys.readouterr()
        code = run(args)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture
def process(folder: Path) -> Cli:
    """Run a real process of `sms-notify`."""

    def call(*args: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> Done:
        everything = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), **(env or {})}
        done = subprocess.run(
            [sys.executable, "-m", "smsnotify", *args],
            input=stdin,
            capture_output=True,
            cwd=folder,
            env=everything,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call
