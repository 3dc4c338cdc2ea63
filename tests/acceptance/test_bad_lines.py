"""A broken line is never fatal and never lost, whatever is in it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from place import NOON, Place, event, job

from smsnotify.base.errors import EventError
from smsnotify.events.decode import Decoder
from smsnotify.rules.load import load_rules

GOOD = json.dumps(event()).encode()
PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


def _kept(place: Place, name: str = "events.jsonl") -> list[dict[str, Any]]:
    path = place / f"{name}.rejected.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _raw(row: dict[str, Any]) -> bytes:
    if "raw" in row:
        return str(row["raw"]).encode()
    return base64.b64decode(row["raw_base64"])


def _deep(levels: int) -> bytes:
    return b'{"event":"completed","job":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


def _wrong(**fields: object) -> bytes:
    return json.dumps(event(**fields)).encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"hello", "not_json"),
        (b'{"event": "completed", "job": {', "not_json"),
        (b"{'event': 'completed'}", "not_json"),
        (b"7", "not_an_object"),
        (b'"completed"', "not_an_object"),
        (b"null", "not_an_object"),
        (b'[{"do_number": "DO-1"}, 7]', "not_an_object"),
        (b'{"event": "completed"}', "no_job"),
        (b'{"event": "completed", "job": "DO-1"}', "no_job"),
        (b'{"event": "completed", "job": {"phone_number": "91230001"}}', "no_identity"),
        (b'{"event": "exploded", "job": {"do_number": "DO-1"}}', "unknown_event"),
        (b'{"event": 7, "job": {"do_number": "DO-1"}}', "unknown_event"),
        (_wrong()[:-1] + b', "time": "yesterday"}', "unreadable_time"),
        (b'{"event": "completed", "job": {"do_number": "\xff\xfe"}}', "not_utf8"),
        (_wrong(phone_number={"mobile": "91230001"}), "wrong_type"),
        (_wrong(do_number=["DO-1"]), "wrong_type"),
        (_deep(100_000), "too_deep"),
        (_wrong(remarks="x" * (1 << 20)), "too_long"),
        (b"\x00" * 10, "not_json"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_broken_line_is_kept_with_its_number_and_reason(
    place: Place, line: bytes, reason: str
) -> None:
    file = place.events(GOOD, line, _wrong(id="other"), json.dumps(event(number=2)).encode())
    done = place.process(file)
    assert (done.code, done.summary["sent"], done.summary["rejected"]) == (1, 2, 1)
    (told,) = done.only("rejected")
    assert (told["source"], told["line"], told["reason"]) == ("events.jsonl", 2, reason)
    (kept,) = _kept(place)
    assert {name: kept[name] for name in told} == told
    assert _raw(kept) == line[: (1 << 20) + 1]
    assert (place / "events.jsonl.rejected.jsonl").stat().st_mode & 0o777 == 0o600


def test_no_value_of_a_line_is_repeated_on_the_screen(place: Place) -> None:
    secret = b'{"event": "completed", "job": {"do_number": ["+6591234567 secret-word"]}}'
    done = place.run("process", place.events(secret))
    assert "secret-word" not in done.out + done.err
    assert "91234567" not in done.out + done.err


def test_many_broken_lines_are_told_shortly_and_kept_all(place: Place) -> None:
    done = place.run("process", place.events(*[b"no"] * 5000))
    assert done.code == 1
    assert len(done.err.splitlines()) == 12
    assert "… and more" in done.err
    assert "5,000 lines rejected: see events.jsonl.rejected.jsonl" in done.err
    assert [row["line"] for row in _kept(place)] == list(range(1, 5001))


def test_csv_rows_that_are_no_jobs_are_kept_too(place: Place) -> None:
    (place / "jobs.csv").write_bytes(
        b"do_number,status,phone_number\nDO-1,completed,91230001\n,completed,91230002\n"
    )
    done = place.process("jobs.csv")
    assert (done.code, done.summary["sent"], done.summary["rejected"]) == (1, 1, 1)
    assert done.only("rejected")[0]["line"] == 3


def test_an_older_file_of_rejected_lines_becomes_private(place: Place) -> None:
    kept = place / "events.jsonl.rejected.jsonl"
    kept.write_text("old\n")
    kept.chmod(0o644)
    place.process(place.events(b"no"))
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [row["raw"] for row in _kept(place)] == ["no"]


def test_a_file_name_that_is_no_text_is_no_trouble(place: Place) -> None:
    name = "caf\udce9.jsonl"
    try:
        (place / name).write_bytes(b"no\n")
    except (OSError, UnicodeEncodeError):
        name = "café.jsonl"
        (place / name).write_bytes(b"no\n")
    with place.child("process", name, "--json") as child:
        out, err = child.communicate(timeout=60)
    assert (child.returncode, b"Traceback" in err) == (1, False)
    assert json.loads(out.splitlines()[0])["line"] == 1
    assert len(_kept(place, name)) == 1


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["event", "job", "id", "time", "do_number", "data", "type", "date"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
_fields = st.sampled_from([*job(), "status", "attempt", "milestones", "remarks", "time_zone"])


@st.composite
def _mutants(draw: st.DrawFn) -> bytes:
    """An event with something wrong in one place, or cut, or with foreign bytes in it."""
    made = event(number=draw(st.integers(1, 9)))
    target = draw(st.sampled_from([made, made["job"]]))
    target[draw(_fields | st.sampled_from(["event", "job", "id", "time"]))] = draw(_values)
    line = json.dumps(made).encode("utf-8", "surrogatepass")
    at = draw(st.integers(0, len(line)))
    return draw(st.sampled_from([line, line[:at], line[:at] + draw(st.binary()) + line[at:]]))


_lines = st.one_of(
    st.binary(max_size=60),
    _values.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    _mutants(),
    st.just(GOOD),
    st.sampled_from([b"", b" ", b"\r", b"[]", b"{}", b"\xef\xbb\xbf", _deep(5000)]),
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lines=st.lists(_lines.map(lambda line: line.replace(b"\n", b"")), max_size=8))
def test_whatever_the_lines_are_every_one_is_an_event_or_kept(
    place: Place, lines: list[bytes]
) -> None:
    place.events(GOOD, *lines)  # the first line says that this is a file of lines
    kept_file = place / "events.jsonl.rejected.jsonl"
    kept_file.unlink(missing_ok=True)
    done = place.process("events.jsonl")
    rules = load_rules([place / "rules.yaml"], country="SG")
    decode = Decoder(rules.job_type).decode
    refused = {}
    for number, line in enumerate([GOOD, *lines], start=1):
        try:
            decode(line.removesuffix(b"\r"))
        except EventError as error:
            refused[number] = error.reason
    kept = _kept(place) if kept_file.exists() else []
    assert {row["line"]: row["reason"] for row in kept} == refused
    for row in kept:
        assert _raw(row) == lines[row["line"] - 2].removesuffix(b"\r")
    assert done.summary["rejected"] == len(refused) == len(done.only("rejected"))
    summary = done.summary
    assert summary["matched"] == sum(
        summary[name] for name in ("queued", "held", "duplicates", "stopped")
    )
    assert len(done.only("decision")) == summary["matched"]
    needs_a_look = refused or summary["stops"].keys() & {"missing_value", "too_long"}
    assert done.code == int(bool(needs_a_look))


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_whatever_a_file_is_it_ends_in_order(place: Place, content: bytes) -> None:
    (place / "any").write_bytes(content)
    done = place.run("process", "any", "--json", as_of=NOON)
    assert done.code in ((2, 3) if content.startswith(PACKED) else (0, 1))
    if done.code in (0, 1):
        assert done.summary["rejected"] == len(done.only("rejected"))
    assert place.run("preview", "any", "--json", as_of=NOON).code == done.code
