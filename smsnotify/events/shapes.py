"""What one line holds, before its job gets a type: every accepted shape, told apart by keys."""

from __future__ import annotations

from typing import Any, NamedTuple

from smsnotify.base.errors import EventError
from smsnotify.events import cloudevents, detrack
from smsnotify.events.loose_json import parse_json

FORMATS = ("auto", "native", "cloudevents", "detrack")


class Found(NamedTuple):
    """One event as it was written. `event` None is a bare snapshot; `path` is where the job is.

    `job` has version 2 names; `id` and `time` are the envelope's, unread.
    """

    event: object
    job: dict[str, Any]
    id: object
    time: object
    path: str


_NATIVE_HINT = 'a native line is {"event": "completed", "job": {…}}'


def find_events(line: bytes, format: str = "auto") -> list[Found]:
    """Return the events of a line, in order; a line that is an array may hold several or none.

    Raises:
        EventError: `not_json`, `too_deep`, `not_an_object`, `no_job`, `unknown_event`.
    """
    form = detrack.form_json(line) if format in ("auto", "detrack") else None
    if form is not None:
        return [_snapshot(job, path) for job, path in detrack.jobs(parse_json(form), "json")]
    value = parse_json(line)
    if not isinstance(value, list):
        return _events_of(value, format, "")
    found = []
    for index, entry in enumerate(value):
        found += _events_of(entry, format, f"[{index}]")
    return found


def _events_of(value: object, format: str, path: str) -> list[Found]:
    if not isinstance(value, dict):
        where = f"entry {path}" if path else "the line"
        raise EventError(f"{where} is JSON, but not an object", reason="not_an_object")
    if format == "auto":
        format = _format_of(value)
    if format == "native":
        return [_native(value, path)]
    if format == "cloudevents":
        return [_cloud_event(value, path)]
    return [_snapshot(job, where) for job, where in detrack.jobs(value, path)]


def _format_of(value: dict[str, Any]) -> str:
    if "specversion" in value:
        return "cloudevents"
    if "event" in value or ("job" in value and "do_number" not in value):
        return "native"
    return "detrack"


def _snapshot(job: dict[str, Any], path: str) -> Found:
    return Found(None, detrack.with_v2_names(job), None, None, path)


def _native(value: dict[str, Any], path: str) -> Found:
    job = value.get("job")
    where = f"{path}.job" if path else "job"
    if not isinstance(job, dict):
        problem = "is not an object" if job is not None else "is missing"
        raise EventError(f"{where} {problem}", reason="no_job", hint=_NATIVE_HINT)
    if value.get("event") is None:
        raise EventError(
            "the event has no name",
            reason="unknown_event",
            hint=f"{_NATIVE_HINT}; for derived events give the job object itself",
        )
    return Found(
        value["event"], detrack.with_v2_names(job), value.get("id"), value.get("time"), where
    )


def _cloud_event(value: dict[str, Any], path: str) -> Found:
    name = cloudevents.event_name(value)
    job, where = cloudevents.job_of(value)
    return Found(
        name,
        detrack.with_v2_names(job),
        value.get("id"),
        value.get("time"),
        f"{path}.{where}" if path else where,
    )
