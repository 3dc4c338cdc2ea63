"""People who are on a version of a plan that the file does not have any more."""

from __future__ import annotations

import json

from talk import ANNA, Talk

from smsnotify.engine.conversing_events import PlanTeller
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket

OLD = """\
custom_fields: {depot_code: string}
custom_events: [weighed, pallet_lost]
rules:
  - {name: missed, events: [failed], to: {fields: [phone_number]}, start_plan: weigh}
plans:
  - name: weigh
    steps:
      - wait_for_it: {send: "We weigh it.", listen: {events: [weighed], for: 3d, then: told}}
      - told: {send: "Weighed at {{ depot_code }} ({{ zone }})."}
"""
NEW = """\
custom_events: [weighed]
rules:
  - {name: missed, events: [failed], to: {fields: [phone_number]}, body: "Sorry."}
"""


def take(talk: Talk, event: str) -> None:
    """Take an event about Anna's job in."""
    job = {"id": "1", "do_number": "DO-1", "phone_number": ANNA, "depot_code": "D7", "zone": "East"}
    line = json.dumps({"event": event, "id": event, "job": job | {"status": event}}).encode()
    desk = talk.desk
    intake = Intake(
        desk.book.rules, desk.policy, talk.store, ticket=Ticket(), plans=PlanTeller(desk)
    )
    taken = intake.take(1, [line], talk.now)
    assert not taken.rejected


def test_somebody_on_an_old_version_hears_its_events_and_reads_its_fields(talk: Talk) -> None:
    talk.write(OLD)
    take(talk, "failed")
    (enrolled,) = talk.rows("enrolments")
    talk.write(NEW)
    plans = talk.desk.book.plans
    assert not plans.events
    plans.remember(talk.store.plan_contents())
    assert plans.knows_old
    assert plans.events == {"weighed"}

    take(talk.later(hours=1), "weighed")

    (after,) = talk.rows("enrolments")
    assert (after["id"], after["version"]) == (enrolled["id"], enrolled["version"])
    assert after["state"] == "finished"
    bodies = [row["body"] for row in talk.rows("messages")]
    assert bodies == ["We weigh it.", "Weighed at D7 (East)."]
