"""Interactions by HTTP: kept once, on the person's timeline, and heard by rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from web_desk import Caller, rows, write_desk

from smsnotify.base.clock import Clock
from smsnotify.store.store import Store
from smsnotify.web.app import create_app
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings

DOOR = "/v1/interactions"
MEI = "+6591230000"
RULES = """
version: 1
custom_events: [page_view, looked, ordered, called]
custom_fields: {page: string, price: number}
rules:
  - name: seen
    events: [page_view]
    where: {price: {gte: 10}}
    to: {fields: [phone_number]}
    body: "You looked at {{ page }}."
  - name: call
    events: [called]
    to: {fields: [phone_number]}
    start_plan: care
plans:
  - name: basket
    enter: {events: [looked]}
    steps:
      - ask:
          send: "Still thinking about {{ page }}?"
          listen: {events: [ordered], for: 3d, then: thanks}
      - thanks: {send: "Thank you for your order.", end: finished}
  - name: care
    steps:
      - ask: {send: "Was the call of help?", wait: {for: 1d, replies: {YES: end}}}
"""


@pytest.fixture
def tracking(store: Store, sources: Sources, clock: Clock) -> Iterator[Caller]:
    assert sources.config is not None
    write_desk(sources.config.parent, rules=RULES)
    serving = Serving(store, load(read_settings(sources), sources), clock=clock)
    caller = Caller(create_app(serving))
    yield caller
    caller.close()
    serving.close()


def view(**rest: Any) -> dict[str, Any]:
    return {"event": "page_view", "contact": MEI, "data": {"page": "/prices", "price": 12}} | rest


def post(caller: Caller, key: str, body: object, kind: str = "application/json") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return caller.post(DOOR, content=content, headers={"X-API-Key": key, "Content-Type": kind})


def test_an_interaction_is_kept_and_heard(tracking: Caller, store: Store, key: str) -> None:
    answer = post(tracking, key, view(value=3.5, channel="app", time="2026-03-02T03:00:00Z"))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["accepted"], told["repeated"], told["events"]) == (1, 0, 1)
    assert told["decisions"]["queued"] == 1
    (text,) = rows(store, "messages")
    assert (text["recipient"], text["body"]) == (MEI, "You looked at /prices.")
    contact = store.contacts_of([MEI])[MEI]
    (kept,) = store.interactions_of(contact.id)
    assert (kept.channel, kept.event, kept.value) == ("app", "page_view", 3.5)
    assert kept.at.isoformat() == "2026-03-02T03:00:00+00:00"
    assert kept.data == {"page": "/prices", "price": 12}


def test_an_id_is_kept_once_and_texts_once(tracking: Caller, store: Store, key: str) -> None:
    body = [view(id="v1"), view(id="v1"), view(id=7)]
    first, again = post(tracking, key, body), post(tracking, key, body)
    assert (first.json()["accepted"], first.json()["repeated"]) == (2, 1)
    assert (again.json()["accepted"], again.json()["repeated"]) == (0, 3)
    assert len(rows(store, "interactions")) == len(rows(store, "messages")) == 2


def test_the_key_of_a_text_is_the_tellers_id(
    tracking: Caller, store: Store, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes at once: neither sees the other's interaction, and the key decides."""
    monkeypatch.setattr(Store, "known_interactions", lambda self, ids: set())
    post(tracking, key, view(id="v1"))
    told = post(tracking, key, view(id="v1")).json()
    assert told["decisions"]["duplicates"] == 1
    assert len(rows(store, "interactions")) == len(rows(store, "messages")) == 1


def test_what_no_rule_knows_is_kept_all_the_same(tracking: Caller, store: Store, key: str) -> None:
    told = post(tracking, key, view(event="newsletter opened", contact="Mei@Example.com")).json()
    assert (told["accepted"], told["events"]) == (1, 0)
    assert store.contacts_of(["mei@example.com"])


