"""How fast a dry run decides, against a bare loop that only reads and decodes the lines.

    python benchmarks/dry_run.py --events 1000000 --workers 2

Prints ratios measured in one run on one machine. The bare loop reads the same file and decodes
every line with msgspec into a struct of the same few fields. Ratios come by the clock on the wall,
which means something on a quiet machine only, and by CPU time (user and system), which holds when
other work is going on too.
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
from typing import NamedTuple

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
start, cpu = time.perf_counter(), time.process_time()
count = 0
with open(sys.argv[1], "rb", buffering=1 << 20) as file:
    for line in file:
        decode(line)
        count += 1
print(count / (time.perf_counter() - start), count / (time.process_time() - cpu))
"""
TIMED = """
import resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=False)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.stdout.write(f"{seconds} {used.ru_utime + used.ru_stime} {used.ru_maxrss}\\n")
"""


class Took(NamedTuple):
    """What one whole process took: by the wall clock, of the CPU, and MiB at its peak."""

    seconds: float
    cpu_seconds: float
    peak: int


def bare_rate(events: Path, rules: Path) -> tuple[float, float]:
    """Return lines/s of the bare loop, by the wall clock and by CPU time."""
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(events), str(rules)],
        capture_output=True,
        check=True,
        text=True,
    )
    by_wall, by_cpu = done.stdout.split()
    return float(by_wall), float(by_cpu)


def dry_run(events: Path, settings: Path, *, workers: int = 1) -> Took:
    """Return what one whole process took, start-up and workers included."""
    command = [sys.executable, "-m", "smsnotify.cli.main", "--config", str(settings)]
    command += ["process", "--dry-run", "--quiet", "--as-of", AS_OF, str(events)]
    if workers > 1:
        command += ["--workers", str(workers)]
    done = subprocess.run(
        [sys.executable, "-c", TIMED, *command], capture_output=True, check=True, text=True
    )
    seconds, cpu_seconds, peak = done.stdout.split()
    return Took(float(seconds), float(cpu_seconds), int(peak) // 1024)


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
    rates, shares, cpu_shares, peaks, speedups, works = [], [], [], [], [], []
    for _ in range(asked.repeat):
        bare, bare_cpu = bare_rate(events, asked.folder / "rules.yaml")
        alone = dry_run(events, settings)
        rates.append(asked.events / alone.seconds)
        shares.append(rates[-1] / bare)
        cpu_shares.append(asked.events / alone.cpu_seconds / bare_cpu)
        peaks.append(alone.peak)
        if asked.workers > 1:
            together = dry_run(events, settings, workers=asked.workers)
            speedups.append(alone.seconds / together.seconds)
            works.append(together.cpu_seconds / alone.cpu_seconds)
        time.sleep(0.2)
    print(f"dry run: {statistics.median(rates):,.0f} events/s, whole process")
    print(f"share of a bare read-and-decode loop: {statistics.median(shares):.0%}")
    print(f"the same by CPU time: {statistics.median(cpu_shares):.0%}")
    small_peak = dry_run(small, settings).peak
    print(f"peak memory: {max(peaks)} MiB; with 10,000 events: {small_peak} MiB")
    if speedups:
        work = statistics.median(works)
        print(f"--workers {asked.workers}: {statistics.median(speedups):.2f} times as fast")
        print(f"and {work:.2f} times the CPU time, so {asked.workers / work:.2f} times at best")


if __name__ == "__main__":
    main()
