"""A preview never lies: preview, dry run and real run decide alike, whatever went before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from smsnotify.base.ids import new_id
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.model.caps import MILLION, Cap, Caps
from smsnotify.model.contact import ConsentChange, Contact
from smsnotify.model.decision import Decision, Mode
from smsnotify.model.facts import Policy
from smsnotify.model.message import InboundMessage
from smsnotify.model.silence import Silence
from smsnotify.rules.load import load_rules
from smsnotify.store.open import open_existing, open_store
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.store import Store

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
POLICY = Policy(
    mode=Mode.TEST,
    country="SG",
    countries=frozenset({"SG"}),
    timezone="Asia/Singapore",
    allow=frozenset({"+6591230000", "+6591230001"}),
    test_to="+6591239999",
    public_url="https://notify.example.com",
    tracking=True,
)
CAPS = Caps(
    recipient=(Cap(span="hour", hard=3, soft=1), Cap(span="day", hard=6)),
    desk=(
        Cap(span="run", hard=12),
        Cap(span="day", hard=20, soft=5),
        Cap(span="day", of="money", hard=MILLION),
    ),
    countries={"SG": (Cap(span="day", hard=15),)},
    price=lambda route, country, channel: Decimal("0.08"),
    currency="SGD",
)
RULES = """
version: 1
defaults:
  quiet_hours: {from: "21:00", to: "08:00", then: {default: hold, scheduled: drop}}
  max_age: {heading_to: 30m, feedback: none, default: 24h}
  caps: {per_day: {soft: 4, hard: 8}}
rules:
  - name: receipt
    channel: [sms, email]
    events: [completed, failed]
    to: {fields: [phone_number], fixed: [ops@acme.test]}
    subject: "Order {{ do_number }}"
    countries: {SG: {first_text_suffix: "Reply STOP to opt out", max_segments: 2}}
    body: "Mailed and texted: {{ do_number }}"
  - name: ops
    channel: apprise
    events: [failed, delayed, feedback]
    subject: "{{ do_number }}"
    body: "{{ assign_to }}: {{ deliver_to_collect_from }}"
  - name: outcome
    events: [completed, failed, out_for_delivery, scheduled, arrived, heading_to, feedback]
    to: {fields: [phone_number, sender_phone_number]}
    caps: {per_hour: 2, per_day: 5}
    body: "Hi {{ deliver_to_collect_from }}: {{ do_number }} {{ status | default('?') }}"
  - name: alarm
    events: [failed, heading_to_cancelled, new_attempt, delayed]
    where: {do_number: {ne: DO-2}}
    to: {fields: [phone_number], fixed: ["+6598765432"]}
    countries: {SG: {first_text_suffix: Reply STOP to opt out}}
    body: "{{ do_number }} needs a look"
  - name: afternoon
    events: [completed, failed, arrived]
    active_from: 2026-03-02T12:00
    active_until: 2026-03-02T18:00
    quiet_hours: none
    to: {fields: [sender_phone_number]}
    tracking_link: none
    registered_text: "{#var#} this afternoon"
    body: "{{ do_number }} this afternoon{% if driver_rating %} again{% endif %}"
  - name: late
    events: [delayed, heading_to, scheduled]
    inhibited_by: {events: [completed, failed], within: 2h}
    to: {fields: [phone_number]}
    body: "{{ do_number }} will be late"
  - name: thanks
    events: [completed, arrived]
    after: 90m
    unless: [failed, feedback]
    to: {fields: [phone_number]}
    body: "{{ do_number }}: how was it?"
  - name: stuck
    events: [on_hold, scheduled, heading_to]
    for: 4h
    unless: [feedback]
    repeat: each
    to: {fixed: ["+6598765432"]}
    body: "{{ do_number }} does not move"
  - name: together
    events: [completed, failed, arrived, heading_to]
    digest: {by: [phone_number, date, status], wait: 20m}
    to: {fields: [phone_number, sender_phone_number], fixed: ["+6598765432"]}
    body: "{% for job in jobs %}{{ job.do_number }} {{ job.deliver_to_collect_from }} {% endfor %}"
  - name: gold
    events: [completed, failed, arrived, scheduled]
    where: {contact.tier: [gold, silver], do_number: {ne: DO-3}}
    to: {fields: [phone_number, sender_phone_number]}
    body: "Dear {{ contact.first_name | default('customer') }}, {{ contact.tier }}: {{ do_number }}"
  - name: spoken
    channel: [sms, email]
    events: [completed, failed, arrived]
    to: {fields: [phone_number, sender_phone_number], fixed: [ops@acme.test]}
    language_field: assign_to
    subject: {en: "Order {{ do_number }}", zh: "订单{{ do_number }}", ms: Pesanan}
    body:
      en: "{{ do_number }} on {{ date | date }}, {{ driver_rating | number }}"
      zh: "{{ do_number }} {{ date | date }}"
      ms: "{{ do_number }} pada {{ date | date }}"
  - name: offer
    purpose: marketing
    events: [completed, feedback, heading_to]
    to: {fields: [phone_number]}
    body: "10 % off, {{ contact.name }}! No more: {{ opt_out_link }}"
