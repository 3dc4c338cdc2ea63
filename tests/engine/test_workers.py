"""A dry run in several processes counts what one process counts."""

from __future__ import annotations

from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import msgspec
import pytest

from smsnotify.engine import workers as parallel
from smsnotify.engine.workers import Job, dry_run_in_parallel, pick
from smsnotify.model.facts import Policy

RULES = """
version: 1
rules:
  - name: delivered
    events: [completed, failed]
    to: {fields: [phone_number]}
    body: "Hi {{ deliver_to_collect_from }}, {{ do_number }}"
"""


def line(number: int, *, event: str = "completed", **fields: object) -> bytes:
    job = {
        "id": f"id{number}",
        "do_number": f"DO-{number}",
        "phone_number": f"+659123{number % 10000:04d}",
        "deliver_to_collect_from": "Mei",
    } | fields
    return msgspec.json.encode({"event": event, "job": job}) + b"\n"


def work(folder: Path, lines: list[bytes], workers: int) -> dict[str, object]:
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    job = Job(
        source=str(folder / "events.jsonl"),
        rules=(folder / "rules.yaml",),
        policy=Policy(country="SG"),
        database=f"sqlite:///{folder / 'none.db'}",
        at=datetime(2026, 3, 2, 6, tzinfo=UTC),
    )
    return dry_run_in_parallel(job, workers).as_json()


@pytest.mark.parametrize(("workers", "start"), [(2, ""), (3, ""), (2, "spawn")])
def test_several_processes_count_what_one_counts(
    tmp_path: Path, workers: int, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if start:
        monkeypatch.setattr(parallel, "_context", lambda: get_context(start))
    lines = [line(n % 40) for n in range(120)]
    lines += [line(n, phone_number="abc") for n in range(100, 110)]
    lines += [b"junk\n", b"\n", b'{"event": "completed"}\n']
    told = work(tmp_path, lines, workers)
    assert told == work(tmp_path, lines, 1)
    assert (told["queued"], told["duplicates"], told["rejected"]) == (40, 80, 2)


def odd_line(text: str) -> bytes:
    return text.encode() + b"\n"


@pytest.mark.parametrize(
    "odd",
    [
        odd_line('{"event":"completed","job":{"id":"id1","phone_number":"+6591230001"}}'),
        line(1, do_number="DO-2"),
        line(1, do_number=" DO-1 "),
        line(1, id=None, do_number=" DO-1"),
        odd_line(
            '{"event":"completed","job":{"do_number":"D\\u004f-1","phone_number":"91230001"}}'
        ),
        odd_line('{"do_number":"x","event":"completed","job":{"do_number":"DO-1"}}'),
        b"[" + b",".join(line(n).strip() for n in range(6)) + b"]\n",
    ],
    ids=[
        *("a job without a number", "a job that changed its number", "blanks around a number"),
        *("no id and blanks", "an escape in a number", "another number first", "several jobs"),
    ],
)
def test_jobs_that_cannot_be_shared_out_are_judged_together(tmp_path: Path, odd: bytes) -> None:
    lines = [line(n) for n in range(20)] + [odd] * 2 + [line(n) for n in range(20)]
    assert work(tmp_path, lines, 2) == work(tmp_path, lines, 1)


def test_every_line_belongs_to_exactly_one_share() -> None:
    lines = [line(n) for n in range(50)] + [b"junk", b'{"do_number": 17}', b'{"do_number":']
    shares = [pick(lines, index, 3) for index in range(3)]
    assert sorted(one for share in shares for one in share) == sorted(lines)
    assert all(shares)


def test_all_lines_of_a_job_are_of_one_share() -> None:
    lines = [line(n, event=event) for n in range(20) for event in ("arrived", "completed")]
    for index in range(2):
        numbers = [msgspec.json.decode(one)["job"]["id"] for one in pick(lines, index, 2)]
        assert len(numbers) == 2 * len(set(numbers))
