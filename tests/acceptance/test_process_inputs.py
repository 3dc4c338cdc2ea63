"""Every kind of input comes in by the same door and is told apart by itself."""

from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path

import pytest
import zstandard
from place import NOON, Place, event, job


def _packed(name: str, raw: bytes) -> bytes:
    if name.endswith(".gz"):
        return gzip.compress(raw)
    return zstandard.compress(raw) if name.endswith(".zst") else raw


LINES = b"".join(json.dumps(event(number=number)).encode() + b"\n" for number in (1, 2))
ARRAY = json.dumps([event(number=1), event(number=2)], indent=2).encode()
ONE_EACH_PRETTY = b"\n".join(json.dumps(event(number=n), indent=1).encode() for n in (1, 2))
CSV = (
    b"do_number,date,status,phone_number,Deliver To,deliver_to_collect_from\r\n"
    b"DO-1,2026-03-02,completed,91230001,,Mei\r\n"
    b'DO-2,2026-03-02,completed,"91230002",,"Tan, Mei"\r\n'
)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.jsonl", LINES),
        ("a.jsonl.gz", LINES),
        ("a.jsonl.zst", LINES),
        ("a.json", ARRAY),
        ("a.json.gz", ARRAY),
        ("pretty.json", ONE_EACH_PRETTY),
        ("a.csv", CSV),
        ("a.csv.zst", CSV),
        ("bom.jsonl", b"\xef\xbb\xbf" + LINES),
        ("windows.jsonl", LINES.replace(b"\n", b"\r\n")),
        ("blank.jsonl", b"\n\n" + LINES.replace(b"\n", b"\n \n")),
        ("unended.jsonl", LINES.rstrip()),
        ("no-ending-in-its-name", LINES),
    ],
)
def test_a_file_is_read_whatever_it_is_written_in(place: Place, name: str, raw: bytes) -> None:
    (place / name).write_bytes(_packed(name, raw))
    done = place.process(name)
    assert done.code == 0, done.err
    assert (done.summary["events"], done.summary["sent"]) == (2, 2)
    assert sorted(row["recipient"] for row in place.outbox()) == ["+6591230001", "+6591230002"]
    assert not (place / f"{name}.rejected.jsonl").exists()


@pytest.mark.parametrize("args", [["-"], []])
def test_standard_input_is_an_input_too(place: Place, args: list[str]) -> None:
    assert place.process(*args, stdin=LINES).summary["sent"] == 2
    assert place.process(*args, stdin=gzip.compress(ARRAY)).summary["duplicates"] == 2


def test_several_files_are_one_run(place: Place) -> None:
    one = place.events(event(number=1), b"[", name="one.jsonl")
    two = place.events(event(number=2), event(number=1), name="two.jsonl")
    done = place.process(one, two)
    assert (done.summary["sent"], done.summary["duplicates"], done.summary["rejected"]) == (2, 1, 1)
    assert (place / "one.jsonl.rejected.jsonl").exists()
    assert not (place / "two.jsonl.rejected.jsonl").exists()


def test_every_format_is_told_apart_line_by_line(place: Place) -> None:
    cloud = {
        "specversion": "1.0",
        "id": "c",
        "source": "/x",
        "type": "job.completed",
        "data": job(2),
    }
    bare = job(3, status="completed")
    first_version = {"id": "v1", "do": "DO-4", "date": "2026-03-02", "phone": "91230004"}
    file = place.events(event(), cloud, bare, [event(number=5), event(number=6)], first_version)
    done = place.process(file)
    assert (done.code, done.summary["sent"]) == (0, 5)


@pytest.mark.parametrize(
    ("format", "sent", "rejected"), [("native", 1, 2), ("cloudevents", 1, 2), ("detrack", 1, 0)]
)
def test_a_format_can_be_forced(place: Place, format: str, sent: int, rejected: int) -> None:
    cloud = {
        "specversion": "1.0",
        "id": "c",
        "source": "/x",
        "type": "job.completed",
        "data": job(2),
    }
    file = place.events(event(), cloud, job(3, status="completed"))
    done = place.process("--format", format, file)
    assert done.code == (1 if rejected else 0)
    assert (done.summary["sent"], done.summary["rejected"]) == (sent, rejected)


def test_a_snapshot_tells_what_happened_since_the_last_one(place: Place) -> None:
    place.process(place.events(job(status="dispatched", assign_to="Van 3")))
    done = place.process(place.events(job(status="completed", assign_to="Van 3")))
    assert [row["event"] for row in done.only("decision")] == ["completed"]
    again = place.process(place.events(job(status="completed", assign_to="Van 3")))
    assert again.summary["events"] == 0
    assert "tells nothing new" in again.err


def test_an_empty_file_is_said_to_be_empty(place: Place) -> None:
    for name, raw in (("empty.jsonl", b""), ("empty.jsonl.gz", gzip.compress(b"")), ("e.csv", b"")):
        (place / name).write_bytes(raw)
        done = place.process(name)
        assert (done.code, done.summary["events"]) == (0, 0)
        assert f"{name} is empty" in done.err
    assert "- is empty" in place.process("-", stdin=b"").err


def test_following_reads_on_until_the_writer_ends(place: Place) -> None:
    done = place.process("--follow", "-", stdin=LINES + b"{\n")
    assert (done.code, done.summary["sent"], done.summary["rejected"]) == (1, 2, 1)