"""
NOW_RUN = Ticket("now")
PEOPLE = ["+6591230000", "+6591230001", "+6591230003"]
STATUSES = ["info_recv", "dispatched", "completed", "failed", "on_hold", None]
STAMPS = [None, "2026-03-02T05:00:00Z", "2026-03-02T05:30:00Z"]


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, object]:
    number = draw(st.integers(1, 4))
    job: dict[str, object] = {
        "id": draw(st.sampled_from([None, f"id{number}", f"id{number}b"])),
        "type": draw(st.sampled_from(["Delivery", "Collection"])),
        "do_number": f"DO-{number}",
        "date": draw(st.sampled_from(["2026-03-02", "2026-03-04"])),
        "status": draw(st.sampled_from(STATUSES)),
        "attempt": draw(st.sampled_from([None, 1, 2])),
        "assign_to": draw(st.sampled_from([None, "Van 3", "ms"])),
        "deliver_to_collect_from": draw(st.sampled_from(["Mei", None, "陈美", "x" * 600])),
        "phone_number": draw(
            st.sampled_from(
                ["91230000", "+65 9123 0001", "+6591230002", "+60123456789", "61234567", "abc", ""]
            )
        ),
        "group_name": draw(st.sampled_from([None, "North", "acme "])),
        "sender_phone_number": draw(st.sampled_from([None, "91230000; 91230003"])),
        "head_to_delivery_at": draw(st.sampled_from(STAMPS)),
        "arrived_at": draw(st.sampled_from(STAMPS)),
        "driver_rating": draw(st.sampled_from([None, 2, 5])),
        "tracking_link": draw(st.sampled_from([None, None, "https://trk.la/x"])),
    }
    return job


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    job = draw(jobs())
    shape = draw(st.sampled_from(["bare", "bare", "native", "cloudevent", "broken"]))
    name = draw(st.sampled_from(["completed", "failed", "heading_to", "scheduled", "feedback"]))
    hours = draw(st.sampled_from([0, 1, 30]))
    time = (NOW - timedelta(hours=hours)).isoformat()
    match shape:
        case "bare":
            value: object = job
        case "native":
            value = {"event": name, "time": time, "job": job}
        case "cloudevent":
            value = {
                "specversion": "1.0",
                "id": "x",
                "source": "t",
                "time": time,
                "type": f"job.{name}",
                "data": job,
            }
        case _:
            return b'{"event": "completed", "job": '
    return msgspec.json.encode(value)


@st.composite
def known(draw: st.DrawFn) -> list[tuple[str, dict[str, str], tuple[ConsentChange, ...], bool]]:
    """People with facets, consents in their order, and a reply that may be an opt-out."""
    found = []
    for number in draw(st.lists(st.sampled_from(PEOPLE), unique=True)):
        facets = draw(st.dictionaries(st.just("tier"), st.sampled_from(["gold", "tin"])))
        changes = draw(
            st.lists(
                st.builds(
                    ConsentChange,
                    recipient=st.just(number),
                    opted_out=st.booleans(),
                    source=st.just("clerk"),
                    at=st.just(NOW),
                    scope=st.sampled_from(["all", "purpose:marketing", "sender:+6531590000"]),
                ),
                max_size=4,
            )
        )
        found.append((number, facets, tuple(changes), draw(st.integers(0, 5)) == 0))
    return found


def remember(
    store: Store, people: list[tuple[str, dict[str, str], tuple[ConsentChange, ...], bool]]
) -> None:
    for index, (number, facets, changes, doubt) in enumerate(people):
        language = ("", "zh-TW", "fr")[index]
        person = Contact(
            id=new_id(NOW),
            addresses=(number,),
            name=f"Mei {index}",
            language=language,
            facets=facets,
        )
        store.add_contacts([person], NOW)
        store.note_consents(changes, NOW)
        if doubt:
            text = InboundMessage(
                provider_message_id=number, sender=number, to="+6531590000", body="leave me alone"
            )
            store.note_replies("main", [text], NOW)
            (reply,) = store.unworked_replies()
            store.set_reply_state(reply.id, was="new", state="doubtful", now=NOW)


def silence(index: int, group: str, rule: str) -> Silence:
    """One from the early afternoon on, over before the evening unless it is the first."""
    return Silence(
        id=f"{index:026}",
        group=group,
        rule=rule,
        reason="flood",
        author="kim",
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=2 if index else 12),
        created_at=NOW,
    )


def told(decisions: list[Decision]) -> list[dict[str, object]]:
    """Decisions without what only a stored message has: its id."""
    rows = [decision.as_json() for decision in decisions]
    for row in rows:
        if row["reason"] == "duplicate":
            row["detail"] = row["earlier"] = None
    return rows


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    history=st.lists(lines(), max_size=12),
    today=st.lists(lines(), min_size=1, max_size=12),
    chunk=st.integers(1, 5),
    late=st.booleans(),
    people=known(),
    silenced=st.lists(st.tuples(st.sampled_from(["", "ACME"]), st.sampled_from(["", "outcome"]))),
    capped=st.booleans(),
)
def test_preview_dry_run_and_real_run_decide_alike(
    history: list[bytes],
    today: list[bytes],
    chunk: int,
    late: bool,
    people: list[Any],
    silenced: list[tuple[str, str]],
    capped: bool,
) -> None:
    policy = msgspec.structs.replace(POLICY, caps=CAPS) if capped else POLICY
    now = NOW + timedelta(hours=8 if late else 0)
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
        rules = load_rules([folder / "rules.yaml"], country="SG")
        url = f"sqlite:///{folder / 'desk.db'}"
        with open_store(url) as store:
            Intake(rules, policy, store, ticket=Ticket("before")).take(1, history, NOW)
            remember(store, people)
            for index, (group, rule) in enumerate(silenced):
                store.add_silence(silence(index, group, rule))
        preview = Intake(rules, policy, Rehearsal(open_existing(url)), ticket=NOW_RUN)
        previewed = told(preview.take(1, today, now).decisions)
        rehearsal = Intake(rules, policy, Rehearsal(open_existing(url)), ticket=NOW_RUN)
        rehearsed: list[Decision] = []
        for first in range(0, len(today), chunk):
            rehearsed += rehearsal.take(first + 1, today[first : first + chunk], now).decisions
        with open_store(url) as store:
            real = Intake(rules, policy, store, ticket=NOW_RUN)
            decided: list[Decision] = []
            for first in range(0, len(today), chunk):
                decided += real.take(first + 1, today[first : first + chunk], now).decisions
    assert told(rehearsed) == told(decided)
    assert previewed == told(decided)
