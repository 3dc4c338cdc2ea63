"""How fast a dry run decides, against a bare loop that only reads and decodes the lines.

    python benchmarks/dry_run.py --events 1000000 --workers 2

Prints ratios measured in one run on one machine. The bare loop reads the same file and decodes
every line with msgspec into a struct of the same few fields.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workload import AS_OF, prepare, write_events

BARE = """
import sys, time, msgspec
from pathlib import Path
from smsnotify.rules.load import load_rules
rules = load_rules([Path(sys.argv[2])], country="SG")
class Line(msgspec.Struct, gc=False):
    event: str | None = None
    id: str | None = None
    time: str | None = None
    job: rules.job_type | None = None
decode = msgspec.json.Decoder(Line).decode
import gc; gc.disable()
start = time.perf_counter()
count = 0
with open(sys.argv[1], "rb", buffering=1 << 20) as file:
    for line in file:
        decode(line)
        count += 1
print(count / (time.perf_counter() - start))
"""
TIMED = """
import resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=False)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
sys.stdout.write(f"{seconds} {peak}\\n" + done.stdout.decode().splitlines()[-1] + "\\n")
"""


def bare_rate(events: Path, rules: Path) -> float:
    """Return lines/s of the bare loop."""
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(events), str(rules)],
        capture_output=True,
        check=True,
        text=True,
    )
    return float(done.stdout)


def dry_run(events: Path, settings: Path, *, workers: int = 1) -> tuple[float, int, dict[str, int]]:
    """Return seconds, peak memory in MiB and the summary of one whole process."""
    command = [sys.executable, "-m", "smsnotify.cli.main", "--config", str(settings)]
    command += ["process", "--dry-run", "--quiet", "--as-of", AS_OF, str(events)]
    if workers > 1:
        command += ["--workers", str(workers)]
    done = subprocess.run(
        [sys.executable, "-c", TIMED, *command], capture_output=True, check=True, text=True
    )
    first, _ = done.stdout.splitlines()
    seconds, peak = first.split()
    return float(seconds), int(peak) // 1024, {}


def summary(events: Path, settings: Path) -> dict[str, object]:
    """Return the JSON summary of a dry run."""
    command = [sys.executable, "-m", "smsnotify.cli.main", "--config", str(settings), "--json"]
    command += ["process", "--dry-run", "--as-of", AS_OF, str(events)]
    done = subprocess.run(command, capture_output=True, check=False)
    read: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return read


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "sms-bench")
    asked = parser.parse_args()
    settings = prepare(asked.folder)
    events = write_events(asked.folder / f"events-{asked.events}.jsonl", asked.events)
    small = write_events(asked.folder / "events-10000.jsonl", 10_000)
    told = summary(small, settings)
    print(f"matched per event: {told['matched'] / told['events']:.2f}")
    rates, shares, peaks, speedups = [], [], [], []
    for _ in range(asked.repeat):
        bare = bare_rate(events, asked.folder / "rules.yaml")
        seconds, peak, _ = dry_run(events, settings)
        rates.append(asked.events / seconds)
        shares.append(rates[-1] / bare)
        peaks.append(peak)
        if asked.workers > 1:
            parallel, _, _ = dry_run(events, settings, workers=asked.workers)
            speedups.append(seconds / parallel)
        time.sleep(0.2)
    _, small_peak, _ = dry_run(small, settings)
    print(f"dry run: {statistics.median(rates):,.0f} events/s, whole process")
    print(f"share of a bare read-and-decode loop: {statistics.median(shares):.0%}")
    print(f"peak memory: {max(peaks)} MiB; with 10,000 events: {small_peak} MiB")
    if speedups:
        print(f"--workers {asked.workers}: {statistics.median(speedups):.2f} times as fast")


if __name__ == "__main__":
    main()
