"""Lines to events: native lines, bare snapshots, and every reason to refuse one."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import EventError
from smsnotify.events.decode import MAX_LINE, Decoder, Parsed, job_snapshot
from smsnotify.events.shapes import FORMATS
from smsnotify.model.job import Job, Scalar

RuleJob: type[Job] = msgspec.defstruct(  # type: ignore[assignment]
    "RuleJob",
    [("phone_number", Scalar, None), ("deliver_to_collect_from", Scalar, None)],
    bases=(Job,),
    frozen=True,
    kw_only=True,
    gc=False,
)
JOB = {"do_number": "DO-77", "date": "2026-03-02", "phone_number": "91230000"}


def line(value: object) -> bytes:
    return json.dumps(value).encode()


def native(**more: object) -> dict[str, object]:
    return {"event": "completed", "job": JOB, **more}


def decode(value: object, **options: object) -> list[Parsed]:
    data = value if isinstance(value, bytes) else line(value)
    return Decoder(RuleJob, **options).decode(data)  # type: ignore[arg-type]


def refusal(value: object, **options: object) -> EventError:
    with pytest.raises(EventError) as caught:
        decode(value, **options)
    return caught.value


def test_native_line_gives_event_job_id_and_time() -> None:
    [parsed] = decode(native(id="e-1", time="2026-03-02T14:44:10+08:00"))
    assert parsed.event == "completed"
    assert parsed.job.number == "DO-77"
    assert parsed.job.phone_number == "91230000"  # type: ignore[attr-defined]
    assert parsed.id == "e-1"
    assert parsed.time == datetime(2026, 3, 2, 6, 44, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        b'{"job":{"do_number":"DO-77"},"event":"failed"}',
        b'  {  "id" : "x", "event" : "failed", "job" : {"do_number":"DO-77"} }  \r',
        b'\xef\xbb\xbf{"event":"failed","job":{"do_number":"DO-77"}}',
        b'{"job":{"do_number":"DO-77","remarks":"' + b"x" * 300 + b'"},"event":"failed"}',
    ],
)
def test_native_line_is_known_by_its_keys_wherever_they_stand(text: bytes) -> None:
    [parsed] = decode(text)
    assert (parsed.event, parsed.job.number) == ("failed", "DO-77")


def test_native_line_needs_neither_id_nor_time() -> None:
    [parsed] = decode(native())
    assert (parsed.id, parsed.time) == ("", None)
    [parsed] = decode(native(id=None, time=None))
    assert (parsed.id, parsed.time) == ("", None)
    [parsed] = decode(native(time=""))
    assert parsed.time is None


def test_event_id_may_be_a_whole_number() -> None:
    assert decode(native(id=42))[0].id == "42"


@pytest.mark.parametrize("identifier", [True, 1.5, {"a": 1}, ["a"]])
def test_event_id_of_another_type_is_refused(identifier: object) -> None:
    assert refusal(native(id=identifier)).reason == "wrong_type"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Completed", "completed"),
        ("Heading to", "heading_to"),
        ("  heading-to ", "heading_to"),
        ("Pre-job", "pre_job"),
        ("Partially Completed", "completed_partial"),
        ("Cancel heading to", "heading_to_cancelled"),
        ("In progress", "out_for_delivery"),
        ("Cold chain broken", "cold_chain_broken"),
    ],
)
def test_event_names_are_read_in_every_spelling(written: str, name: str) -> None:
    [parsed] = decode(native(event=written), custom_events=["cold_chain_broken"])
    assert parsed.event == name


def test_unknown_event_is_refused_with_the_nearest_name() -> None:
    error = refusal(native(event="complete"))
    assert error.reason == "unknown_event"
    assert error.hint == "did you mean 'completed'?"
    assert "complete" not in error.message
    assert "custom_events" in refusal(native(event="zzz")).hint


@pytest.mark.parametrize("event", [None, 5, "", " "])
def test_event_without_a_readable_name_is_refused(event: object) -> None:
    assert refusal(native(event=event)).reason == "unknown_event"


def test_job_without_an_event_name_is_refused() -> None:
    assert refusal({"job": JOB}).reason == "unknown_event"


@pytest.mark.parametrize("job", [None, "DO-77", 5, [JOB]])
def test_event_without_a_job_object_is_refused(job: object) -> None:
    assert refusal(native(job=job)).reason == "no_job"


def test_event_beside_the_fields_of_a_job_is_refused() -> None:
    assert refusal({"event": "completed", **JOB}).reason == "no_job"
    assert refusal({**JOB, "note": "x" * 300, "event": "completed"}).reason == "no_job"


@pytest.mark.parametrize("job", [{}, {"id": None, "do_number": ""}, {"do_number": " \t"}])
def test_job_that_nothing_identifies_is_refused(job: object) -> None:
    assert refusal(native(job=job)).reason == "no_identity"


@pytest.mark.parametrize("job", [{"id": "65f"}, {"do_number": 0}, {"do_number": "!"}, {"id": 7}])
def test_job_with_any_identity_is_taken(job: object) -> None:
    assert decode(native(job=job))[0].event == "completed"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-02T06:44:10Z", datetime(2026, 3, 2, 6, 44, 10)),
        ("2026-03-02T14:44:10.5+08:00", datetime(2026, 3, 2, 6, 44, 10, 500000)),
        ("2026-03-02T06:44:10", datetime(2026, 3, 2, 6, 44, 10)),
        ("2026-03-02 14:44:10 +0800", datetime(2026, 3, 2, 6, 44, 10)),
        ("20260302T064410Z", datetime(2026, 3, 2, 6, 44, 10)),
        (1772433850, datetime(2026, 3, 2, 6, 44, 10)),
        (1772433850.5, datetime(2026, 3, 2, 6, 44, 10, 500000)),
        (1772433850000, datetime(2026, 3, 2, 6, 44, 10)),
        ("1772433850", datetime(2026, 3, 2, 6, 44, 10)),
        ("1772433850000", datetime(2026, 3, 2, 6, 44, 10)),
    ],
)
def test_time_is_read_in_every_usual_form(written: object, expected: datetime) -> None:
    [parsed] = decode(native(time=written))
    assert parsed.time == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        *("yesterday", "14:44", "2026-03-02", "2026-13-02T06:44:10Z", "0001-01-01T00:00:00+14:00"),
        *("9999-12-31T23:59:59-12:00", True, [1], {"at": 1}, 1e30, -5, "1969-12-31T23:59:59Z"),
        *("2026-03-02T25:00", "\uff11" * 10),
    ],
)
def test_unreadable_time_is_refused(written: object) -> None:
    assert refusal(native(time=written)).reason == "unreadable_time"


def test_blank_line_holds_nothing() -> None:
    assert [decode(text) for text in (b"", b"  ", b"\r", b"[]")] == [[], [], [], []]


def test_bare_snapshot_has_no_event_name() -> None:
    [parsed] = decode({**JOB, "status": "failed"})
    assert (parsed.event, parsed.job.status, parsed.id, parsed.time) == (None, "failed", "", None)


def test_bare_snapshot_is_known_by_its_id_alone() -> None:
    [parsed] = decode({"id": "65f", "status": "failed"})
    assert (parsed.event, parsed.job.id) == (None, "65f")


def test_array_on_a_line_holds_every_entry_in_order() -> None:
    parsed = decode([native(), JOB, native(event="failed")])
    assert [one.event for one in parsed] == ["completed", None, "failed"]


def test_one_wrong_entry_refuses_the_array() -> None:
    error = refusal([native(), 5])
    assert (error.reason, error.message) == (
        "not_an_object",
        "entry [1] is JSON, but not an object",
    )


@pytest.mark.parametrize("text", [b"{", b"hello", b"{'a':1}", b'{"a":1}}', b'{"a":NaN}', b"\x00"])
def test_line_that_is_no_json_is_refused(text: bytes) -> None:
    assert refusal(text).reason == "not_json"


@pytest.mark.parametrize("text", [b"5", b'"text"', b"null", b"true"])
def test_json_that_is_no_object_is_refused(text: bytes) -> None:
    assert refusal(text).reason == "not_an_object"


@pytest.mark.parametrize("value", [{}, {"foo": 1}, {"a": {"b": 2}}])
def test_object_without_a_field_of_a_job_is_refused(value: object) -> None:
    assert refusal(value).reason == "no_job"


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (native(job={**JOB, "phone_number": {"a": "secret"}}), "job.phone_number"),
        ({**JOB, "phone_number": ["secret"]}, "phone_number"),
        (native(job={**JOB, "milestones": [{"status": []}]}), "job.milestones[0].status"),
        (native(job={**JOB, "milestones": "secret"}), "job.milestones"),
        ([JOB, native(job={**JOB, "date": {}})], "[1].job.date"),
    ],
)
def test_wrong_type_names_the_field_and_no_value(value: object, where: str) -> None:
    error = refusal(value)
    assert error.reason == "wrong_type"
    assert where in error.message
    assert "secret" not in error.message + error.hint


def test_wrong_type_in_a_field_that_nobody_reads_is_no_matter() -> None:
    assert decode(native(job={**JOB, "weight": {"kg": 1}}))[0].event == "completed"


def test_bytes_that_are_no_utf8_are_refused_only_where_they_are_read() -> None:
    read = b'{"event":"failed","job":{"do_number":"DO-77","phone_number":"\xff"}}'
    unread = b'{"event":"failed","job":{"do_number":"DO-77","remarks":"\xff"}}'
    error = refusal(read)
    assert (error.reason, error.message) == ("not_utf8", "job.phone_number is not UTF-8")
    assert decode(unread)[0].event == "failed"
    late = unread.replace(b'"failed"', b'"failed","time":"2026-03-02T06:44:10"')
    assert decode(late)[0].time == datetime(2026, 3, 2, 6, 44, 10, tzinfo=UTC)
    assert refusal(unread.replace(b'"job"', b'"id":"\xff","job"')).reason == "not_utf8"


def test_half_of_a_surrogate_pair_is_refused_only_where_it_is_read() -> None:
    assert refusal(native(job={**JOB, "phone_number": "\ud83d"})).reason == "not_utf8"
    milestone = {"status": "\ud83d", "created_at": None}
    assert refusal(native(job={**JOB, "milestones": [milestone]})).reason == "not_utf8"
    assert decode(native(job={**JOB, "remarks": "\ud83d"}))[0].event == "completed"


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 500, "9" * 5000, str(2**64)])
def test_number_that_no_machine_type_holds_costs_nothing_where_it_is_not_read(number: str) -> None:
    text = f'{{"event":"failed","time":1772433850,"job":{{"do_number":"D","weight":{number}}}}}'
    assert decode(text.encode())[0].event == "failed"
    assert job_snapshot(text.encode()).startswith(b'{"do_number":"D"')


@pytest.mark.parametrize("digits", [30, 500, 5000])
@pytest.mark.parametrize("time", ["", '"time":1772433850,'])
def test_endless_number_is_taken_where_it_is_read(digits: int, time: str) -> None:
    number = "9" * digits
    text = f'{{"event":"failed",{time}"job":{{"do_number":"D","phone_number":{number}}}}}'
    [parsed] = decode(text.encode())
    assert str(parsed.job.phone_number) == number  # type: ignore[attr-defined]
    assert number.encode() in job_snapshot(text.encode())
    assert number.encode() in job_snapshot(f"[{text}]".encode())


@pytest.mark.parametrize("opening", [b"[", b'{"job":', b'{"event":"failed","job":{"x":['])
def test_nesting_that_breaks_the_decoder_is_refused(opening: bytes) -> None:
    assert refusal(opening * 20000).reason == "too_deep"


def test_nesting_at_the_edge_of_the_decoder_is_read_or_refused() -> None:
    job_type: Any = msgspec.defstruct(
        "DeepJob", [("items", Any, None)], bases=(Job,), frozen=True, kw_only=True
    )
    decoder = Decoder(job_type)
    outcomes = set()
    for depth in range(700, 1000, 3):
        deep = b"[" * depth + b"]" * depth
        for text in (
            b'{"event":"failed","time":1772433850,"job":{"do_number":"D","items":' + deep + b"}}",
            b'{"event":"failed","job":{"do_number":"D","x":"\xff","items":' + deep + b"}}",
            b'{"do_number":"D","items":' + deep + b"}",
        ):
            try:
                decoder.decode(text)
                outcomes.add("read")
            except EventError as error:
                outcomes.add(error.reason)
            assert job_snapshot(text).startswith((b'{"do_number":"D"', b"{}"))
    assert "read" in outcomes
    assert outcomes <= {"read", "too_deep"}


def test_snapshot_of_a_line_that_cannot_be_read_is_an_empty_object() -> None:
    assert job_snapshot(b"nonsense") == job_snapshot(b"[" * 20000) == b"{}"


def test_decoder_that_runs_out_of_stack_says_too_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(msgspec, "convert", exhausted)
    assert refusal(native(time=1772433850)).reason == "too_deep"


def test_line_over_one_mebibyte_is_refused() -> None:
    text = line(native())
    assert decode(text.ljust(MAX_LINE))[0].event == "completed"
    assert refusal(text.ljust(MAX_LINE + 1)).reason == "too_long"


def test_format_forces_one_reading() -> None:
    cloud = {"specversion": "1.0", "type": "job.failed", "id": "1", "source": "/x", "data": JOB}
    assert decode(native(), format="native")[0].event == "completed"
    assert decode(cloud, format="cloudevents")[0].event == "failed"
    assert decode({**JOB, "event": "a custom field"}, format="detrack")[0].event is None
    assert refusal(JOB, format="native").reason == "no_job"
    assert refusal(JOB, format="cloudevents").reason == "unknown_event"
    assert refusal(native(), format="detrack").reason == "no_job"
    with pytest.raises(ValueError, match="format is one of"):
        Decoder(format="xml")


def test_a_rule_may_read_a_field_called_event() -> None:
    job_type: Any = msgspec.defstruct(
        "EventJob", [("event", Scalar, None)], bases=(Job,), frozen=True, kw_only=True
    )
    [parsed] = Decoder(job_type).decode(line(native(job={**JOB, "event": "expo"})))
    assert parsed.job.event == "expo"  # type: ignore[attr-defined]


def test_snapshot_is_the_job_as_compact_json() -> None:
    text = line(native())
    assert (
        job_snapshot(text) == b'{"do_number":"DO-77","date":"2026-03-02","phone_number":"91230000"}'
    )
    assert job_snapshot(line(JOB)) == job_snapshot(text)
    assert job_snapshot(line([native(), {"id": "a", "z": 1}]), 1) == b'{"id":"a","z":1}'
    assert job_snapshot(text, format="native") == job_snapshot(text)
    assert job_snapshot(line({"event": "failed", "job": {"id": "a"}})) == b'{"id":"a"}'


def test_snapshot_of_a_cloud_event_is_its_job() -> None:
    cloud = {"specversion": "1.0", "type": "job.failed", "id": "1", "source": "/x", "data": JOB}
    assert job_snapshot(line(cloud)) == job_snapshot(line(JOB))


def test_snapshot_of_bytes_that_are_no_utf8_is_clean() -> None:
    text = b'{"event":"failed","job":{"do_number":"D","remarks":"\xff","n":"\\ud83d"}}'
    assert json.loads(job_snapshot(text)) == {"do_number": "D", "remarks": "?", "n": "?"}


def test_snapshot_has_version_2_names() -> None:
    assert json.loads(job_snapshot(b'{"do":"D-1","phone":"9123","status":"Delivered"}')) == {
        "do_number": "D-1",
        "phone_number": "9123",
        "status": "completed",
    }


DECODERS = {name: Decoder(RuleJob, format=name) for name in FORMATS}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("event", "job", "id", "time", "data", "json", "specversion", "type"),
                    *("do", "do_number", "status", "milestones"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_events_or_one_kind_of_error(data: bytes) -> None:
    for format_, decoder in DECODERS.items():
        try:
            parsed = decoder.decode(data)
        except EventError:
            continue
        for index, one in enumerate(parsed):
            assert isinstance(one.job, RuleJob)
            assert isinstance(json.loads(job_snapshot(data, index, format_)), dict)


@settings(max_examples=60, deadline=None)
@given(JSON, st.integers(0, 200), st.binary(max_size=3))
def test_damaged_lines_give_events_or_one_kind_of_error(
    value: object, at: int, noise: bytes
) -> None:
    data = json.dumps(native(extra=value)).encode()
    damaged = data[:at] + noise + data[at + 1 :]
    with contextlib.suppress(EventError):
        assert all(isinstance(one, Parsed) for one in DECODERS["auto"].decode(damaged))


@settings(max_examples=50, deadline=None)
@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)),
    st.integers(min_value=-720, max_value=720),
)
def test_time_is_the_same_in_every_offset(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=UTC)
    elsewhere = aware.astimezone(timezone(timedelta(minutes=minutes)))
    assert decode(native(time=elsewhere.isoformat()))[0].time == aware
