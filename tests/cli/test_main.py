"""Whatever happens ends in a sentence and an exit code."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smsnotify.base.errors import StoreUnavailableError
from smsnotify.cli import main as entry


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("smsnotify.cli.app.app", fail)


def test_an_error_of_ours_is_told_with_its_hint_and_its_code(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, StoreUnavailableError("the database is away", hint="start it"))
    assert cli("x") == (3, "", "error: the database is away\nhint: start it\n")


def test_the_unexpected_is_one_line_and_how_to_report_it(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, ZeroDivisionError("secret +6591230000"))
    done = cli("x")
    assert done.code == 3
    assert "ZeroDivisionError" in done.err
    assert "SMS_NOTIFY_DEBUG=1" in done.err
    assert "+6591230000" not in done.err
    assert "Traceback" not in done.err


def test_a_traceback_is_shown_when_it_is_asked_for(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_NOTIFY_DEBUG", "1")
    _failing(monkeypatch, ZeroDivisionError())
    assert "Traceback" in cli("x").err


def test_a_full_disk_is_told_plainly(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, OSError(errno.ENOSPC, "No space left on device", "out.jsonl"))
    done = cli("x")
    assert (done.code, done.err) == (3, "error: No space left on device: out.jsonl\n")


def test_an_interrupt_ends_with_130(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, KeyboardInterrupt())
    assert cli("x") == (130, "", "")


def test_wrong_usage_ends_with_2(cli: Any) -> None:
    assert cli("segments", "--nope").code == 2
    assert cli("outbox").code == 2


def test_a_reader_that_goes_away_is_no_drama(folder: Path) -> None:
    texts = folder / "texts.jsonl"
    texts.write_text('"hello"\n' * 20_000, encoding="utf-8")
    root = Path(entry.__file__).parent.parent.parent
    with (
        texts.open("rb") as source,
        subprocess.Popen(
            [sys.executable, "-m", "smsnotify", "segments", "--json", "-"],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=root,
        ) as child,
    ):
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""


def test_output_is_utf_8_whatever_the_terminal_says(process: Any) -> None:
    done = process("segments", "--json", "é“", env={"LC_ALL": "C", "PYTHONIOENCODING": ""})
    assert done.json[0]["forcing"] == [{"char": "“", "index": 1}]
