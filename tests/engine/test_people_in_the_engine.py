"""Contacts, consent and interactions through the engine, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smsnotify.base.clock import fixed_clock
from smsnotify.engine.conversing_portion import Desk
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.engine.release import release_due
from smsnotify.engine.timeline import history_of
from smsnotify.engine.tracking import TrackedReport, Tracker
from smsnotify.engine.wishes import carry_out
from smsnotify.model.contact import ConsentChange
from smsnotify.model.decision import Mode
from smsnotify.model.facts import Policy
from smsnotify.plans.load import load_book
from smsnotify.store.open import open_store
from smsnotify.store.outbox import Wanted
from smsnotify.store.people_batch import BroughtPerson
from smsnotify.store.store import Store

MEI, ALI = "+6591230000", "+6591230001"
POLICY = Policy(
    mode=Mode.LIVE, country="SG", timezone="Asia/Singapore", public_url="https://n.example.com"
)
RULES = """
version: 1
custom_events: [looked]
custom_fields: {page: string}
defaults: {max_age: none}
rules:
  - name: gold
    events: [completed]
    where: {contact.tier: gold}
    quiet_hours: {from: "11:00", to: "13:00"}
    to: {fields: [phone_number, sender_phone_number]}
    body: "Dear {{ contact.first_name }}: {{ do_number }}. Stop: {{ opt_out_link }}"
  - name: late
    events: [pre_job]
    pre_job: {days_before: 1, at: "10:00", late: drop}
    where: {contact.tier: gold}
    to: {fields: [phone_number]}
    body: "Tomorrow"
plans:
  - name: basket
    enter: {events: [looked]}
    steps:
      - ask: {send: "Still thinking of {{ page }}?", wait: {for: 2d, replies: {YES: end}}}
"""


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Desk:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return Desk(store, load_book([tmp_path / "rules.yaml"], country="SG"), POLICY)


def known(store: Store, now: datetime, number: str, **facets: str) -> None:
    store.keep_people([BroughtPerson(addresses=(number,), name="Mei Tan", facets=facets)], now)


def happen(desk: Desk, now: datetime, **job: Any) -> Any:
    line = json.dumps({"event": "completed", "job": {"do_number": "D1", **job}}).encode()
    intake = Intake(desk.book.rules, desk.policy, desk.store, ticket=Ticket())
    return intake.take(1, [line], now).decisions


def track(desk: Desk, now: datetime, *told: dict[str, Any]) -> TrackedReport:
    lines = [json.dumps(one).encode() for one in told]
    return Tracker(desk).take_all(lines, fixed_clock(now))


def test_only_recipients_who_are_meant_get_a_decision_and_their_link_leads_somewhere(
    desk: Desk, store: Store, now: datetime
) -> None:
    known(store, now, MEI, tier="gold")
    known(store, now, ALI, tier="tin")
    later = now + timedelta(hours=2)
    (decision,) = happen(desk, later, phone_number=MEI, sender_phone_number=ALI)
    token = store.opt_out_token(MEI)
    assert decision.body == f"Dear Mei: D1. Stop: https://n.example.com/o/{token}"
    link = store.find_link(token)
    assert link is not None
    assert (link.kind, link.recipient) == ("opt_out", MEI)


@pytest.mark.parametrize(("tier", "state"), [("gold", "queued"), ("tin", "cancelled")])
def test_a_held_text_is_judged_by_what_the_contact_is_then(
    desk: Desk, store: Store, now: datetime, tier: str, state: str
) -> None:
    known(store, now, MEI, tier="gold")
    (decision,) = happen(desk, now, phone_number=MEI)
    assert decision.not_before is not None
    known(store, now, MEI, tier=tier)
    (again,) = release_due(store, desk.book.rules, POLICY, decision.not_before)
    (text,) = store.list_messages(Wanted(), None)
    assert text.state == state
    assert again.reason == ("" if tier == "gold" else "no_longer_matches")


def test_an_interaction_begins_a_plan_once_on_the_persons_timeline(
    desk: Desk, store: Store, now: datetime
) -> None:
    told = {"event": "looked", "contact": MEI, "data": {"page": "/x"}, "id": "v1"}
    assert track(desk, now, told, told).repeated == 1
    assert track(desk, now, told).accepted == 0
    (text,) = store.list_messages(Wanted(), None)
    assert text.body == "Still thinking of /x?"
    history = history_of(store, MEI, 50)
    assert history is not None
    assert sorted({one.kind for one in history.moments}) == ["event", "plan", "text"]


def change(now: datetime, scope: str = "all") -> ConsentChange:
    return ConsentChange(recipient=MEI, opted_out=True, source="phone", at=now, scope=scope)


@pytest.mark.parametrize(("scope", "state"), [("all", "exited"), ("purpose:marketing", "waiting")])
def test_an_opt_out_ends_plans_and_cancels_what_waits(
    desk: Desk, store: Store, now: datetime, scope: str, state: str
) -> None:
    track(desk, now, {"event": "looked", "contact": MEI, "data": {"page": "/x"}})
    carry_out(store, [change(now, scope)], now)
    (enrolment,) = store.list_enrolments(_everyone())
    assert enrolment.state == state
    (text,) = store.list_messages(Wanted(), None)
    assert text.state == ("cancelled" if scope == "all" else "queued")
    if scope == "all":
        assert [one.path for one in store.transitions_of(enrolment.id)][-1] == "opted_out"


def test_who_is_forgotten_in_the_middle_of_a_plan_leaves_it(
    desk: Desk, store: Store, now: datetime
) -> None:
    track(desk, now, {"event": "looked", "contact": MEI, "data": {"page": "/x"}, "id": "v1"})
    assert store.story_of_job("track:v1").events
    done = store.forget(MEI, now)
    assert done is not None
    assert not store.story_of_job("track:v1").events
    assert (done.enrolments, done.cancelled, done.interactions) == (1, 1, 1)
    (enrolment,) = store.list_enrolments(_everyone())
    assert (enrolment.state, enrolment.contact_id) == ("exited", "")
    assert enrolment.number != MEI
    assert history_of(store, MEI, 50) is None
    # The plan begins anew for somebody whom nobody remembers.
    track(desk, now, {"event": "looked", "contact": MEI, "data": {"page": "/y"}})
    assert len(store.list_enrolments(_everyone())) == 2


def test_a_reminder_that_comes_too_late_is_told_of_those_who_are_meant(
    desk: Desk, store: Store, now: datetime
) -> None:
    from smsnotify.engine.reminders import PlannedJob, work_reminders

    known(store, now, MEI, tier="gold")
    rules, (day,) = desk.book.rules, [(now + timedelta(days=1)).date().isoformat()]
    jobs = [
        PlannedJob(
            f"id:{number}",
            rules.job_type(do_number="D", date=day, phone_number=number),  # type: ignore[call-arg]
            dated_at=now,
        )
        for number in (MEI, ALI)
    ]
    decided = work_reminders(jobs, rules, POLICY, store, Ticket(), now)
    assert [(one.draft.recipient, one.reason) for one in decided] == [(MEI, "late")]


def _everyone() -> Any:
    from smsnotify.store.enrolments import WantedEnrolments

    return WantedEnrolments()
