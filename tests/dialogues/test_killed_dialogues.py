"""Every step kind, path and key of a plan, killed on the way: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from smsnotify.plans.cases import read_cases

HERE = Path(__file__).parent
NAMES = [case.name for case in read_cases(HERE / "every_step.test.yaml")[0]]
KILLS = 2
_AT_ONCE = 10


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.parametrize("first", range(0, len(NAMES), _AT_ONCE))
def test_dialogues_survive_kills(first: int) -> None:
    names = NAMES[first : first + _AT_ONCE]
    command = [sys.executable, str(HERE / "killed_worker.py"), str(KILLS), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["case"] for one in told] == names
    assert [one for one in told if one["faults"]] == []
    assert sum(one["killed"] for one in told) == KILLS * len(names)
