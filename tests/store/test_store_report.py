"""The figures of a report, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from store_cases import NOW, batch, event, job_row, key, message, note_tries, only

from smsnotify.engine.reporting import local_days
from smsnotify.model.jobstate import JobState
from smsnotify.model.message import Attempt, MessageState, Result
from smsnotify.model.report import FirstAttempts
from smsnotify.store.batch import Batch, EventRow, JobRow
from smsnotify.store.instants import to_micros
from smsnotify.store.store import Store
from smsnotify.store.tables import messages

DAY = date(2026, 3, 2)
SINGAPORE = ZoneInfo("Asia/Singapore")
DAYS = local_days(DAY, DAY + timedelta(days=1), SINGAPORE)


def test_texts_are_counted_by_the_firms_own_day(store: Store) -> None:
    store.save(batch([1, 2], NOW))
    store.save(batch([3], datetime(2026, 3, 2, 16, 0, tzinfo=UTC)))  # midnight in Singapore
    store.save(batch([4], datetime(2026, 3, 1, 15, 59, tzinfo=UTC)))  # the day before
    figures = store.report_figures(DAYS, "live")
    assert {(line.day, line.count) for line in figures.texts} == {
        (DAY, 2),
        (DAY + timedelta(days=1), 1),
    }
    assert store.report_figures(DAYS, "test").texts == ()


def test_times_are_from_the_last_try_to_the_providers_word(store: Store) -> None:
    for n, wait in enumerate((1, 2, 3, 100), 1):
        one = message(
            key(n),
            NOW,
            state=MessageState.DELIVERED,
            account="main",
            attempts=1,
        )
        store.save(Batch(jobs=[], events=[], decisions=[], messages={key(n): one}, at=NOW))
        told_at = to_micros(NOW + timedelta(seconds=wait, milliseconds=900))
        with store.begin() as connection:
            connection.execute(
                messages.update().where(messages.c.id == one.id), {"told_at": told_at}
            )
        note_tries(
            store,
            Attempt(
                message_id=one.id, account="main", at=NOW, latency_ms=5, result=Result.ACCEPTED
            ),
        )
    (told,) = store.report_figures(DAYS, "live").times
    assert (told.account, told.country, told.count) == ("main", "SG", 4)
    assert (told.p50_s, told.p95_s) == (2, 100)


def test_first_attempts_are_compared_with_and_without_a_reminder(store: Store) -> None:
    def job(n: int, phase: str, attempt: int = 1) -> JobRow:
        row = job_row(event(n).job)
        return JobRow(
            row.subject, row.names, JobState(phase, attempt, "2026-03-02"), row.job, b"{}"
        )

    store.save(only(job(1, "completed"), job(2, "failed"), job(3, "out_for_delivery")))
    store.save(only(job(4, "completed", 2)))
    reminder = key(1, kind="pre_job")
    told = message(reminder, NOW, state=MessageState.DELIVERED)
    store.save(Batch(jobs=[], events=[], decisions=[], messages={reminder: told}, at=NOW))
    figures = store.report_figures(DAYS, "live")
    assert figures.reminded == FirstAttempts(1, 0)
    assert figures.not_reminded == FirstAttempts(2, 2)
    assert figures.completed_jobs == 2


def test_opt_outs_and_ratings(store: Store) -> None:
    store.opt_out("+6591230000", NOW, source="keyword")
    store.opt_in("+6591230000", NOW, source="clerk")
    rated = job_row(event(1).job)
    snapshot = b'{"assign_to":"Van 7","group_name":"North","goods_service_rating":"4"}'
    row = JobRow(rated.subject, rated.names, rated.state, rated.job, snapshot)
    heard = EventRow(rated.subject, "feedback", "e1", NOW, b"{}")
    store.save(Batch(jobs=[row], events=[heard], decisions=[], messages={}, at=NOW))
    figures = store.report_figures(DAYS, "live")
    assert (figures.opt_outs, figures.opt_ins) == ({"keyword": 1}, {"clerk": 1})
    (rating,) = figures.ratings
    assert (rating.driver, rating.group, rating.goods, rating.driver_stars) == (
        "Van 7",
        "North",
        4.0,
        None,
    )
