"""How long a command takes to start, against what it cannot do without."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workload import prepare

BARE_APP = """
import typer
app = typer.Typer()
@app.command()
def one() -> None: "One."
@app.command()
def two() -> None: "Two."
app()
"""
IMPORTS = "import typer, rich.console, pydantic, yaml, jinja2"


def seconds(command: list[str]) -> float:
    """Return the wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - start


def ratio(one: list[str], other: list[str], repeat: int) -> float:
    """Return the median of one's time over the other's, run in turn."""
    seconds(one), seconds(other)
    return statistics.median(seconds(one) / seconds(other) for _ in range(repeat))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "sms-bench")
    asked = parser.parse_args()
    settings = prepare(asked.folder)
    bare = asked.folder / "bare_app.py"
    bare.write_text(BARE_APP, encoding="utf-8")
    ours = [sys.executable, "-m", "smsnotify.cli.main"]
    help_ratio = ratio([*ours, "--help"], [sys.executable, str(bare), "--help"], asked.repeat)
    print(f"--help against a bare two-command app's: {help_ratio:.2f}")
    validate = [*ours, "--config", str(settings), "rules", "validate"]
    valid_ratio = ratio(validate, [sys.executable, "-c", IMPORTS], asked.repeat)
    print(f"rules validate of 100 rules against `{IMPORTS}`: {valid_ratio:.2f}")


if __name__ == "__main__":
    main()
