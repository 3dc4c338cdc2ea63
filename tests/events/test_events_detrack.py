"""Detrack's webhook in every variant, and its version 1 names."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus, urlencode

import pytest

from smsnotify.base.errors import EventError
from smsnotify.events.decode import Decoder, job_snapshot

JOB = {"id": "65f000000000000000000001", "do_number": "DO-77", "status": "failed"}
V1 = {
    "date": "2026-03-02",
    "do": "DO-77",
    "deliver_to": "Mei Tan",
    "phone": "91230001",
    "delivery_time": "0900 - 1100 hrs",
    "received_by": "Ravi Kumar",
    "notify_url": "https://hook.example.test",
    "status": "Delivered",
    "time": "2026-03-02T14:44:10+08:00",
    "reason": "",
    "items": [{"sku": "S1", "desc": "Box", "qty": 2, "reject": 1, "reason": "Wrong Size"}, "odd"],
}


def numbers(line: bytes) -> list[str]:
    parsed = Decoder().decode(line)
    assert all(one.event is None for one in parsed)
    return [one.job.number for one in parsed]


def reason(line: bytes) -> str:
    with pytest.raises(EventError) as caught:
        Decoder().decode(line)
    return caught.value.reason


@pytest.mark.parametrize(
    "body",
    [
        JOB,
        {"json": JOB},
        {"data": JOB},
        {"data": [JOB], "links": {"next": None}, "total_count": 1},
        {"json": [JOB]},
        {"json": json.dumps(JOB)},
        {"data": {"json": JOB}},
        [JOB],
    ],
)
def test_json_variants_hold_the_same_job(body: object) -> None:
    assert numbers(json.dumps(body).encode()) == ["DO-77"]


def test_data_may_be_a_list_of_jobs() -> None:
    assert numbers(json.dumps({"data": [JOB, {"do_number": "DO-78"}]}).encode()) == [
        "DO-77",
        "DO-78",
    ]
    assert numbers(b'{"data":[]}') == []


@pytest.mark.parametrize(
    "line",
    [
        urlencode({"json": json.dumps(JOB)}),
        urlencode({"key": "abc", "json": json.dumps([JOB])}),
        "json=" + quote(json.dumps(JOB)) + "\r",
        "json=" + json.dumps(JOB),
        "json=" + quote_plus(json.dumps({"data": JOB})),
    ],
)
def test_form_variants_hold_the_same_job(line: str) -> None:
    assert numbers(line.encode()) == ["DO-77"]


def test_text_of_a_form_is_decoded() -> None:
    [parsed] = Decoder().decode(
        urlencode({"json": json.dumps({**JOB, "reason": "Nobody & 5+3 é"})}).encode()
    )
    assert parsed.job.reason == "Nobody & 5+3 é"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b"json=hello", "not_json"),
        (b"json=", "not_json"),
        (b"json=5", "not_an_object"),
        (b"json=%5B5%5D", "not_an_object"),
        (b"json=%7B%22a%22%3A1%7D", "no_job"),
        (b"xjson=%7B%7D", "not_json"),
        (b'{"json":"hello"}', "not_json"),
        (b'{"json":{"json":{"json":{"json":{"json":{"do_number":"D"}}}}}}', "no_job"),
        (b'{"data":[[[[[[{"do_number":"D"}]]]]]]}', "not_an_object"),
        (b'{"data":"[[[[[[1]]]]]]"}', "not_an_object"),
        (b'{"status":"failed"}', "no_identity"),
    ],
)
def test_webhook_without_a_job_is_refused(line: bytes, word: str) -> None:
    assert reason(line) == word


def test_version_1_names_become_version_2_names() -> None:
    [parsed] = Decoder().decode(json.dumps(V1).encode())
    job = parsed.job
    assert (job.number, job.status, job.date) == ("DO-77", "completed", "2026-03-02")
    assert job.pod_at == "2026-03-02T14:44:10+08:00"
    snapshot = json.loads(job_snapshot(json.dumps(V1).encode()))
    assert snapshot["deliver_to_collect_from"] == "Mei Tan"
    assert snapshot["phone_number"] == "91230001"
    assert snapshot["job_time"] == snapshot["time_window"] == "0900 - 1100 hrs"
    assert snapshot["received_by_sent_by"] == "Ravi Kumar"
    assert snapshot["webhook_url"] == "https://hook.example.test"
    assert snapshot["items"][0] == {
        "sku": "S1",
        "description": "Box",
        "quantity": 2,
        "reject_quantity": 1,
        "reject_reason": "Wrong Size",
    }
    assert snapshot["items"][1] == "odd"
    assert not {"do", "deliver_to", "phone", "time", "notify_url"} & set(snapshot)


def test_version_1_comes_as_form_too() -> None:
    assert numbers(urlencode({"json": json.dumps(V1)}).encode()) == ["DO-77"]
    assert numbers(urlencode({"json": json.dumps([V1, {**V1, "do": "DO-78"}])}).encode()) == [
        "DO-77",
        "DO-78",
    ]


@pytest.mark.parametrize(
    ("status", "key"),
    [
        ("Delivered", "completed"),
        ("Partially Delivered", "completed_partial"),
        ("In Progress", "dispatched"),
        ("Not Delivered", "failed"),
        ("On Hold", "on_hold"),
        ("Something else", "Something else"),
        (None, None),
    ],
)
def test_version_1_status_words_become_status_keys(status: str | None, key: str | None) -> None:
    [parsed] = Decoder().decode(json.dumps({"do": "D", "status": status}).encode())
    assert parsed.job.status == key


def test_version_1_collection_says_so_by_its_fields() -> None:
    [parsed] = Decoder().decode(b'{"do":"D","collect_from":"Mei Tan","collection_time":"9"}')
    assert parsed.job.kind == "collection"


def test_version_2_value_stays_beside_a_version_1_name() -> None:
    line = b'{"do":"D","phone":"1","phone_number":"2","time":"t","pod_at":null}'
    snapshot = json.loads(job_snapshot(line))
    assert (snapshot["phone_number"], snapshot["pod_at"]) == ("2", "t")


def test_version_1_names_are_read_in_an_event_too() -> None:
    [parsed] = Decoder().decode(b'{"event":"failed","job":{"do":"D","status":"Failed"}}')
    assert (parsed.event, parsed.job.number, parsed.job.status) == ("failed", "D", "failed")
