"""`prejob`: reminders before a job's day, from cron, whenever cron really runs."""

from __future__ import annotations

import json

import pytest
from loopback import Loopback
from place import Place, event, job

RULES = """
version: 1
defaults: {tracking_link: none}
rules:
  - name: tomorrow
    events: [pre_job]
    pre_job: {days_before: 1, at: "18:00"}
    to: {fields: [phone_number]}
    body: "{{ do_number }} comes on {{ date }}."
"""
EVENING = "2026-03-02T18:00:30+08:00"


@pytest.fixture
def desk(place: Place, eight: Loopback) -> Place:
    """A live desk with one reminder and a job for tomorrow."""
    place.rules(RULES)
    place.process(place.events(event("info_received", 1, date="2026-03-03")))
    return place


def _run(place: Place, as_of: str = EVENING, *args: str) -> dict[str, object]:
    return place.json("prejob", "run", *args, as_of=as_of).summary


def test_a_reminder_leaves_at_its_moment_and_once(desk: Place, eight: Loopback) -> None:
    assert _run(desk, "2026-03-02T17:59:59+08:00")["matched"] == 0
    assert _run(desk)["sent"] == 1
    assert _run(desk)["matched"] == 0
    assert [row["text"] for row in eight.sent] == ["DO-1 comes on 2026-03-03."]


def test_what_is_coming_is_listed_soonest_first(desk: Place) -> None:
    desk.process(desk.events(event("info_received", 2, date="2026-03-05"), event(number=3)))
    rows = desk.json("prejob", "list", as_of="2026-03-02T12:00:00+08:00").json
    assert rows == [
        {
            "type": "reminder",
            "due_at": "2026-03-02T10:00:00+00:00",
            "rule": "tomorrow",
            "job": "DO-1",
            "date": "2026-03-03",
        },
        {
            "type": "reminder",
            "due_at": "2026-03-04T10:00:00+00:00",
            "rule": "tomorrow",
            "job": "DO-2",
            "date": "2026-03-05",
        },
    ]
    table = desk.run("prejob", "list", as_of="2026-03-02T12:00:00+08:00").out
    assert [line.split() for line in table.splitlines()] == [
        ["due", "(Asia/Singapore)", "rule", "job", "date"],
        ["2026-03-02", "18:00", "tomorrow", "DO-1", "2026-03-03"],
        ["2026-03-04", "18:00", "tomorrow", "DO-2", "2026-03-05"],
    ]


def test_a_missed_run_is_caught_up_until_the_job_begins(desk: Place, eight: Loopback) -> None:
    assert _run(desk, "2026-03-02T23:50:00+08:00")["sent"] == 1


def test_a_job_that_has_begun_gets_none_and_says_so(desk: Place, eight: Loopback) -> None:
    done = desk.json("prejob", "run", as_of="2026-03-03T06:00:00+08:00")
    (decision,) = done.only("decision")
    assert (done.code, decision["verdict"], decision["reason"]) == (0, "stop", "already_begun")
    assert eight.seen == []


def test_moved_and_cancelled_jobs_are_right(desk: Place, eight: Loopback) -> None:
    desk.process(desk.events(event("scheduled", 1, date="2026-03-10")))
    assert _run(desk)["matched"] == 0
    assert _run(desk, "2026-03-09T18:01:00+08:00")["sent"] == 1
    for name in ("info_received", "deleted"):
        desk.process(
            desk.events(event(name, 2, date="2026-03-10")), as_of="2026-03-09T18:01:30+08:00"
        )
    gone = desk.json("prejob", "run", as_of="2026-03-09T18:02:00+08:00")
    assert (gone.code, gone.summary["stops"]) == (0, {"job_closed": 1})
    # A date that moves after the reminder went out is news.
    desk.process(desk.events(event("scheduled", 1, date="2026-03-12")))
    assert _run(desk, "2026-03-11T18:01:00+08:00")["sent"] == 1


def test_jobs_can_come_from_a_file_as_objects_or_events(place: Place) -> None:
    place.rules(RULES)
    jobs = place.events(
        job(1, date="2026-03-03"),
        event("failed", 2, date="2026-03-03"),
        b"rubbish",
        name="jobs.jsonl",
    )
    dry = place.json("prejob", "run", "--jobs", jobs, "--dry-run", as_of=EVENING)
    assert (dry.code, dry.summary["queued"], dry.summary["rejected"]) == (1, 1, 1)
    assert place.json("prejob", "list", as_of=EVENING).json == []
    done = place.json("prejob", "run", "--jobs", jobs, as_of=EVENING)
    assert (done.code, done.summary["sent"]) == (1, 1)
    assert done.only("decision") == dry.only("decision")
    assert json.loads((place / "jobs.jsonl.rejected.jsonl").read_text())["line"] == 3


def test_a_jobs_file_texts_nobody_about_what_it_says(place: Place) -> None:
    jobs = place.events(event("completed", 1), event("completed", 2))
    done = place.json("prejob", "run", "--jobs", jobs, as_of=EVENING)
    assert (done.code, done.summary["matched"]) == (0, 0)


def test_a_dry_run_changes_nothing(desk: Place, eight: Loopback) -> None:
    assert _run(desk, EVENING, "--dry-run")["queued"] == 1
    assert eight.seen == []
    assert _run(desk)["sent"] == 1


def test_the_jobs_own_zone_says_when_it_is_evening(desk: Place, eight: Loopback) -> None:
    far = event("info_received", 5, date="2026-03-03", time_zone="America/New_York")
    desk.process(desk.events(far))
    assert _run(desk)["sent"] == 1  # the job in Singapore
    assert _run(desk, "2026-03-02T22:59:00+00:00")["sent"] == 0
    assert _run(desk, "2026-03-02T23:00:00+00:00")["sent"] == 1  # six in the evening there


def test_two_runs_at_once_do_not_double(desk: Place, eight: Loopback) -> None:
    args = ("prejob", "run", "--as-of", EVENING)
    with desk.child(*args) as one, desk.child(*args) as other:
        said = [child.communicate(timeout=60)[1] for child in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], said
    assert len(eight.sent) == 1


def test_nothing_coming_is_said(place: Place) -> None:
    done = place.run("prejob", "list")
    assert (done.code, done.out) == (0, "")
    assert "no reminder is coming" in done.err


@pytest.mark.parametrize("args", [["run", "--jobs", "nowhere.jsonl"], ["run", "--as-of", "noon"]])
def test_wrong_usage_makes_no_database(bare: Place, args: list[str]) -> None:
    bare.settings()
    bare.rules(RULES)
    assert bare.run("prejob", *args).code == 2
    assert not (bare / "sms-notify.db").exists()
