"""Killed at any moment and started again: nothing is lost, nothing is sent twice.

The short form of `make crash`: a few kills, always the same moments as far as a machine can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crash_run import CrashRun, Plan, Report
from crash_stage import Script, open_nursery

from smsnotify.store.open import upgrade_store


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Script, Path]]:
    """What forks workers, and the file that they complain into."""
    folder = tmp_path_factory.mktemp("nursery")
    opened = open_nursery(folder)
    yield opened, folder / "workers.err"
    opened.close()


def _run(plan: Plan, folder: Path, nursery: tuple[Script, Path]) -> Report:
    report = CrashRun(plan, folder, nursery[0]).run()
    assert not report.faults, f"{report.line()}\n{report.faults}\n{nursery[1].read_text()[-4000:]}"
    assert (report.received, report.twice) == (plan.messages, 0)
    # The kills must have hit something, or nothing was proved.
    assert report.in_flight
    assert report.adopted + report.resent
    assert "Traceback" not in nursery[1].read_text()
    return report


@pytest.mark.parametrize(("workers", "seed"), [(1, 11), (2, 12)])
def test_sqlite_survives_kills(
    workers: int, seed: int, tmp_path: Path, nursery: tuple[Script, Path]
) -> None:
    plan = Plan(
        name=f"SQLite, {workers} at once",
        database=f"sqlite:///{tmp_path}/desk.db",
        messages=150,
        kills=8,
        workers=workers,
        seed=seed,
        factor=60.0,
    )
    _run(plan, tmp_path, nursery)


def test_four_workers_on_postgresql_survive_kills(
    make_postgres: Callable[[], str], tmp_path: Path, nursery: tuple[Script, Path]
) -> None:
    url = make_postgres()
    upgrade_store(url)
    plan = Plan(
        name="PostgreSQL, 4 at once",
        database=url,
        messages=150,
        kills=8,
        workers=4,
        seed=13,
        factor=60.0,
    )
    _run(plan, tmp_path, nursery)
