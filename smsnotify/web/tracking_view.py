"""What a tracking page says: only what the settings allow, times where the job is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from smsnotify.gates.zones import known_zone
from smsnotify.model.event import STAMP_FIELDS
from smsnotify.model.job import JOB_FIELDS
from smsnotify.store.batch import StoredJob
from smsnotify.store.feedback import StoredRating, TrackedJob
from smsnotify.text.spoken_dates import spoken_day, spoken_instant
from smsnotify.web.page_words import PageWords
from smsnotify.wiring.models import TrackingSettings

EDITABLE: Final = timedelta(hours=24)
"""So long after it was first given a rating may be changed."""

ENDED: Final = frozenset({"completed", "completed_partial", "failed"})
_OVER: Final = ENDED | {"return", "deleted"}
_MOST_SHOWN: Final = 500  # characters of one value
_PHOTOS: Final = ("signature_file_url", *(f"photo_{n}_file_url" for n in range(1, 11)))
_HOST: Final = re.compile(r"[a-z0-9.-]+(:\d{1,5})?")


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One line of the timeline."""

    words: str
    at: datetime
    shown: str


class View(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A page's content; every text in it may be a stranger's and is escaped where it is put."""

    headline: str
    phase: str
    is_live: bool
    timeline: Sequence[Entry]
    fields: Sequence[tuple[str, str]]
    driver: str
    received_by: str
    photos: Sequence[str]
    can_rate: bool
    rated: StoredRating | None
    editable_until: str


def is_over(job: StoredJob, keep_days: int, timezone: str, now: datetime) -> bool:
    """Say whether the page of a job is there no more: its date, wherever it moved, is long past."""
    zone = _zone(job.time_zone, timezone)
    day = _day(job.date) or job.seen_at.astimezone(zone).date()
    return not job.snapshot or (now.astimezone(zone).date() - day).days > keep_days


def languages_in(stored: StoredJob, fields: Sequence[str]) -> list[str]:
    """Return what a job says of its reader's language."""
    if not fields:
        return []
    job = _snapshot(stored)
    return [tag for field in fields if (tag := _text(job.get(field)))]


def _snapshot(stored: StoredJob) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = msgspec.json.decode(stored.snapshot, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return found


def view_of(
    tracked: TrackedJob,
    settings: TrackingSettings,
    timezone: str,
    now: datetime,
    words: PageWords,
    *,
    rates: bool,
) -> View:
    """Return what the page says, in these words. `rates`: its reader is one who may rate."""
    stored, state = tracked.job, tracked.job.state
    job = _snapshot(stored)
    zone = _zone(stored.time_zone, timezone)
    said = words.said
    if str(job.get("type") or "").strip().lower() == "collection":
        said = {**said, **words.said_of_collections}
    phase = state.phase
    if phase not in _OVER:
        phase = "arrived" if state.arrived else "heading_to" if state.heading else phase
    rated = tracked.rated
    until = rated.created_at + EDITABLE if rated is not None else None
    is_editable = until is None or now < until
    return View(
        headline=said.get(phase, said["info_received"]),
        phase=phase,
        is_live=phase not in _OVER,
        timeline=_timeline(tracked, job, said, zone, words.language),
        fields=[
            (words.labels.get(name) or name.replace("_", " ").capitalize(), value)
            for name in settings.fields
            if (value := _value(name, job.get(name), zone, words))
            and not (name == "live_eta" and phase in _OVER)
        ],
        driver=_text(job.get("assign_to")) if settings.driver_name else "",
        received_by=_text(job.get("received_by_sent_by")) if settings.proof else "",
        photos=_photos(job) if settings.proof else (),
        can_rate=rates and phase in ENDED and is_editable,
        rated=rated,
        editable_until=_spoken(until, zone, words),
    )


def _spoken(at: datetime | None, zone: tzinfo, words: PageWords) -> str:
    return "" if at is None else spoken_instant(at.astimezone(zone), words.language)


def origins(photos: Sequence[str]) -> list[str]:
    """Return where pictures come from, for the page's policy."""
    return sorted({f"https://{urlsplit(one).netloc.lower()}" for one in photos})


def _timeline(
    tracked: TrackedJob,
    job: Mapping[str, Any],
    said: Mapping[str, str],
    zone: tzinfo,
    language: str,
) -> list[Entry]:
    happened: list[tuple[str, datetime]] = []
    for name, at in tracked.events:
        if name == "heading_to_cancelled":
            happened = [one for one in happened if one[0] != "heading_to"]
        elif name in said and not (happened and happened[-1][0] == name):
            happened.append((name, at))
    # The job's own stamp is truer than when we heard of it; of several attempts it is the last's.
    last = {name: place for place, (name, _) in enumerate(happened)}
    for name, place in last.items():
        stamp = _stamp(name, job, zone)
        if stamp is not None:
            happened[place] = (name, stamp)
    return [
        Entry(said[name], at, spoken_instant(at.astimezone(zone), language))
        for name, at in happened
    ]


def _stamp(name: str, job: Mapping[str, Any], zone: tzinfo) -> datetime | None:
    for field in STAMP_FIELDS.get(name, ()):
        written = job.get(field)
        if isinstance(written, str) and written:
            try:
                stamp = datetime.fromisoformat(written.strip())
                return (stamp if stamp.tzinfo else stamp.replace(tzinfo=zone)).astimezone(UTC)
            except (ValueError, OverflowError):
                continue
    return None


def _value(name: str, value: object, zone: tzinfo, words: PageWords) -> str:
    text = _text(value)
    kind = JOB_FIELDS.get(name)
    if kind == "flag":
        return {"True": words.yes, "False": words.no}.get(text, text)
    if not text or kind not in ("date", "instant", "clock"):
        return text
    try:
        if kind == "date":
            return spoken_day(date.fromisoformat(text[:10]), words.language)
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        return _spoken(at, zone, words)
    except (ValueError, OverflowError):
        return text  # `14:30`, or whatever the dispatcher wrote


def _text(value: object) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).strip()[:_MOST_SHOWN]


def _photos(job: Mapping[str, Any]) -> list[str]:
    """Return the pictures of a proof of delivery, as far as they lie at real https addresses."""
    found = []
    for name in _PHOTOS:
        address = job.get(name)
        if not isinstance(address, str):
            continue
        try:
            parts = urlsplit(address.strip())
        except ValueError:
            continue
        if parts.scheme == "https" and _HOST.fullmatch(parts.netloc.lower()):
            found.append(address.strip())
    return found


def _zone(own: str, timezone: str) -> tzinfo:
    return known_zone(own) or known_zone(timezone) or UTC


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written[:10])
    except ValueError:
        return None