def test_following_a_growing_file_sends_each_event_as_it_comes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = place / "growing.jsonl"
    file.write_bytes(b"")
    left = [
        json.dumps(event(number=1)).encode() + b"\n",
        json.dumps(event(number=2)).encode()[:20],
        json.dumps(event(number=2)).encode()[20:] + b"\n",
        b"no event\n",
    ]
    outbox: list[int] = []

    def nothing_new() -> bool:
        """The writer's turn; at last Ctrl-C."""
        from smsnotify.store.open import open_store

        with open_store(f"sqlite:///{place / 'sms-notify.db'}") as store:
            outbox.append(sum(store.stats().states.values()))
        if not left:
            raise KeyboardInterrupt
        with file.open("ab") as writer:
            writer.write(left.pop(0))
        return True

    monkeypatch.setattr("smsnotify.events.follow._sleep", nothing_new)
    done = place.process("--follow", "growing.jsonl")
    assert done.code == 130
    assert outbox == [0, 1, 1, 2, 2]
    assert (done.summary["sent"], done.summary["rejected"]) == (2, 1)
    assert "interrupted after line 3 of growing.jsonl; nothing is lost" in done.err
    assert place.process("growing.jsonl").summary["duplicates"] == 2


def test_following_can_only_queue(place: Place) -> None:
    done = place.process("--follow", "--queue-only", "-", stdin=LINES)
    assert (done.code, done.summary["queued"], done.summary["sent"]) == (0, 2, 0)


def test_a_pipe_is_read_once_and_its_rejected_lines_stand_in_the_working_folder(
    place: Place,
) -> None:
    pipe = place / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(LINES + b"broken\n",))
    writer.start()
    done = place.process("pipe")
    writer.join()
    assert (done.code, done.summary["sent"]) == (1, 2)
    (kept,) = place.folder.glob("pipe-*.rejected.jsonl")
    assert kept.name == "pipe-20260302T040000.rejected.jsonl"


def test_rejected_lines_of_standard_input_never_replace_older_ones(place: Place) -> None:
    place.process("-", stdin=b"one\n")
    place.process("-", stdin=b"two\n")
    kept = sorted(place.folder.glob("stdin-*.rejected.jsonl"))
    assert [path.name for path in kept] == [
        "stdin-20260302T040000-2.rejected.jsonl",
        "stdin-20260302T040000.rejected.jsonl",
    ]
    assert [json.loads(path.read_text())["raw"] for path in kept] == ["two", "one"]


def test_the_last_of_several_files_is_missing_and_nothing_is_done(place: Place) -> None:
    (place / "sms-notify.db").unlink()
    done = place.process(place.events(event()), "missing.jsonl")
    assert (done.code, done.out) == (2, "")
    assert "missing.jsonl does not exist" in done.err
    assert not (place / "sms-notify.db").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--follow", "a", "b"], "--follow takes one input"),
        (["--follow", "--dry-run", "a"], "is no dry run"),
        (["--workers", "2", "a"], "--workers is for a dry run"),
        (["--format", "xml", "a"], "--format 'xml' is none"),
        (["--as-of", "yesterday", "a"], "is no time"),
        (["--as-of", "0001-01-01T00:00:00+14:00", "a"], "is no time"),
        (["--as-of", "9999-12-31T23:59:59-12:00", "a"], "is no time"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_read(
    bare: Place, args: list[str], said: str
) -> None:
    bare.settings()
    bare.rules()
    bare.events(name="a")
    bare.events(name="b")
    done = bare.run("process", *args)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert not (bare / "sms-notify.db").exists()


def test_broken_packing_gives_what_came_before_it_and_stops_with_3(place: Place) -> None:
    numbers = range(1, 1001)
    raw = b"".join(json.dumps(event(number=number)).encode() + b"\n" for number in numbers)
    (place / "cut.jsonl.gz").write_bytes(gzip.compress(raw)[:-1000])
    done = place.process("cut.jsonl.gz")
    assert done.code == 3
    assert "is broken gzip" in done.err
    assert 0 < done.summary["events"] < 1000
    assert done.summary["sent"] == done.summary["events"]
    assert done.summary["rejected"] <= 1  # the line that was torn
    (place / "cut.jsonl.gz").write_bytes(gzip.compress(raw))
    whole = place.process("cut.jsonl.gz")
    assert whole.summary["sent"] + whole.summary["duplicates"] == 1000


def test_packing_that_was_never_good_ends_with_2(place: Place) -> None:
    (place / "bad.gz").write_bytes(b"\x1f\x8b" + bytes(50))
    done = place.process("bad.gz")
    assert (done.code, done.out) == (2, "")


def test_the_example_does_what_the_readme_shows(
    place: Place, request: pytest.FixtureRequest
) -> None:
    root = Path(request.config.rootpath)
    rules = str(root / "rules.example.yaml")
    example = (root / "examples" / "events.jsonl").read_bytes()
    (place / "events.jsonl").write_bytes(example)
    done = place.process("--rules", rules, "events.jsonl", as_of="2026-03-02T15:00:00+08:00")
    assert done.code == 1
    assert done.summary["sent"] > 10
    assert done.summary["rejected"] == 1
    assert {"doubtful_number", "landline", "missing_value"} & done.summary["stops"].keys()
    again = place.process("--rules", rules, "events.jsonl", as_of="2026-03-02T15:00:00+08:00")
    assert again.summary["sent"] == 0


def test_a_dry_run_in_two_processes_counts_the_same(place: Place) -> None:
    lines = [event(number=number % 30) for number in range(50)]
    file = place.events(*lines, b"no event", event("failed", 99))
    one = place.run("process", "--dry-run", file, as_of=NOON)
    two = place.run("process", "--dry-run", "--workers", "2", file, as_of=NOON)
    assert (two.code, two.out) == (one.code, one.out) == (1, one.out)
    assert "duplicates       20" in one.out
