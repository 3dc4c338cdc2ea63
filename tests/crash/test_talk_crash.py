"""Killed between any two steps of a conversation: no text, no row and no step lost or doubled."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).parent / "talk_worker.py"


@pytest.mark.parametrize("seed", [1])
def test_a_conversation_survives_kills(database_url: str, tmp_path: Path, seed: int) -> None:
    shares = [random.Random(seed + one).random() for one in range(10)]
    command = [sys.executable, str(WORKER), database_url, str(tmp_path), *map(str, shares)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["faults"] == []
    assert told["killed"] == len(shares)
