"""One line of input to the events in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple, cast

import msgspec
from msgspec import UNSET

from smsnotify.base.errors import EventError
from smsnotify.events.entries import LINE_END
from smsnotify.events.instants import LAST_YEAR, read_instant
from smsnotify.events.loose_json import compact, too_deep
from smsnotify.events.shapes import FORMATS, Found, find_events
from smsnotify.events.words import BLANKS, event_table, fold
from smsnotify.model.job import Job

MAX_LINE: Final = 1 << 20
"""The longest line that is read, in bytes: 1 MiB."""

LONGEST_NAME: Final = 200
"""Characters of what a job is known by: a database's index takes no more than some of these."""

_ROOMY: Final = 2000  # bytes: a shorter line has no room for a name that no index holds
_NATIVE_START: Final = b'{"event"'
_NEVER: Final = b"\xff\xff"  # no UTF-8 begins so
_AT_PATH = re.compile(r"at `\$\.?([^`]*)`")
_GOT = re.compile(r"got `(\w+)`")
_HEAD: Final = 128  # where a native line that does not start with its event shows it
_UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError)


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """One event of a line. `event` None is a bare snapshot: derive what happened from `job`.

    `id` is the sender's id of the event, `''` when there is none; `time` is aware.
    """

    event: str | None
    job: Job
    id: str = ""
    time: datetime | None = None


class Decoded(NamedTuple):
    """What a chunk of lines holds: its events, in order, and the lines that cannot be read.

    `places` says for each event which line it is of, `failures` begin with their line; both count
    the lines of the chunk from 0.
    """

    events: list[Parsed]
    places: Sequence[int]
    failures: list[tuple[int, EventError]]


class _Shape(msgspec.Struct, gc=False):
    """What tells the plain kinds of line apart, without reading the job."""

    event: msgspec.Raw | msgspec.UnsetType = UNSET
    job: msgspec.Raw | msgspec.UnsetType = UNSET
    specversion: msgspec.Raw | msgspec.UnsetType = UNSET
    do_number: msgspec.Raw | msgspec.UnsetType = UNSET


