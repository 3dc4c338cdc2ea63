"""`make bench`: every benchmark in turn, at a size that ends in some minutes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNS = (
    ("dry_run.py", "--events", "1000000", "--workers", "2"),
    ("many_rules.py",),
    ("peers.py",),
    ("outbox_inserts.py",),
    ("by_number.py",),
    ("console.py",),
    ("enrolments.py",),
    ("start_up.py",),
    ("delivery.py",),
    ("scale_out.py",),
    ("plan_engine.py",),
    ("replies.py", "--seconds", "30"),
)


def main() -> int:
    """Run them all; the exit code is the worst."""
    worst = 0
    for script, *options in RUNS:
        print(f"\n{script} {' '.join(options)}", flush=True)
        done = subprocess.run([sys.executable, str(HERE / script), *options], check=False)
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
