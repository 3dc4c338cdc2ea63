"""Leads people through a plan, and dies at a moment that was chosen before.

Usage: python talk_worker.py DATABASE FOLDER SHARE… ; one line of JSON is what became of it.

For each SHARE (0 to 1 of the way) a process of its own begins a dialogue with a person of its own,
and kills itself with SIGKILL between two calls of our functions. Another one then does everything
again from the start, as a provider that had no answer would call again. The first dialogue, which
nobody kills, says how many calls there are.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import text

import smsnotify
from smsnotify.base.secrets import Secret
from smsnotify.engine.conversing_events import PlanTeller
from smsnotify.engine.conversing_portion import Desk
from smsnotify.engine.conversing_terms import ConversationTerms
from smsnotify.engine.errands import ERRAND_ID, Hands, do_errands
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.engine.ticking import talk
from smsnotify.model.decision import Mode
from smsnotify.model.facts import Policy
from smsnotify.model.message import InboundMessage
from smsnotify.plans.load import load_book
from smsnotify.store.open import open_store
from smsnotify.store.store import Store

HERE = Path(__file__).parent
OURS = str(Path(smsnotify.__file__).parent)
PLANS = HERE.parent / "conversing" / "redelivery.yaml"
STAFF = "+6591239000"
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

OWED = [
    "DO-{0} again tomorrow",
    "DO-{0} comes again.",
    "Enjoy DO-{0}!",
    "How was it? 1 to 5",
    "We missed you with DO-{0}. Reply 1 for tomorrow, 2 to pick it up.",
    "We will bring DO-{0} tomorrow.",
]


class Dialogue:
    """One person's way through the plan `redelivery`, from the failed job to the survey."""

    def __init__(self, store: Store, folder: Path, person: int) -> None:
        self.store = store
        self.folder = folder
        self.person = person
        self.now = NOON
        policy = Policy(mode=Mode.LIVE, country="SG", timezone="Asia/Singapore")
        book = load_book([PLANS], country="SG")
        self.desk = Desk(store, book, policy, ConversationTerms(staff=(STAFF,)))
        self.hands = Hands(
            action_file=folder / "actions.jsonl",
            webhook_secret=Secret.parse("s", None),
            post=self._post,
        )

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        with (self.folder / "calls").open("a") as calls:
            calls.write(f"{self.person} {headers[ERRAND_ID]}\n")
        return 200

    def run(self) -> None:
        """Everything in order. Whoever calls us calls again until it is taken."""
        self._event("failed")
        self._says("1", seconds=60)
        self._errands()
        self._event("completed", hours=20)
        self._errands()
        self._says("5", seconds=60)

    def _event(self, name: str, **later: float) -> None:
        self.now += timedelta(**later)
        job = {
            "id": f"job-{self.person}",
            "type": "Delivery",
            "do_number": f"DO-{self.person}",
            "date": "2026-03-02",
            "phone_number": number(self.person),
            "status": name,
        }
        line = {"event": name, "id": f"{name}-{self.person}", "job": job}
        desk = self.desk
        intake = Intake(
            desk.book.rules, desk.policy, self.store, ticket=Ticket(), plans=PlanTeller(desk)
        )
        intake.take(1, [json.dumps(line).encode()], self.now)
        talk(desk, self.now)

    def _says(self, body: str, **later: float) -> None:
        self.now += timedelta(**later)
        told = InboundMessage(
            provider_message_id=f"{self.person}-{body}",
            sender=number(self.person),
            to="+6580000001",
            body=body,
        )
        self.store.note_replies("main", [told], self.now)
        talk(self.desk, self.now)

    def _errands(self) -> None:
        for _ in range(3):  # what an errand begins may want something done too
            self.now += timedelta(minutes=3)  # who died held its errands for a while
            do_errands(self.desk, self.hands, self.now)


def number(person: int) -> str:
    """A mobile number in Singapore."""
    return f"+659{1_000_000 + person}"


def kill_before(call: int) -> Callable[[], int]:
    """Die at the so-many-th call or return of a function of ours; returns what counts them."""
    made = 0

    def count(frame: FrameType, what: str, _: object) -> None:
        nonlocal made
        if what in ("call", "return") and frame.f_code.co_filename.startswith(OURS):
            made += 1
            if made == call:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    return lambda: made


def live(database: str, folder: Path, person: int, call: int) -> int:
    """Lead one person in a process of its own; return its exit code, below 0 when it was killed."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    try:
        with open_store(database) as store:
            dialogue = Dialogue(store, folder, person)
            made = kill_before(call)
            dialogue.run()
            sys.setprofile(None)
            if not call:
                (folder / "calls_made").write_text(str(made()))
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def found(store: Store, folder: Path, person: int) -> dict[str, Any]:
    """Return what became of a person."""
    values = {"number": number(person), "do": f"%DO-{person} %", "enjoy": f"%DO-{person}!"}
    with store.read() as connection:
        bodies = connection.execute(
            text(
                "SELECT body FROM messages WHERE state = 'queued' AND (recipient = :number "
                "OR (recipient = :staff AND body LIKE :do))"
            ),
            values | {"staff": STAFF},
        ).scalars()
        states = connection.execute(
            text("SELECT plan, state FROM enrolments WHERE number = :number ORDER BY plan"), values
        )
        texts, ends = sorted(bodies), [f"{plan} {state}" for plan, state in states]
    lines = (folder / "actions.jsonl").read_text().splitlines()
    calls = (folder / "calls").read_text().split("\n")
    return {
        "person": person,
        "texts": texts == sorted(one.format(person) for one in OWED),
        "ends": ends == ["redelivery finished", "survey exited"],
        "actions": sum(json.loads(line)["order"] == f"DO-{person}" for line in lines),
        "webhook_ids": len({call for call in calls if call.startswith(f"{person} ")}),
        "told": [*texts, *ends],
    }


def main() -> None:
    """Begin, die, begin again, look."""
    database, folder = sys.argv[1], Path(sys.argv[2])
    faults, killed = [], 0
    assert live(database, folder, 0, 0) == 0
    made = int((folder / "calls_made").read_text())
    wanted = [int(float(share) * made) + 1 for share in sys.argv[3:]]
    for person, call in enumerate(wanted, 1):
        killed += live(database, folder, person, call) == -signal.SIGKILL
        if live(database, folder, person, 0):
            faults.append({"person": person, "told": "it fell over"})
    with open_store(database) as store:
        for person in range(len(wanted) + 1):
            one = found(store, folder, person)
            right = one["texts"] and one["ends"]
            if not right or (one["actions"], one["webhook_ids"]) != (1, 1):
                faults.append({"call": wanted[person - 1] if person else 0} | one)
    told = {"calls": made, "killed": killed, "faults": faults}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
