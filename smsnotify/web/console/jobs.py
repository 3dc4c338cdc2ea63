"""`/console/jobs`: the jobs of a day, and why one of them was told or not."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from smsnotify.engine.inquiry import do_number, heard_nothing, inquire, job_name
from smsnotify.engine.story import story_lines
from smsnotify.web.console.door import HOME, Visit, seen

_MOST: Final = 200


def show(visit: Visit) -> Response:
    """Show the jobs of a day."""
    today = visit.now.astimezone(visit.zone).date()
    day = _day(visit.asked("day"), today)
    found = list(islice(visit.store.jobs_between(day, day), _MOST + 1))
    return visit.page(
        "jobs.html",
        here="jobs",
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        jobs=[(job, do_number(job) or job_name(job)) for job in found[:_MOST]],
        is_cut=len(found) > _MOST,
        most=_MOST,
    )


def show_one(visit: Visit) -> Response:
    """Show what a job was told or not, and why; of what nobody heard, which check failed."""
    name = visit.asked("name")
    found = inquire(visit.store, name, "") if name else None
    if found is None or not found.story.jobs:
        told = "The books know no job of this name."
        return visit.wrong(told, 404, title="Nothing there")
    story = found.story
    silent, unheard = heard_nothing(
        visit.store, story, visit.loaded.rules, visit.loaded.policy, visit.now
    )
    return visit.page(
        "job.html",
        here="jobs",
        called=name,
        jobs=[(job, job_name(job)) for job in story.jobs],
        lines=story_lines(story, visit.zone),
        consents=found.consents,
        silent=silent,
        unheard=unheard,
        q=name,
    )


def _day(written: str, today: date) -> date:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return today
    return day if date(1971, 1, 1) < day < date(2900, 1, 1) else today


ROUTES: Final = (
    Route(f"{HOME}/jobs", seen(show), methods=["GET"]),
    Route(f"{HOME}/jobs/of", seen(show_one), methods=["GET"]),
)
