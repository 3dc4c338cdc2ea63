"""How many views of tracking pages one process gives a second, each of another job.

    python benchmarks/tracking.py --jobs 1000000 --seconds 20 --workers 2

`sms-notify serve --no-deliver` runs in processes of its own on an SQLite database of so many jobs,
three events and one page each. `wrk` (the system's; `apt install wrk`) asks for random pages, on
the same cores. Each repeat is a line; `--folder` keeps the database for the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from smsnotify.base.clock import system_clock
from smsnotify.model.job import Job
from smsnotify.model.jobstate import JobState
from smsnotify.store.batch import Batch, EventRow, JobRow
from smsnotify.store.conversation_batch import NewLink
from smsnotify.store.open import open_store

_AT_ONCE = 5000
_ASKED = 20_000
_EVENTS = ("info_received", "out_for_delivery", "completed")
SETTINGS = """
country = "SG"
timezone = "Asia/Singapore"
public_url = "https://notify.example.test"
database = "{database}"

[tracking]
enabled = true
brand = "Acme Logistics"
"""
RULES = "version: 1\nrules: [{name: r, events: [failed], to: {fields: [phone_number]}, body: x}]\n"
SCRIPT = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
function init() math.randomseed(os.time()) end
function request() return wrk.format("GET", paths[math.random(#paths)]) end
function done(summary, latency)
  io.write(string.format("p50_us=%%d p99_us=%%d errors=%%d\\n",
    latency:percentile(50), latency:percentile(99), summary.errors.status))
end
"""


def fill(database: str, jobs: int) -> list[str]:
    """Store the jobs; return the paths of some pages, spread over all of them."""
    now = system_clock()
    day = now.date().isoformat()
    paths: list[str] = []
    every = max(jobs // _ASKED, 1)
    with open_store(database) as store:
        for start in range(0, jobs, _AT_ONCE):
            rows, events, links = [], [], []
            for number in range(start, min(start + _AT_ONCE, jobs)):
                subject = f"id:job{number}"
                told = {
                    "id": f"job{number}",
                    "do_number": f"DO-{number}",
                    "date": day,
                    "status": "completed",
                    "time_window": "10:00 to 12:00",
                    "eta_time": "11:00",
                    "deliver_to_collect_from": "Mei",
                    "address": "1 Long Road, Singapore",
                    "phone_number": "+6591230000",
                }
                snapshot = json.dumps(told).encode()
                state = JobState(phase="completed", date=day)
                job = Job(id=f"job{number}", do_number=f"DO-{number}", date=day)
                rows.append(JobRow(subject, (subject,), state, job, snapshot))
                events += [EventRow(subject, name, "", None, b"{}") for name in _EVENTS]
                token = store.tracking_token(subject, "+6591230000")
                links.append(
                    NewLink(token=token, kind="tracking", recipient="+6591230000", subject=subject)
                )
                if number % every == 0:
                    paths.append(f"/t/{token}")
            store.save(Batch(rows, events, [], {}, now - timedelta(hours=1), links=links))
    return paths


def main() -> int:
    """Fill a database, ask for pages, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.stderr.write("wrk is not installed: apt install wrk\n")
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        prepare(folder, options.jobs)
        for _ in range(options.repeats):
            print(
                f"{options.jobs:,} jobs, {options.workers} workers: {measure(wrk, folder, options)}"
            )
    return 0


def prepare(folder: Path, jobs: int) -> None:
    """Write settings, rules, the database and the script, as far as they are not there."""
    folder.mkdir(exist_ok=True)
    if (folder / "paths").exists():
        return
    database = f"sqlite:///{folder / 'desk.db'}"
    (folder / "sms-notify.toml").write_text(SETTINGS.format(database=database))
    (folder / "sms-notify.toml").chmod(0o600)
    (folder / "rules.yaml").write_text(RULES)
    (folder / "ask.lua").write_text(SCRIPT % (folder / "paths"))
    paths = fill(database, jobs)
    (folder / "paths").write_text("\n".join(paths))


def measure(wrk: str, folder: Path, options: argparse.Namespace) -> str:
    """Serve, ask for a while, and tell how it went."""
    command = [sys.executable, "-m", "smsnotify", "serve", "--no-deliver", "--port", "0"]
    command += ["--workers", str(options.workers)]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as served:
        assert served.stdout is not None
        found = None
        for line in served.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        assert found is not None
        asking = [wrk, "-t1", f"-c{options.connections}", "-s", str(folder / "ask.lua"), found[0]]
        subprocess.run([*asking, "-d3s"], capture_output=True, check=True)  # everybody has begun
        before = cpu_s(served.pid)
        took = [*asking, f"-d{options.seconds}s", "--latency"]
        told = subprocess.run(took, capture_output=True, text=True, check=True).stdout
        spent_s = cpu_s(served.pid) - before
        served.send_signal(signal.SIGTERM)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    tail = re.search(r"p50_us=(\d+) p99_us=(\d+) errors=(\d+)", told)
    count = re.search(r"(\d+) requests in", told)
    assert count, told
    assert rate, told
    assert tail, told
    return (
        f"{float(rate[1]):,.0f} views/s, p50 {int(tail[1]) / 1000:.1f} ms, "
        f"p99 {int(tail[2]) / 1000:.1f} ms, {tail[3]} errors, "
        f"{spent_s / int(count[1]) * 1e6:.0f} µs of CPU time a view"
    )


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process and its children so far; 0 where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        return 0.0
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    ticks = 0
    for one in (pid, *map(int, found.stdout.split())):
        after_name = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
