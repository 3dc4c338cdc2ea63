"""`pull detrack`: jobs from the list endpoint, through the same intake as a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from loopback import Answer, DetrackList, Loopback, Reply
from place import Place, job


def _day(offset: int = 0) -> str:
    return f"{datetime.now(UTC) + timedelta(days=offset):%Y-%m-%d}"


@pytest.fixture
def detrack(place: Place, serve: Callable[[Answer], Loopback]) -> DetrackList:
    """A sandbox desk that may pull, and Detrack's side of it."""
    desk = DetrackList()
    server = serve(desk)
    desk.server = server  # type: ignore[attr-defined]
    (place / "detrack.key").write_text("detrack-key\n")
    tables = {"api_key": {"file": "detrack.key"}, "base_url": server.url}
    place.settings(detrack=tables, timezone="UTC")
    return desk


def test_what_happened_since_the_last_pull_is_texted_once(
    place: Place, detrack: DetrackList
) -> None:
    today = job(1, date=_day(), status="dispatched", assign_to="Van 3")
    detrack.jobs = [today, job(2, date=_day(1), status="info_recv")]
    first = place.json("pull", "detrack")
    assert (first.code, first.summary["queued"]) == (0, 0)
    detrack.jobs[0] = today | {"status": "completed"}
    second = place.json("pull", "detrack")
    assert [row["event"] for row in second.only("decision")] == ["completed"]
    assert second.summary["sent"] == 1
    third = place.json("pull", "detrack")
    assert (third.code, third.summary["events"], third.summary["sent"]) == (0, 0, 0)


def test_every_page_of_every_day_is_read(place: Place, detrack: DetrackList) -> None:
    detrack.page = 2
    detrack.jobs = [job(number, date=_day(), status="completed") for number in range(1, 6)]
    detrack.jobs += [job(9, date=_day(-1), status="completed")]
    done = place.json("pull", "detrack", "--since", "1d")
    assert done.summary["sent"] == 6
    server: Loopback = detrack.server  # type: ignore[attr-defined]
    asked = [(seen.query["date"], seen.query["page"]) for seen in server.seen]
    assert asked[:4] == [(_day(-1), "1"), (_day(), "1"), (_day(), "2"), (_day(), "3")]
    assert {seen.query["limit"] for seen in server.seen} == {"100"}


def test_a_dry_run_and_queue_only_send_nothing(place: Place, detrack: DetrackList) -> None:
    detrack.jobs = [job(1, date=_day(), status="completed")]
    rehearsed = place.json("pull", "detrack", "--dry-run")
    assert (rehearsed.summary["queued"], rehearsed.summary["sent"]) == (1, 0)
    assert place.outbox() == []
    assert place.json("pull", "detrack", "--queue-only").summary["queued"] == 1
    assert place.json("deliver").json[0]["sent"] == 1


def test_a_job_that_cannot_be_read_is_kept_and_the_rest_goes_on(
    place: Place, detrack: DetrackList
) -> None:
    broken: Any = {"id": [1], "date": _day()}
    detrack.jobs = [broken, job(2, date=_day(), status="completed")]
    done = place.json("pull", "detrack")
    assert (done.code, done.summary["sent"], done.summary["rejected"]) == (1, 1, 1)
    assert len(list(place.folder.glob("detrack-*.rejected.jsonl"))) == 1


def test_nothing_to_pull_is_said(place: Place, detrack: DetrackList) -> None:
    done = place.json("pull", "detrack")
    assert (done.code, done.summary["events"]) == (0, 0)
    assert "Detrack's list is empty" in done.err


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (Reply(401, {"code": "unauthorized"}), 2, "refuses the key"),
        (Reply(404, None), 2, "nothing at this address"),
        (Reply(400, {"code": "validation_failed"}), 3, "refuses the list"),
        (Reply(200, ["no page"]), 3, "not a page of jobs"),
        (Reply(302, None, {"Location": "http://127.0.0.1:9/login"}), 2, "nothing at this address"),
    ],
)
def test_refusals_are_told_plainly_without_the_key(
    place: Place, detrack: DetrackList, answer: Reply, code: int, said: str
) -> None:
    detrack.server.answer = lambda seen: answer  # type: ignore[attr-defined]
    done = place.run("pull", "detrack")
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "detrack-key" not in done.err


def test_a_detrack_that_is_away_ends_with_3(place: Place, detrack: DetrackList) -> None:
    place.settings(detrack={"api_key": "k", "base_url": "http://127.0.0.1:9"})
    done = place.run("pull", "detrack")
    assert (done.code, done.out) == (3, "")
    assert "cannot be reached" in done.err


def test_what_came_before_detrack_broke_off_is_sent(place: Place, detrack: DetrackList) -> None:
    detrack.jobs = [job(1, date=_day(-2), status="completed")]
    server: Loopback = detrack.server  # type: ignore[attr-defined]
    server.answer = lambda seen: (
        detrack(seen) if len(server.seen) < 3 else Reply(403, {"code": "forbidden"})
    )
    done = place.json("pull", "detrack")
    assert done.code == 3
    assert (done.summary["sent"], "may not list jobs" in done.err) == (1, True)


def test_pulling_needs_its_settings(place: Place) -> None:
    done = place.run("pull", "detrack")
    assert done.code == 2
    assert "no [detrack] table" in done.err
    assert "config set detrack.api_key.file detrack.key" in done.err, "cron has no variables"


@pytest.mark.parametrize("since", ["soon", "99999999d", "9999999999w", "-1d", ""])
def test_a_span_that_is_none_is_wrong_usage(place: Place, detrack: DetrackList, since: str) -> None:
    done = place.run("pull", "detrack", "--since", since)
    assert (done.code, done.out) == (2, "")
    assert "--since" in done.err
