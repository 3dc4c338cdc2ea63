"""`sms-notify sandbox --demo` as a process of its own: phones, and the desk behind them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import smsnotify

ROOT = Path(smsnotify.__file__).parent.parent


@contextmanager
def running_demo(folder: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """Start the demo; give what it prints at its start, by type. It ends with the block."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "TMPDIR": str(folder)}
    env.pop("SMS_NOTIFY_CONFIG", None)
    command = [sys.executable, "-m", "smsnotify", "sandbox", "--demo", "--port", "0", "--json"]
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as started:
        assert started.stdout is not None
        told: dict[str, dict[str, Any]] = {}
        while "console" not in told:
            line = json.loads(started.stdout.readline())
            told[line["type"]] = line
        yield told
        started.terminate()
        assert started.wait(20) == 0
