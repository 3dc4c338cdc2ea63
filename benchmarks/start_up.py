"""How long a command takes to start, against what it cannot do without.

By the clock on the wall, and by CPU time (user and system), which holds when other work is going
on too. `rules validate` is measured with a rule file named, and with settings that name it. The
latter is also compared with the same imports and one small pydantic model: that `import pydantic`
alone loads next to nothing of pydantic. Our modules are compiled first, as an installer does it.
"""

from __future__ import annotations

import argparse
import compileall
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from workload import prepare

import smsnotify

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
ONE_MODEL = f"{IMPORTS}\nclass Rule(pydantic.BaseModel):\n    name: str = ''\nRule(name='x')"


class Ratio(NamedTuple):
    """One's time over another's, by the wall clock and by CPU time."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f}, by CPU time {self.cpu:.2f}"


def seconds(command: list[str]) -> tuple[float, float]:
    """Return the wall time and the CPU time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ratio(one: list[str], other: list[str], repeat: int) -> Ratio:
    """Return the medians of one's times over the other's, run in turn."""
    seconds(one), seconds(other)
    pairs = [(seconds(one), seconds(other)) for _ in range(repeat)]
    return Ratio(
        *(statistics.median(ours[n] / theirs[n] for ours, theirs in pairs) for n in (0, 1))
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "sms-bench")
    asked = parser.parse_args()
    settings = prepare(asked.folder)
    bare = asked.folder / "bare_app.py"
    bare.write_text(BARE_APP, encoding="utf-8")
    compileall.compile_dir(Path(smsnotify.__file__).parent, quiet=1)
    ours = [sys.executable, "-m", "smsnotify"]
    help_ratio = ratio([*ours, "--help"], [sys.executable, str(bare), "--help"], asked.repeat)
    print(f"--help against a bare two-command app's: {help_ratio}")
    named = [*ours, "rules", "validate", str(settings.parent / "rules.yaml")]
    alone = ratio(named, [sys.executable, "-c", IMPORTS], asked.repeat)
    print(f"rules validate FILE of 100 rules against `{IMPORTS}`: {alone}")
    validate = [*ours, "--config", str(settings), "rules", "validate"]
    imports = ratio(validate, [sys.executable, "-c", IMPORTS], asked.repeat)
    print(f"rules validate with settings that name them: {imports}")
    model = ratio(validate, [sys.executable, "-c", ONE_MODEL], asked.repeat)
    print(f"and against the same with one pydantic model: {model}")


if __name__ == "__main__":
    main()
