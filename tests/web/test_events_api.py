"""Events by HTTP: who may post, in which shapes, and what the answer says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import text
from web_desk import Caller, event, rows, stored

from smsnotify.base.clock import fixed_clock
from smsnotify.engine.api_keys import hash_key, make_key, offered_key, recognise
from smsnotify.store.store import Store
from smsnotify.web.state import Serving

EVENTS = "/v1/events"
DETRACK = "/hooks/detrack"
JOB = {
    "id": "65f0",
    "type": "Delivery",
    "do_number": "DO-77",
    "date": "2026-03-02",
    "status": "completed",
    "phone_number": "+6591230000",
    "pod_at": "2026-03-02T11:44:10+08:00",
}


def cloud_event(number: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": "com.acme.job.completed",
        "source": "/acme",
        "id": f"e-{number}",
        "data": event(number)["job"],
    }


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


BODIES: dict[str, tuple[str, bytes, int]] = {
    "one object": ("application/json", as_json(event()), 1),
    "an array": ("application/json; charset=utf-8", as_json([event("A"), event("B")]), 2),
    "laid out": ("application/json", json.dumps([event("A"), event("B")], indent=2).encode(), 2),
    "with a byte order mark": ("application/json", b"\xef\xbb\xbf" + as_json(event()), 1),
    "no type": ("", as_json(event()), 1),
    "lines": ("application/x-ndjson", as_json(event("A")) + b"\n\n" + as_json(event("B")), 2),
    "jsonl": ("application/jsonl", as_json(event("A")) + b"\r\n" + as_json(event("B")), 2),
    "a cloud event": ("application/cloudevents+json", as_json(cloud_event("A")), 1),
    "a batch": (
        "application/cloudevents-batch+json",
        as_json([cloud_event("A"), cloud_event("B")]),
        2,
    ),
    "cloud events as json": ("application/json", as_json([cloud_event("A"), event("B")]), 2),
}


def headers(key: str, kind: str = "application/json") -> dict[str, str]:
    return {"X-API-Key": key} | ({"Content-Type": kind} if kind else {})


@pytest.mark.parametrize("shape", BODIES)
def test_events_are_taken_in_every_shape(
    client: Caller, store: Store, key: str, shape: str
) -> None:
    kind, body, count = BODIES[shape]
    answer = client.post(EVENTS, content=body, headers=headers(key, kind))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["accepted"], told["events"], told["rejected"]) == (count, count, [])
    assert told["decisions"]["queued"] == count
    assert len(rows(store, "events")) == count
    assert {row["state"] for row in rows(store, "messages")} == {"queued"}


def test_a_cloud_event_may_come_with_its_attributes_as_headers(
    client: Caller, store: Store, key: str
) -> None:
    mode = {
        "ce-specversion": "1.0",
        "ce-type": "com.acme.job.completed",
        "ce-id": "e%20%C3%A9",
        "ce-source": "/acme",
        "ce-time": "2026-03-02T03:59:00Z",
    }
    answer = client.post(EVENTS, content=as_json(event()["job"]), headers=headers(key) | mode)
    assert answer.json()["decisions"]["queued"] == 1
    (kept,) = rows(store, "events")
    assert (kept["name"], kept["event_id"]) == ("completed", "e é")


@pytest.mark.parametrize("body", [b"", b"nonsense", b'1},{"type":"x"', b"[]"])
def test_a_cloud_event_without_a_job_is_rejected(client: Caller, key: str, body: bytes) -> None:
    mode = {"ce-specversion": "1.0", "ce-type": "completed", "ce-id": "1"}
    answer = client.post(EVENTS, content=body, headers=headers(key) | mode)
    assert answer.status_code == 400
    assert answer.json()["rejected_count"] == 1


def test_the_answer_says_what_was_rejected_and_why(
    client: Caller, store: Store, key: str, serving: Serving
) -> None:
    lines = [as_json(event("A")), b"{", b"", as_json({"event": "eaten", "job": JOB})]
    answer = client.post(
        EVENTS, content=b"\n".join(lines), headers=headers(key, "application/x-ndjson")
    )
    assert answer.status_code == 200
    told = answer.json()
    assert (told["accepted"], told["rejected_count"]) == (1, 2)
    assert [(one["line"], one["reason"]) for one in told["rejected"]] == [
        (2, "not_json"),
        (4, "unknown_event"),
    ]
    assert len(rows(store, "messages")) == 1
    assert serving.metrics.events.value("events", "accepted") == 1
    assert serving.metrics.events.value("events", "rejected") == 2


def test_a_body_with_nothing_to_accept_is_a_bad_request(client: Caller, key: str) -> None:
    answer = client.post(EVENTS, content=b'[{"x":1},2]', headers=headers(key))
    assert answer.status_code == 400
    assert answer.json()["rejected_count"] == 2
    answer = client.post(EVENTS, content=b" \n", headers=headers(key))
    assert (answer.status_code, answer.json()["error"]) == (400, "unreadable")
    assert client.post(EVENTS, content=b"[]", headers=headers(key)).json()["accepted"] == 0


def test_a_long_list_of_rejected_entries_is_cut_and_counted(client: Caller, key: str) -> None:
    answer = client.post(
        EVENTS, content=b"x\n" * 2500, headers=headers(key, "application/x-ndjson")
    )
    told = answer.json()
    assert (len(told["rejected"]), told["rejected_count"]) == (100, 2500)


def test_the_same_body_again_sends_nothing(client: Caller, store: Store, key: str) -> None:
    for _ in range(2):
        answer = client.post(EVENTS, content=as_json(event()), headers=headers(key))
    assert answer.status_code == 200
    assert answer.json()["decisions"]["duplicates"] == 1
    assert len(rows(store, "messages")) == 1


@pytest.mark.parametrize("kind", ["text/plain", "text/csv", "application/x-www-form-urlencoded"])
def test_a_type_that_is_not_read_here_is_told_which_are(
    client: Caller, key: str, kind: str
) -> None:
    answer = client.post(EVENTS, content=as_json(event()), headers=headers(key, kind))
    assert answer.status_code == 415
    assert "application/x-ndjson" in answer.json()["hint"]


def test_more_than_ten_mebibytes_are_too_many(client: Caller, store: Store, key: str) -> None:
    answer = client.post(EVENTS, content=b" " * (10 * 2**20 + 1), headers=headers(key))
    assert answer.status_code == 413
    assert stored(store)["events"] == 0


def _basic(password: str, user: str = "detrack") -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


WAYS: dict[str, Callable[[str], dict[str, str]]] = {
    "header": lambda key: {"X-API-Key": key},
    "bearer": lambda key: {"Authorization": f"Bearer {key}"},
    "basic": lambda key: {"Authorization": _basic(key)},
}


@pytest.mark.parametrize("door", [EVENTS, DETRACK])
@pytest.mark.parametrize("way", WAYS)
def test_a_key_may_come_in_several_ways(client: Caller, key: str, door: str, way: str) -> None:
    answer = client.post(door, content=as_json(JOB), headers=WAYS[way](key))
    assert answer.status_code == (401 if (door, way) == (EVENTS, "basic") else 200)


@pytest.mark.parametrize("door", [EVENTS, DETRACK])
@pytest.mark.parametrize(
    "offer",
    [
        {},
        {"X-API-Key": "snk_wrong"},
        {"X-API-Key": ""},
        {"X-API-Key": "x" * 5000},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer snk_é".encode().decode("latin-1")},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /w=="},
        {"Authorization": _basic("snk_wrong")},
    ],
)
def test_without_a_right_key_nothing_is_stored(
    client: Caller, store: Store, serving: Serving, door: str, offer: dict[str, str]
) -> None:
    raw = {name.encode(): value.encode("latin-1") for name, value in offer.items()}
    answer = client.post(door, content=as_json(JOB), headers=raw)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert not any(stored(store).values())
    name = "events" if door == EVENTS else "detrack"
    assert serving.metrics.refusals.value(name, "unauthenticated") == 1


def test_a_revoked_key_is_no_key(client: Caller, store: Store, key: str, now: datetime) -> None:
    assert store.revoke_key("test", now)
    answer = client.post(EVENTS, content=as_json(event()), headers=headers(key))
    assert answer.status_code == 401


def test_a_key_is_stored_as_a_hash_and_its_use_is_noted_once_a_minute(
    store: Store, key: str, now: datetime
) -> None:
    assert key.startswith("snk_")
    assert len(key) >= 40
    assert key not in str(rows(store, "api_keys"))
    for seconds in (0, 59):
        assert recognise(store, key, now + timedelta(seconds=seconds))
    (row,) = store.list_keys()
    assert (row.hash, row.last_used_at) == (hash_key(key), now)
    recognise(store, key, now + timedelta(seconds=60))
    assert store.list_keys()[0].last_used_at == now + timedelta(seconds=60)
    assert make_key() != make_key()


def test_a_key_in_its_own_header_counts_before_any_other() -> None:
    both = {"x-api-key": " a ", "authorization": "Bearer b"}
    assert offered_key(both) == "a"
    assert offered_key({"authorization": "bearer  b "}) == "b"
    assert offered_key({"authorization": _basic("p:q", user="u")}, basic=True) == "p:q"
    assert offered_key({"authorization": _basic("p")}) == ""


PUSHES: dict[str, tuple[str, bytes, int]] = {
    "a job": ("application/json", as_json(JOB), 1),
    "wrapped": ("application/json", as_json({"json": JOB}), 1),
    "data": ("application/json", as_json({"data": [JOB, JOB | {"id": "2", "do_number": "D2"}]}), 2),
    "an array": ("application/json", as_json([JOB, JOB | {"id": "2", "do_number": "D2"}]), 2),
    "a form": (
        "application/x-www-form-urlencoded",
        urlencode({"json": json.dumps(JOB)}).encode(),
        1,
    ),
    "version 1": (
        "application/x-www-form-urlencoded",
        urlencode(
            {
                "json": json.dumps(
                    {
                        "do": "D1",
                        "date": "2026-03-02",
                        "phone": "+6591230000",
                        "status": "Delivered",
                        "time": "2026-03-02T11:44:10+08:00",
                    }
                )
            }
        ).encode(),
        1,
    ),
}


@pytest.mark.parametrize("shape", PUSHES)
def test_detracks_push_is_taken_in_every_shape(
    client: Caller, store: Store, key: str, shape: str
) -> None:
    kind, body, count = PUSHES[shape]
    answer = client.post(
        DETRACK, content=body, headers={"Authorization": _basic(key), "Content-Type": kind}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["decisions"]["queued"] == count
    assert len(rows(store, "messages")) == count


@pytest.mark.parametrize("body", [b"", b"json=", b"json=%7B", b"a=b", b"{}", b"null"])
def test_a_push_that_cannot_be_read_is_told_so(client: Caller, key: str, body: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post(DETRACK, content=body, headers={"X-API-Key": key} | form)
    assert answer.status_code == 400


def test_snapshots_that_follow_each_other_are_compared_in_order(
    client: Caller, store: Store, key: str
) -> None:
    first = JOB | {"status": "dispatched", "pod_at": None}
    requests = [(DETRACK, {"content": as_json(first), "headers": headers(key)})]
    client.together(*requests)
    same = [(DETRACK, {"content": as_json(JOB), "headers": headers(key)})] * 8
    answers = client.together(*same)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert sum(answer.json()["decisions"]["queued"] for answer in answers) == 1
    assert len(rows(store, "messages")) == 1


def test_events_that_cannot_be_stored_are_asked_for_again(
    client: Caller, store: Store, key: str
) -> None:
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE messages RENAME TO gone"))
    answer = client.post(EVENTS, content=as_json(event()), headers=headers(key))
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO messages"))
    answer = client.post(EVENTS, content=as_json(event()), headers=headers(key))
    assert answer.json()["decisions"]["queued"] == 1


def test_a_desk_that_is_closing_asks_to_post_again(
    client: Caller, serving: Serving, store: Store, key: str
) -> None:
    serving.stop()
    answer = client.post(EVENTS, content=as_json(event()), headers=headers(key))
    assert answer.status_code == 503
    assert stored(store)["events"] == 0


def test_an_event_is_judged_by_the_desks_own_clock(
    client: Caller, serving: Serving, key: str, now: datetime
) -> None:
    serving.clock = fixed_clock(now + timedelta(days=3))
    body = as_json(event(time="2026-03-02T11:59:00+08:00"))
    answer = client.post(EVENTS, content=body, headers=headers(key))
    assert answer.json()["decisions"]["stops"] == {"too_old": 1}
