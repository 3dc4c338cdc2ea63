"""CloudEvents 1.0 in structured mode."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from smsnotify.base.errors import EventError
from smsnotify.events.decode import Decoder, Parsed

JOB = {"do_number": "DO-77", "status": "completed"}


def envelope(**more: object) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "type": "job.completed",
        "source": "/detrack",
        "id": "ce-1",
        "time": "2026-03-02T06:44:10Z",
        "datacontenttype": "application/json",
        "data": JOB,
        **more,
    }


def decode(value: object) -> Parsed:
    [parsed] = Decoder(custom_events=["parcel_weighed"]).decode(json.dumps(value).encode())
    return parsed


@pytest.mark.parametrize("data", [JOB, {"job": JOB}, json.dumps(JOB), json.dumps({"job": JOB})])
def test_job_is_the_data_or_in_it(data: object) -> None:
    parsed = decode(envelope(data=data))
    assert (parsed.event, parsed.id, parsed.job.number) == ("completed", "ce-1", "DO-77")
    assert parsed.time == datetime(2026, 3, 2, 6, 44, 10, tzinfo=UTC)


def test_data_may_be_in_base64() -> None:
    packed = base64.b64encode(json.dumps(JOB).encode()).decode()
    assert decode(envelope(data=None, data_base64=packed)).job.number == "DO-77"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("job.failed", "failed"),
        ("com.acme.job.heading_to", "heading_to"),
        ("com.acme.job.Heading-To.v1", "heading_to"),
        ("failed", "failed"),
        ("com.acme.parcel_weighed", "parcel_weighed"),
        ("job.updated", None),
        ("com.acme.job.created.v2", None),
    ],
)
def test_event_is_the_last_part_of_the_type(written: str, name: str | None) -> None:
    assert decode(envelope(type=written)).event == name


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"type": None}, "unknown_event"),
        ({"type": "job."}, "unknown_event"),
        ({"type": "job.exploded"}, "unknown_event"),
        ({"data": None}, "no_job"),
        ({"data": [JOB]}, "no_job"),
        ({"data": {"job": 5}}, "no_job"),
        ({"data": {"job": {}}}, "no_identity"),
        ({"data": "hello"}, "not_json"),
        ({"data": None, "data_base64": "***"}, "no_job"),
        ({"data": None, "data_base64": "aGVsbG8="}, "not_json"),
        ({"time": "noon"}, "unreadable_time"),
        ({"data": {**JOB, "date": []}}, "wrong_type"),
    ],
)
def test_broken_envelope_is_refused(more: dict[str, object], reason: str) -> None:
    with pytest.raises(EventError) as caught:
        decode(envelope(**more))
    assert caught.value.reason == reason


def test_batch_is_an_array_of_envelopes() -> None:
    line = json.dumps([envelope(), envelope(type="job.failed", id="ce-2")]).encode()
    assert [(one.event, one.id) for one in Decoder().decode(line)] == [
        ("completed", "ce-1"),
        ("failed", "ce-2"),
    ]
    bad = json.dumps([envelope(), envelope(data={**JOB, "date": []})]).encode()
    with pytest.raises(EventError, match=r"\[1\]\.data\.date"):
        Decoder().decode(bad)
