"""Plays dialogues, and dies with SIGKILL after a commit that was chosen before.

Usage: python killed_worker.py KILLS CASE… ; a line of JSON for each case says what became of it.

A process of its own plays each dialogue to its end, counting commits; others die after some of
them (KILLS, always the same), and another one goes on from there, doing the step that was
under way again, as a provider that had no answer would call again.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from smsnotify.base.errors import SmsNotifyError
from smsnotify.engine import playing
from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.errands import CLAIMED_FOR
from smsnotify.engine.stage import Stage
from smsnotify.engine.stage_parts import CUSTOMER, NotingStore
from smsnotify.model.facts import Policy
from smsnotify.plans.cases import Case, read_cases
from smsnotify.plans.load import load_book
from smsnotify.store.enrolments import WantedEnrolments
from smsnotify.store.outbox import Wanted

HERE = Path(__file__).parent
BOOK = load_book([HERE / "every_step.yaml"])
POLICY = Policy(
    country="SG",
    timezone="Asia/Singapore",
    countries=frozenset({"SG"}),
    public_url="https://notify.example.com",
)
TERMS = ConversationTerms(staff=("+6591230009",))
NEVER = 1_000_000


class MortalStore(NotingStore):
    """Kills this process after its `kill_at`-th commit; those of the delivery are not counted."""

    kill_at = NEVER
    commits = 0

    @contextmanager
    def begin(self, kept: Connection | None = None) -> Iterator[Connection]:
        """Commit, then die if it is time."""
        with super().begin(kept) as connection:
            yield connection
        if kept is None:
            MortalStore.commits += 1
            if MortalStore.commits == MortalStore.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


def play(case: Case, folder: Path, kill_at: int = NEVER) -> None:
    """Play a case, from where an earlier process was killed if one was; write what came of it."""
    MortalStore.kill_at = NEVER  # what is known before the first step is no part of it
    diary = folder / "diary.json"
    number = case.keys.number or CUSTOMER
    begin = playing._begin(case, POLICY, number)
    first, at = 0, begin
    if diary.exists():
        first, at = json.loads(diary.read_text())
        at = datetime.fromisoformat(at)
    stage = Stage(BOOK, POLICY, TERMS, at=at, number=number, folder=folder, store_kind=MortalStore)
    if first == 0 and not stage.store.contacts_of([number, *case.keys.contacts]):
        playing._set_up(stage, case)
    elif case.keys.job:
        stage.know_job(case.keys.job)
    MortalStore.commits, MortalStore.kill_at = 0, kill_at
    for place, step in enumerate(case.steps[first:], first):
        diary.write_text(json.dumps([place, stage.now.isoformat()]))
        began = stage.now
        if place and step.wait is None and step.fail is None:
            stage.now += timedelta(minutes=1)
        if step.fail is not None and not stage._account.on_the_way:
            stage._account.on_the_way = [f"sb_{_last_text(stage)}"]
        with suppress(SmsNotifyError):
            playing._happen(stage, case, step)
        if step.wait is not None:
            stage.now = began + step.wait
    stage.now += CLAIMED_FOR + timedelta(seconds=1)  # what the dead one had claimed is due again
    stage._work()
    (folder / "result.json").write_text(
        json.dumps({"commits": MortalStore.commits, "came": _came(stage)}, sort_keys=True)
    )
    stage.close()


def _last_text(stage: Stage) -> str:
    texts = stage.store.list_messages(Wanted(recipient=stage.number), None)
    return max((one.created_at, one.id) for one in texts if one.kind == "plan")[1]


def _came(stage: Stage) -> dict[str, Any]:
    """Return what must be the same whether somebody was killed or not; ids are left out."""
    store = stage.store
    enrolments = store.list_enrolments(WantedEnrolments(), None)
    short = {one.id: f"{one.plan} of {one.number}" for one in enrolments}
    return {
        "texts": sorted(
            [
                one.kind,
                one.rule,
                one.recipient,
                re.sub("/o/[^ ]+", "/o/…", one.body),  # each database makes its own
                one.occasion if one.kind == "plan" else "",
            ]
            for one in store.list_messages(Wanted(), None)
        ),
        "people": sorted(
            [short[one.id], one.state, one.step, one.turn, sorted(one.visits.items())]
            for one in enrolments
        ),
        "ways": sorted(
            [short[one.id], [[way.from_step, way.path, way.to_step] for way in ways]]
            for one in enrolments
            for ways in [store.transitions_of(one.id)]
        ),
        "errands": sorted(
            [one.kind, one.key.partition("/")[2], one.state]
            for one in store.list_errands("sandbox", ("done", "due", "failed"), 1000)
        ),
        "contact": sorted(stage.contact.facets.items()),
        "tags": sorted(stage.contact.tags),
        "goals": stage.goals(),
        "actions": sorted(
            line.partition(', "at"')[2] or line.partition('"plan"')[2]
            for line in (stage._actions.read_text().splitlines() if stage._actions.exists() else ())
        ),
    }


def _forked(work: Callable[[], None]) -> int:
    """Do something in a process of its own; return how it ended."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def survive(case: Case, kills: int, folder: Path) -> dict[str, Any]:
    """Play one case whole, then killed at some commits; say where it came to something else."""
    whole = folder / "whole"
    whole.mkdir()
    assert _forked(lambda: play(case, whole)) == 0, "the dialogue cannot be played"
    wanted = json.loads((whole / "result.json").read_text())
    commits = wanted["commits"]
    chance = random.Random(case.name)
    points = sorted(chance.sample(range(1, commits + 1), min(kills, commits)))
    faults, killed = [], 0
    for point in points:
        place = folder / f"after-{point}"
        place.mkdir()
        if _forked(lambda place=place, point=point: play(case, place, point)) != -signal.SIGKILL:
            continue
        killed += 1
        ended = _forked(lambda place=place: play(case, place))
        if ended != 0:
            faults.append(f"after commit {point}: the next process ended with {ended}")
            continue
        came = json.loads((place / "result.json").read_text())["came"]
        faults += [
            f"after commit {point}, {name}: {came[name]} in place of {value}"
            for name, value in wanted["came"].items()
            if came[name] != value
        ]
    return {"case": case.name, "commits": commits, "killed": killed, "faults": faults}


def main() -> None:
    """Play the cases that were named."""
    kills, names = int(sys.argv[1]), set(sys.argv[2:])
    cases, _ = read_cases(HERE / "every_step.test.yaml")
    for case in cases:
        if case.name in names:
            with tempfile.TemporaryDirectory() as folder:
                sys.stdout.write(json.dumps(survive(case, kills, Path(folder))) + "\n")


if __name__ == "__main__":
    main()