def test_an_email_address_reaches_the_number_that_is_known(
    tracking: Caller, store: Store, key: str, clock: Clock
) -> None:
    from smsnotify.store.people_batch import BroughtPerson

    store.keep_people([BroughtPerson(addresses=(MEI, "mei@example.com"))], clock())
    told = post(tracking, key, view(contact="mei@example.com")).json()
    assert told["decisions"]["queued"] == 1
    told = post(tracking, key, view(contact="nobody@example.com")).json()
    assert told["decisions"]["stops"] == {"no_recipient": 1}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"contact": MEI}, "no_event"),
        ({"event": "x"}, "no_contact"),
        ({"event": "x", "contact": "12"}, "not_a_number"),
        ({"event": "x", "contact": "a@b"}, "not_an_email_address"),
        ({"event": "x" * 101, "contact": MEI}, "wrong_type"),
        (view(value="much"), "wrong_type"),
        (view(value=True), "wrong_type"),
        (view(data=[1]), "wrong_type"),
        (view(data={"page": {"deep": 1}}), "wrong_type"),
        (view(time="yesterday"), "unreadable_time"),
        (view(id=""), "wrong_type"),
        (view(phone=MEI), "unknown_key"),
        (7, "not_an_object"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_goes_on(
    tracking: Caller, store: Store, key: str, entry: object, reason: str
) -> None:
    told = post(tracking, key, [entry, view()]).json()
    assert (told["accepted"], told["rejected_count"]) == (1, 1)
    assert (told["rejected"][0]["line"], told["rejected"][0]["reason"]) == (1, reason)
    assert len(rows(store, "interactions")) == 1


def test_lines_are_taken_and_nothing_is_refused_without_a_word(
    tracking: Caller, store: Store, key: str
) -> None:
    lines = json.dumps(view()).encode() + b"\n\n{\n" + json.dumps(view()).encode()
    told = post(tracking, key, lines, "application/x-ndjson").json()
    assert (told["accepted"], told["rejected"][0]["line"]) == (2, 3)
    assert post(tracking, key, b"", "application/json").status_code == 400
    assert post(tracking, key, b"x=1", "application/x-www-form-urlencoded").status_code == 415
    assert post(tracking, key, [7]).status_code == 400
    assert tracking.post(DOOR, content=b"{}").status_code == 401
    assert post(tracking, "snk_wrong", view()).status_code == 401
    assert len(rows(store, "interactions")) == 2


def test_nobody_is_anybodys_number(tracking: Caller, store: Store, key: str) -> None:
    """The teller's data cannot name another recipient, nor the identity of a real job."""
    body = view(data={"page": "/x", "price": 12, "phone_number": "+6598765432", "id": "65f0"})
    post(tracking, key, body)
    (text,) = rows(store, "messages")
    assert text["recipient"] == MEI
    assert text["subject"].startswith("track:")


def test_plans_begin_with_an_interaction_and_wait_for_one(
    tracking: Caller, store: Store, key: str
) -> None:
    looked = view(event="looked", id="v1", data={"page": "/prices"})
    for _ in range(2):
        post(tracking, key, looked)
    assert [row["state"] for row in rows(store, "enrolments")] == ["waiting"]
    post(tracking, key, view(event="ordered", id="o1", data={}))
    (enrolment,) = rows(store, "enrolments")
    assert (enrolment["state"], enrolment["plan"]) == ("finished", "basket")
    bodies = [row["body"] for row in rows(store, "messages")]
    assert bodies == ["Still thinking about /prices?", "Thank you for your order."]


def test_a_rule_starts_a_plan_for_whoever_the_interaction_is_of(
    tracking: Caller, store: Store, key: str
) -> None:
    for _ in range(2):
        post(tracking, key, view(event="called", id="c1"))
    (enrolment,) = rows(store, "enrolments")
    assert (enrolment["plan"], enrolment["number"]) == ("care", MEI)
    assert [row["body"] for row in rows(store, "messages")] == ["Was the call of help?"]