class Decoder:
    """Reads lines for one set of rules; make it once and call `decode` for every line."""

    def __init__(
        self,
        job_type: type[Job] = Job,
        *,
        custom_events: Collection[str] = (),
        format: str = "auto",
    ) -> None:
        """Build for a job type (the fields that rules use) and the names that rules know.

        `format` is `auto` (found out for every line), `native`, `cloudevents` or `detrack`.
        """
        if format not in FORMATS:
            raise ValueError(f"format is one of {', '.join(FORMATS)}")
        self._job_type = job_type
        self._format = format
        self._table = event_table(custom_events)
        self._names = frozenset(self._table.values())
        self._native = _native_decoder(job_type)
        # Names as rules write them come out as one string each, found without making it anew.
        self._named = _native_decoder(job_type, Literal[tuple(sorted(self._names))])
        self._bare = _bare_decoder(job_type)
        self._try_native = format in ("auto", "native")
        self._try_bare = format in ("auto", "detrack")

    def decode(self, line: bytes) -> list[Parsed]:
        """Return the events of a line in order; nothing for a blank line or an empty array.

        A `time` without an offset is read as UTC. An array is one line: if one of its entries
        is wrong, all of it is.

        Raises:
            EventError: `reason` is `too_long`, `not_json`, `too_deep`, `not_an_object`, `no_job`,
                `no_identity`, `unknown_event`, `unreadable_time`, `wrong_type` or `not_utf8`.
                The message never holds a value of the line.
        """
        decoded = self.decode_all((line,))
        for _, error in decoded.failures:
            raise error
        return decoded.events

    def decode_all(self, lines: Sequence[bytes]) -> Decoded:
        """Read a chunk of lines, as `decode` does each; what is wrong with one is no other's.

        Their ends do not count.
        """
        events: list[Parsed] = []
        failures: list[tuple[int, EventError]] = []
        # How many events the lines have that do not have exactly one.
        counts: dict[int, int] = {}
        add_event, native = events.append, self._named
        start = _NATIVE_START if self._try_native else _NEVER
        for place, line in enumerate(lines):
            # Nearly every line is plainly native, and then this is all there is to do for it:
            # a call for each line would cost as much as a quarter of its decoding.
            try:
                if line.startswith(start) and len(line) <= _ROOMY:
                    parsed = native(line)
                    time = parsed.time
                    # Greater than "!" is text that shows something; a number raises TypeError.
                    if parsed.job.do_number > "!" and (  # type: ignore[operator]
                        time is None or 1970 <= time.year < LAST_YEAR
                    ):
                        add_event(parsed)
                        continue
            except _UNREADABLE:
                pass  # the patient way finds the right word, or reads what only looked wrong
            try:
                found = self._decode_other(line)
            except EventError as error:
                failures.append((place, error))
                counts[place] = 0
            else:
                events += found
                if len(found) != 1:
                    counts[place] = len(found)
        return Decoded(events, _places(len(lines), counts), failures)

    def _decode_other(self, line: bytes) -> list[Parsed]:
        if line.endswith(b"\n"):
            line = line.rstrip(LINE_END)
        if len(line) > MAX_LINE:
            raise EventError("the line is longer than 1 MiB", reason="too_long")
        try:
            if self._try_native and line.find(b'"event"', 0, _HEAD) > 0:
                parsed = self._native(line)
                time = parsed.time
                if parsed.job.do_number > "!" and (time is None or 1970 <= time.year < LAST_YEAR):  # type: ignore[operator]
                    if len(line) > _ROOMY:
                        _check_names(parsed.job)
                    return [Parsed(self._event_name(parsed.event), parsed.job, parsed.id, time)]
            elif self._try_bare:
                job = self._bare(line)
                if job.do_number > "!" and job.event is UNSET:
                    if len(line) > _ROOMY:
                        _check_names(job)
                    return [Parsed(None, job)]
        except _UNREADABLE:
            pass
        return self._decode_patiently(line)

    def _decode_patiently(self, line: bytes) -> list[Parsed]:
        if not line or line.isspace():
            return []
        try:
            return [self._typed(found) for found in find_events(line, self._format)]
        except RecursionError:
            raise too_deep() from None

    def _typed(self, found: Found) -> Parsed:
        try:
            job = msgspec.convert(found.job, self._job_type)
        except msgspec.ValidationError as error:
            raise _wrong_type(str(error), found.path) from None
        except UnicodeEncodeError:  # half a character where no text belongs
            raise _wrong_type("", found.path) from None
        _check_utf8(job, found.path)
        if not (_is_named(job.do_number) or _is_named(job.id)):
            raise EventError(
                "nothing identifies the job",
                reason="no_identity",
                hint="a job needs a do_number or an id",
            )
        _check_names(job)
        return Parsed(
            None if found.event is None else self._event_name(found.event),
            job,
            _event_id(found.id),
            _event_time(found.time),
        )

    def _event_name(self, written: object) -> str:
        word = fold(written) if isinstance(written, str) else ""
        name = self._table.get(word)
        if name is None:
            raise EventError(
                "the event name is not one that rules know",
                reason="unknown_event",
                hint=_near(word, self._names),
            )
        return name


def _places(lines: int, counts: Mapping[int, int]) -> Sequence[int]:
    """Say for each event which line it is of; lines that are not in `counts` have one."""
    if not counts:
        return range(lines)
    return [place for place in range(lines) for _ in range(counts.get(place, 1))]


def job_snapshot(line: bytes, index: int = 0, format: str = "auto") -> bytes:
    """Return the job object of the line's `index`-th event as compact JSON, version 2 names.

    `line` is one that `Decoder.decode` has read with the same `format`. Nesting that it survived
    only just may be too deep here: then the object is empty.
    """
    job = _plain_job(line) if format == "auto" else None
    if job is not None:
        return job
    try:
        return compact(find_events(line, format)[index].job)
    except (EventError, RecursionError):
        return b"{}"


