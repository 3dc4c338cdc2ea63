"""Delivery, live and durable, against clients that store nothing.

    python benchmarks/delivery.py [--count 20000] [--rounds 5]

A server in another process plays Twilio. Ours: messages that lie in SQLite (`synchronous=FULL`)
go through the Twilio adapter, each marked before it is sent and its result and attempt written
after. Bare: aiohttp posts the same requests, built before the clock starts, with the same number
in flight. Package: the `twilio` package's own client in 32 threads. All are measured in turns in
fresh processes, and a ratio is one of medians.

Two ratios are printed. Messages a second need a quiet machine: server and client share its cores.
CPU time (user and system, of the client alone) holds on a busy one, and says what a message costs.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple

from delivery_sides import Spent, bare, ours, package, serve

CASES = ((0, 32), (50, 256))


class Side(NamedTuple):
    """One of those that are compared: what it runs, on which loop, and how much of the count."""

    who: str
    loop: str
    share: int = 1


SIDES = {
    "bare": Side("bare", "asyncio"),
    "bare uvloop": Side("bare", "fast"),
    "ours": Side("ours", "fast"),
}
PACKAGE = {"package": Side("package", "", share=10)}


def measure(side: Side, url: str, count: int, concurrency: int) -> Spent:
    """Run one side in a process of its own; return what a message took."""
    count //= side.share
    asked = [side.who, side.loop, url, str(count), str(concurrency)]
    command = [sys.executable, __file__, "--run", *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    wall_s, cpu_s = map(float, done.stdout.split())
    return Spent(wall_s / count, cpu_s / count)


def compare(delay_ms: int, concurrency: int, count: int, rounds: int) -> None:
    """Measure all sides in turns against one server; print medians and their ratios."""
    sides = SIDES if delay_ms else SIDES | PACKAGE
    command = [sys.executable, __file__, "--serve", str(delay_ms / 1000)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    runs: dict[str, list[Spent]] = {name: [] for name in sides}
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        for _ in range(rounds):
            for name, side in sides.items():
                runs[name].append(measure(side, url, count, concurrency))
    finally:
        server.kill()
        server.wait()
    print(f"\n{delay_ms} ms, {concurrency} in flight, {count} messages, medians of {rounds}")
    wall = {name: statistics.median(one.wall_s for one in some) for name, some in runs.items()}
    cpu = {name: statistics.median(one.cpu_s for one in some) for name, some in runs.items()}
    best = {name: min(one.wall_s for one in some) for name, some in runs.items()}
    for name in sides:
        print(
            f"  {name:12} {1 / wall[name]:8.0f} msgs/s (best {1 / best[name]:.0f})"
            f"{cpu[name] * 1e6:8.0f} µs of CPU time a message"
        )
    told = "at least 0.75"
    print(f"  ours / bare, msgs/s       {wall['bare'] / wall['ours']:.2f}   ({told})")
    print(f"  ours / bare, best of each {best['bare'] / best['ours']:.2f}   ({told})")
    print(f"  bare / ours, CPU time     {cpu['bare'] / cpu['ours']:.2f}   ({told})")
    if "package" in sides:
        print(f"  ours / package, msgs/s    {wall['package'] / wall['ours']:.1f}   (at least 5)")
        print(f"  package / ours, CPU time  {cpu['package'] / cpu['ours']:.1f}   (at least 5)")


def run_side(who: str, loop: str, url: str, count: int, concurrency: int) -> None:
    """Print the seconds that one side takes, on the clock and of CPU time."""
    from smsnotify.engine.loop import run

    if who == "package":
        print(*package(url, count))
        return
    work: Coroutine[Any, Any, Spent] = (bare if who == "bare" else ours)(url, count, concurrency)
    print(*(asyncio.run(work) if loop == "asyncio" else run(work)))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--run", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve is not None:
        serve(asked.serve)
    elif asked.run:
        who, loop, url, count, concurrency = asked.run
        run_side(who, loop, url, int(count), int(concurrency))
    else:
        print(
            f"machine: {Path('/proc/cpuinfo').read_text().count('processor')} cores"
            if Path("/proc/cpuinfo").exists()
            else sys.platform
        )
        for delay_ms, concurrency in CASES:
            compare(delay_ms, concurrency, asked.count, asked.rounds)


if __name__ == "__main__":
    main()
