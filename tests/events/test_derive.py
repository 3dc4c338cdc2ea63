"""What happened between two snapshots of a job."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.events.derive import derive, is_begun, job_names, state_of
from smsnotify.events.words import status_key
from smsnotify.model.event import EVENT_NAMES
from smsnotify.model.job import Job, Milestone
from smsnotify.model.jobstate import JobState

TODAY = date(2026, 3, 2)
T1, T2 = "2026-03-02T14:00:00.250+08:00", "2026-03-02T15:00:00.000+08:00"
S1, S2 = "2026-03-02T06:00:00Z", "2026-03-02T07:00:00Z"


def job(**fields: Any) -> Job:
    return Job(
        **{"id": "65f", "type": "Delivery", "do_number": "DO-77", "date": "2026-03-02"} | fields
    )


def out(**fields: Any) -> Job:
    return job(**{"status": "dispatched", "assign_to": "Van 3"} | fields)


def story(*jobs: Job, today: date = TODAY) -> list[list[tuple[str, str]]]:
    """Derive over a row of snapshots, remembering the state in between."""
    before: JobState | None = None
    told = []
    for snapshot in jobs:
        told.append(derive(before, snapshot, today))
        before = state_of(snapshot, today, before)
    return told


def names(*jobs: Job, today: date = TODAY) -> list[list[str]]:
    return [[name for name, _ in events] for events in story(*jobs, today=today)]


def milestone(status: object, at: object) -> Milestone:
    return Milestone(status, at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("info_recv", "info_received"),
        ("in_transit", "in_transit"),
        ("completed", "completed"),
        ("completed_partial", "completed_partial"),
        ("failed", "failed"),
        ("on_hold", "on_hold"),
        ("return", "return"),
        ("deleted", "deleted"),
        ("Info Received", "info_received"),
        ("COMPLETED", "completed"),
        ("Partially Completed", "completed_partial"),
        ("On hold", "on_hold"),
        ("Delivered", "completed"),
        ("cancelled", "deleted"),
    ],
)
def test_status_at_first_sight_has_happened(status: str, event: str) -> None:
    assert names(job(status=status)) == [[event]]


@pytest.mark.parametrize("status", [None, "", "waiting for parts", 5])
def test_status_that_nobody_knows_tells_nothing(status: object) -> None:
    assert story(job(status=status)) == [[]]


def test_same_snapshot_again_tells_nothing() -> None:
    snapshot = out(
        status="failed", head_to_delivery_at=T1, arrived_at=T2, attempt=2, driver_rating=3
    )
    first, *others = story(snapshot, snapshot, snapshot)
    assert [name for name, _ in first] == [
        "new_attempt",
        "heading_to",
        "arrived",
        "failed",
        "feedback",
    ]
    assert others == [[], []]


def test_several_things_come_in_the_order_of_life() -> None:
    before = out()
    after = job(
        status="completed_partial",
        head_to_delivery_at=T1,
        arrived_at=T2,
        goods_service_rating=2,
        customer_feedback="Box was wet",
    )
    assert story(before, after) == [
        [("out_for_delivery", "")],
        [("heading_to", S1), ("arrived", S1), ("completed_partial", ""), ("feedback", "")],
    ]


def test_dispatched_job_is_scheduled_before_its_day_and_out_on_it() -> None:
    assert names(out(date="2026-03-03")) == [["scheduled"]]
    assert names(out()) == [["out_for_delivery"]]
    assert names(out(date="2026-03-01")) == [["out_for_delivery"]]


@pytest.mark.parametrize(
    "fields",
    [{"assign_to": None}, {"assign_to": "  "}, {"date": None}, {"date": "soon"}, {"date": ""}],
)
def test_dispatched_job_without_driver_or_date_is_neither(fields: dict[str, Any]) -> None:
    assert names(out(**fields)) == [[]]


def test_what_was_true_before_is_judged_as_it_was_then() -> None:
    tomorrow = date(2026, 3, 3)
    snapshot = out(date="2026-03-03")
    then = state_of(snapshot, TODAY)
    assert derive(then, snapshot, TODAY) == []
    assert derive(then, snapshot, tomorrow) == [("out_for_delivery", "")]


def test_moved_date_is_news_while_the_job_is_scheduled() -> None:
    assert names(out(date="2026-03-05"), out(date="2026-03-06"), out(), out(date="2026-03-06")) == [
        ["scheduled"],
        ["scheduled"],
        ["out_for_delivery"],
        ["scheduled"],
    ]
    assert names(out(date="2026-03-01"), out()) == [["out_for_delivery"], []]


def test_date_with_a_time_is_the_same_date() -> None:
    assert names(out(date="2026-03-05"), out(date="2026-03-05T00:00:00Z")) == [["scheduled"], []]


def test_info_received_is_for_the_first_sight_of_a_status() -> None:
    assert names(job(), job(status="info_recv")) == [[], ["info_received"]]
    assert names(job(status="in_transit"), job(status="info_recv")) == [["in_transit"], []]


def test_heading_to_is_told_once_whatever_the_notation_of_its_stamp() -> None:
    same = ["2026-03-02T06:00:00.250Z", "2026-03-02T06:00:00Z", "2026-03-02T14:00:00+08:00"]
    told = story(out(), *[out(head_to_delivery_at=stamp) for stamp in (T1, *same)])
    assert told[1:] == [[("heading_to", S1)], [], [], []]


def test_cancelled_heading_to_gives_the_stamp_that_was_cleared_and_arms_the_next() -> None:
    told = story(out(head_to_delivery_at=T1), out(), out(), out(head_to_delivery_at=T2))
    assert told == [
        [("out_for_delivery", ""), ("heading_to", S1)],
        [("heading_to_cancelled", S1)],
        [],
        [("heading_to", S2)],
    ]


def test_heading_to_with_another_stamp_is_a_new_one() -> None:
    told = story(out(head_to_delivery_at=T1), out(head_to_delivery_at=T2))
    assert told[1] == [("heading_to", S2)]


def test_stamp_that_goes_missing_when_the_visit_is_over_is_no_cancel() -> None:
    assert names(out(head_to_delivery_at=T1), job(status="completed"), job(status="completed")) == [
        ["out_for_delivery", "heading_to"],
        ["completed"],
        [],
    ]
    assert story(out(head_to_delivery_at=T1), out(arrived_at=T2))[1] == [("arrived", S1)]


def test_collection_is_headed_to_by_its_own_stamp() -> None:
    both = {"head_to_delivery_at": T1, "head_to_pick_up_at": T2}
    assert story(out(type="Collection", **both))[0][1] == ("heading_to", S2)
    assert story(out(**both))[0][1] == ("heading_to", S1)
    assert story(out(head_to_pick_up_at=T2))[0][1] == ("heading_to", S2)
    assert story(out(type="collection", head_to_delivery_at=T1))[0][1] == ("heading_to", S1)


def test_stamp_that_cannot_be_read_is_still_one() -> None:
    told = story(
        out(head_to_delivery_at="just now "),
        out(head_to_delivery_at="just now"),
        out(head_to_delivery_at=1772433850),
        out(head_to_delivery_at="2026-03-02 14:00"),
        out(head_to_delivery_at="0001-01-01T00:00:00+14:00"),
    )
    assert [events[-1:] for events in told] == [
        [("heading_to", "just now")],
        [],
        [("heading_to", "1772433850")],
        [("heading_to", "2026-03-02 14:00")],
        [("heading_to", "0001-01-01T00:00:00+14:00")],
    ]


def test_arrival_belongs_to_its_heading_to() -> None:
    told = story(
        out(head_to_delivery_at=T1),
        out(head_to_delivery_at=T1, arrived_at=T2),
        out(head_to_delivery_at=T1, arrived_at="2026-03-02T07:00:00Z"),
    )
    assert told[1:] == [[("arrived", S1)], []]
    assert story(out(arrived_at=T2))[0][-1] == ("arrived", "")


def test_milestone_of_that_name_is_a_heading_to() -> None:
    log = [milestone("dispatched", "2026-03-02T09:00:00+08:00"), milestone("Head to delivery", T1)]
    told = story(out(milestones=log[:1]), out(milestones=log), out(milestones=log))
    assert told[1:] == [[("heading_to", S1)], []]
    assert story(out(milestones=log[::-1]))[0][-1] == ("heading_to", S1)


def test_milestone_after_it_takes_a_heading_to_back() -> None:
    log = [milestone("head_to_pick_up", T1), milestone("out_for_delivery", T2)]
    again = [*log, milestone("head_to_pick_up", "2026-03-02T16:00:00+08:00")]
    told = story(*[out(milestones=entries) for entries in (log[:1], log, log, again)])
    assert told[1:] == [
        [("heading_to_cancelled", S1)],
        [],
        [("heading_to", "2026-03-02T08:00:00Z")],
    ]


def test_milestone_does_not_revive_a_cancelled_heading_to() -> None:
    log = [milestone("head_to_delivery", "2026-03-02T14:00:01.000+08:00")]
    told = story(
        out(head_to_delivery_at=T1, milestones=log), out(milestones=log), out(milestones=log)
    )
    assert told[1:] == [[("heading_to_cancelled", S1)], []]


def test_stamp_and_milestone_of_one_tap_are_one_heading_to() -> None:
    log = [milestone("head_to_delivery", "2026-03-02T14:00:01.000+08:00")]
    told = story(
        out(milestones=log),
        out(milestones=log, head_to_delivery_at=T1),
        out(milestones=log),
    )
    assert [events[-1:] for events in told] == [
        [("heading_to", "2026-03-02T06:00:01Z")],
        [],
        [("heading_to_cancelled", "2026-03-02T06:00:01Z")],
    ]


def test_later_milestone_is_a_new_heading_to_even_where_stamps_were_seen() -> None:
    log = [milestone("head_to_delivery", T2)]
    assert story(out(head_to_delivery_at=T1), out(milestones=log))[1] == [("heading_to", S2)]
    assert story(out(milestones=[milestone("head_to_delivery", T1)]), out(milestones=log))[1] == [
        ("heading_to", S2)
    ]
    assert story(out(milestones=log), out(head_to_delivery_at=T1))[1] == [("heading_to", S1)]


def test_milestones_without_readable_stamps_still_tell() -> None:
    odd = [milestone("head_to_delivery", "noon"), milestone(None, None), milestone(5, 5)]
    assert story(out(milestones=odd))[0][-1] == ("heading_to", "noon")
    told = story(
        out(head_to_delivery_at="noon"), out(milestones=odd), out(milestones=odd[:1]), out()
    )
    assert told[1:] == [[("heading_to_cancelled", "noon")], [], []]
    assert story(out(milestones=odd), out(head_to_delivery_at="noon"))[1] == []
    assert story(out(milestones=odd), job(status="completed"))[1] == [("completed", "")]
    assert names(out(milestones=[])) == [["out_for_delivery"]]


def late(live: object, planned: object = "14:30", **fields: Any) -> bool:
    snapshot = out(eta_time=planned, live_eta=live, **fields)
    return ("delayed", "") in derive(None, snapshot, TODAY)


@pytest.mark.parametrize(
    ("planned", "live", "delayed"),
    [
        ("14:30", "14:31", True),
        ("14:30", "14:30", False),
        ("14:30", "14:29", False),
        ("02:30 PM", "14:45", True),
        ("14:30", "02:45 pm", True),
        ("12:10 AM", "00:05", False),
        ("12:10 PM", "12:20 p.m.", True),
        ("1430", "1500 hrs", True),
        ("9:30", "10:00:00", True),
        ("23:30", "00:20", True),
        ("14:30", "2026-03-02T14:45:00.000+08:00", True),
        ("14:30", "2026-03-02T14:15:00.000+08:00", False),
        ("14:30", "2026-03-03T00:10:00.000+08:00", True),
        ("14:30", "2026-03-02T14:45:00", True),
        ("2026-03-02T14:30:00+08:00", "2026-03-02T06:45:00Z", False),
        ("2026-03-02T14:30:00+08:00", "14:45", True),
        ("2026-03-02T14:30:00+08:00", "2026-03-02T14:45:00+08:00", True),
        ("14:30", "2026-03-02T06:45:00Z", False),
        ("14:30", "soon", False),
        ("13:00 PM", "23:00", False),
        ("25:00", "26:00", False),
        ("14:30", None, False),
        (None, "14:30", False),
        ("", "14:30", False),
        ("14:30", 1545, True),
    ],
)
def test_delayed_is_a_live_eta_past_the_planned_one(
    planned: object, live: object, delayed: bool
) -> None:
    assert late(live, planned) is delayed


def test_live_eta_is_compared_on_the_clock_of_the_job() -> None:
    assert late("2026-03-02T06:45:00Z", time_zone="Asia/Singapore")
    assert not late("2026-03-02T06:15:00Z", time_zone="Asia/Singapore")
    assert late("2026-03-02T06:45:00Z", "2026-03-02T14:30:00+08:00", time_zone="Asia/Singapore")
    assert not late("9999-12-31T23:59:59-01:00", time_zone="Asia/Singapore")
    assert not late("14:00", "9999-12-31T23:59:59-01:00", time_zone="Asia/Singapore")
    assert late("2026-03-02T14:45:00+08:00", time_zone="Mars/Olympus")
    assert late("2026-03-02T14:45:00+08:00", time_zone="/etc")
    assert late("2026-03-02T14:45:00", date=None)
    assert late("14:45", "2026-03-02T14:30:00", date=None)


def test_live_eta_of_a_job_without_a_zone_is_on_the_clock_of_the_firm() -> None:
    snapshot = out(eta_time="14:30", live_eta="2026-03-02T06:45:00Z")
    zone = ZoneInfo("Asia/Singapore")
    assert derive(None, snapshot, TODAY, zone=zone)[-1] == ("delayed", "")
    assert derive(state_of(snapshot, TODAY, zone=zone), snapshot, TODAY, zone=zone) == []


def test_delayed_is_told_once_in_an_attempt() -> None:
    late_job, punctual = {"eta_time": "14:30", "live_eta": "15:00"}, {"eta_time": "14:30"}
    assert names(
        out(**late_job),
        out(**punctual),
        out(eta_time="14:30", live_eta="15:30"),
        out(**late_job, attempt=2),
    ) == [["out_for_delivery", "delayed"], [], [], ["new_attempt", "out_for_delivery", "delayed"]]


def test_finished_job_is_not_delayed_by_its_old_eta() -> None:
    done = job(status="completed", eta_time="14:30", live_eta="15:00")
    assert names(done, done) == [["completed"], []]


def test_new_attempt_starts_from_nothing() -> None:
    first = job(status="failed", attempt=1, head_to_delivery_at=T1, arrived_at=T2)
    second = out(attempt=2, head_to_delivery_at=T2)
    assert story(first, second)[1] == [
        ("new_attempt", ""),
        ("out_for_delivery", ""),
        ("heading_to", S2),
    ]


def test_second_attempt_at_first_sight_is_a_new_attempt() -> None:
    assert names(out(attempt=2)) == [["new_attempt", "out_for_delivery"]]
    assert names(out(attempt="3"))[0][0] == "new_attempt"
    assert names(out(attempt=1)) == names(out(attempt=0)) == names(out()) == [["out_for_delivery"]]


def test_snapshot_of_an_older_attempt_changes_nothing() -> None:
    first, second = job(status="return", attempt=1), out(attempt=2)
    assert names(first, second, first, second) == [
        ["return"],
        ["new_attempt", "out_for_delivery"],
        [],
        [],
    ]


def test_snapshot_that_does_not_say_its_attempt_is_of_the_known_one() -> None:
    assert names(out(attempt=2), job(status="completed")) == [
        ["new_attempt", "out_for_delivery"],
        ["completed"],
    ]


def test_feedback_is_told_when_a_rating_or_the_comment_changes() -> None:
    done = {"status": "completed"}
    assert names(
        job(**done),
        job(**done, goods_service_rating=2),
        job(**done, goods_service_rating="2"),
        job(**done, goods_service_rating=2, customer_feedback=" Wet "),
        job(**done, goods_service_rating=2, customer_feedback="Wet", driver_rating=0),
        job(**done),
        job(**done, goods_service_rating=2, customer_feedback="Wet", attempt=2),
    ) == [["completed"], ["feedback"], [], ["feedback"], [], [], ["new_attempt", "completed"]]


def test_feedback_version_is_short_and_stable() -> None:
    version = state_of(job(driver_rating=5, customer_feedback="ok"), TODAY).rating
    assert version == state_of(job(driver_rating="5", customer_feedback="ok "), TODAY).rating
    assert len(version) == 12


def test_job_is_known_by_its_id_and_its_number() -> None:
    assert job_names(job()) == ("id:65f", "do:delivery|DO-77|2026-03-02")
    assert job_names(job(type="COLLECTION", date=None)) == ("id:65f", "do:collection|DO-77|")
    assert job_names(job(id=None, type=None, date="2026-03-02T00:00:00Z")) == (
        "do:delivery|DO-77|2026-03-02",
    )
    assert job_names(job(id=" a ", do_number=" ")) == ("id:a",)
    assert job_names(Job(id=7, do_number=0, date=20260302)) == ("id:7", "do:delivery|0|20260302")
    assert job_names(Job()) == job_names(Job(id="", do_number="")) == ()


def test_job_has_begun_once_the_driver_is_on_the_way_or_it_is_over() -> None:
    def begun(**fields: Any) -> bool:
        return is_begun(state_of(job(**fields), TODAY))

    assert begun(head_to_delivery_at=T1)
    assert begun(arrived_at=T1)
    assert begun(status="completed")
    assert begun(status="deleted")
    assert not begun(status="dispatched", assign_to="Van 3")
    assert not begun(status="on_hold")


def test_state_survives_the_books() -> None:
    state = state_of(out(head_to_delivery_at=T1, driver_rating=1), TODAY)
    assert msgspec.json.decode(msgspec.json.encode(state), type=JobState) == state


@pytest.mark.parametrize("word", ["Out for Collection", "out_for_delivery", "OUT-FOR-DELIVERY"])
def test_tracking_words_are_phases_too(word: str) -> None:
    assert status_key(word) == "out_for_delivery"
    assert names(job(status=word)) == [["out_for_delivery"]]


SCALARS = st.none() | st.sampled_from(
    ["", "x", 0, 2, 1.5, True, T1, T2, "14:30", "15:00", "2026-03-02", "2026-03-09"]
)
STATUSES = st.none() | st.sampled_from(
    ["info_recv", "in_transit", "dispatched", "completed", "failed", "on_hold", "return", "?"]
)
LOGS = st.none() | st.lists(
    st.builds(
        Milestone,
        status=st.none() | st.sampled_from(["head_to_delivery", "dispatched", "completed"]),
        created_at=SCALARS,
    ),
    max_size=3,
)
JOBS = st.builds(
    Job,
    do_number=st.just("D"),
    date=SCALARS,
    attempt=st.none() | st.integers(0, 2),
    status=STATUSES,
    assign_to=SCALARS,
    head_to_delivery_at=SCALARS,
    head_to_pick_up_at=SCALARS,
    arrived_at=SCALARS,
    eta_time=SCALARS,
    live_eta=SCALARS,
    time_zone=SCALARS,
    driver_rating=SCALARS,
    milestones=LOGS,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(JOBS, min_size=1, max_size=4))
def test_any_story_tells_known_events_and_a_repeat_tells_nothing(jobs: list[Job]) -> None:
    before: JobState | None = None
    for snapshot in jobs:
        for name, stamp in derive(before, snapshot, TODAY):
            assert name in EVENT_NAMES
            assert stamp == "" or name in ("heading_to", "heading_to_cancelled", "arrived")
        before = state_of(snapshot, TODAY, before)
        assert derive(before, snapshot, TODAY) == []
        assert state_of(snapshot, TODAY, before) == before