def _plain_job(line: bytes) -> bytes | None:
    """Return the job of a plain native or snapshot line unread; None for every other line."""
    try:
        shape = _shape_of(line)
        if shape.specversion is not UNSET:
            return None
        if shape.event is UNSET:
            return None if shape.do_number is UNSET else _tidied(line)
        if shape.job is UNSET or b'"do_number"' not in (job := bytes(shape.job)):
            return None
        return _tidied(job)
    except _UNREADABLE:
        return None


def _tidied(job: bytes) -> bytes:
    job.decode()  # bytes that are no UTF-8 go the patient way
    return msgspec.json.format(job, indent=-1)


_shape_of = msgspec.json.Decoder(_Shape).decode


def _native_decoder(job_type: type[Job], event: Any = str) -> Callable[[bytes], Parsed]:
    """Return a decoder whose result is a Parsed already: one pass, and no copying of fields."""
    aware = Annotated[datetime, msgspec.Meta(tz=True)]
    line_type = msgspec.defstruct(
        "NativeLine",
        [("event", event), ("job", job_type), ("id", str, ""), ("time", aware | None, None)],
        bases=(Parsed,),
        frozen=True,
        gc=False,
    )
    return cast(Callable[[bytes], Parsed], msgspec.json.Decoder(line_type).decode)


def _bare_decoder(job_type: type[Job]) -> Callable[[bytes], Any]:
    """Return a decoder for job objects that also notices the `event` of another kind of line."""
    line_type = msgspec.defstruct(
        "SnapshotLine",
        [("event", msgspec.Raw | msgspec.UnsetType, UNSET)],
        bases=(job_type,),
        frozen=True,
        kw_only=True,
        gc=False,
    )
    return msgspec.json.Decoder(line_type).decode


def _check_names(job: Job) -> None:
    """Refuse names that no index holds; on PostgreSQL one would break its whole chunk."""
    for name in ("do_number", "id", "type", "date"):
        value = getattr(job, name)
        try:
            fits = value is None or len(str(value)) <= LONGEST_NAME
        except ValueError:  # a number of thousands of digits
            fits = False
        if not fits:
            raise EventError(
                f"the job's {name} is longer than {LONGEST_NAME} characters", reason="too_long"
            )


def _is_named(value: object) -> bool:
    return value is not None and bool(str(value).strip(BLANKS))


def _check_utf8(job: Job, path: str) -> None:
    try:
        msgspec.json.encode(job)
        return
    except UnicodeEncodeError:
        broken = [n for n in job.__struct_fields__ if not _is_encodable(getattr(job, n))]
    raise EventError(
        f"{_joined(path, broken[0])} is not UTF-8",
        reason="not_utf8",
        hint="export the file again as UTF-8",
    )


def _is_encodable(value: object) -> bool:
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        return False
    return True


def _event_id(written: object) -> str:
    if written is None:
        return ""
    if isinstance(written, bool | float) or not isinstance(written, str | int):
        raise EventError("the event's id is neither text nor a whole number", reason="wrong_type")
    if not _is_encodable(written):
        raise EventError("the event's id is not UTF-8", reason="not_utf8")
    return str(written)


def _event_time(written: object) -> datetime | None:
    if written is None or written == "":
        return None
    instant = read_instant(written)
    if instant is None:
        raise EventError(
            "the event's time cannot be read",
            reason="unreadable_time",
            hint='"time": "2026-03-02T14:44:10+08:00", or seconds since 1970',
        )
    return instant


def _wrong_type(problem: str, path: str) -> EventError:
    at, got = _AT_PATH.search(problem), _GOT.search(problem)
    where = _joined(path, at.group(1) if at else "") or "the job"
    what = f" is of type {got.group(1)}" if got else " has a wrong type"
    return EventError(
        f"{where}{what}",
        reason="wrong_type",
        hint="fields are text, numbers, true, false or null; milestones are a list of objects",
    )


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _near(word: str, names: Collection[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word, sorted(names), n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return "other names go under custom_events in the rule file"
