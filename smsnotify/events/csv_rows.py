"""CSV with Detrack's field names as headings: each row becomes one line of JSON."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from smsnotify.base.errors import InputError
from smsnotify.events.detrack import V1_NAMES
from smsnotify.events.entries import MAX_ENTRY
from smsnotify.events.words import fold
from smsnotify.model.job import JOB_FIELDS

_DELIMITERS: Final = ",;\t|"
_EVENT, _EVENT_ID, _TIME = "event", "event_id", "time"
_KNOWN: Final = frozenset({*JOB_FIELDS, *V1_NAMES, _EVENT, _EVENT_ID})
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_FRACTION = re.compile(r"[+-]?\d{0,15}\.\d{1,15}", re.ASCII)
_FLAGS: Final = {"true": True, "yes": True, "false": False, "no": False}


def looks_like_csv(line: bytes) -> bool:
    """Say whether a first line is a row of headings: two or more, and two that we know."""
    headings = _headings(_cells(_text(line)))
    return sum(name in _KNOWN for name in headings) >= 2


def csv_lines(lines: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Give one line of JSON for every row after the headings, `b''` for an empty row.

    Headings are field names; case, spaces and dashes do not matter in those that we know, others
    stay as they are. A row is a job as it looks now; one with something under `event` is an
    event, with its `time`, its `event_id` as id, and the rest as job (`id` is always the job's).
    An empty cell is no value. Numbers and flags become such where the field is one. A row with
    more cells than headings is given as it is, so that it is rejected: its cells have moved.

    Raises:
        InputError: no heading is a job's field, one comes twice, or a quote is never closed.
    """
    rows = _rows(lines, name)
    headings = _checked(_headings(next(rows, [])), name)
    for cells in rows:
        if any(cells[len(headings) :]):
            yield _encoded(cells)
        elif any(cells):
            yield _encoded(_line_of(headings, cells))
        else:
            yield b""


def _rows(lines: Iterable[bytes], name: str) -> Iterator[list[str]]:
    texts = (_text(line) + "\n" for line in lines)
    first = next(texts, "")
    # The limit is the process's, not the reader's: raised only, so nobody else gets a lower one.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_ENTRY))
    reader = csv.reader(_with(first, texts), delimiter=_delimiter(first))
    try:
        for row in reader:
            yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise InputError(
            f"{name}, line {reader.line_num}: this is no CSV that can be read ({error})",
            hint="look for a quote that is never closed, and save the sheet as CSV UTF-8 again",
        ) from None


def _with(first: str, texts: Iterator[str]) -> Iterator[str]:
    yield first
    yield from texts


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _delimiter(header: str) -> str:
    return max(_DELIMITERS, key=header.count)


def _cells(header: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=_delimiter(header)), [])
    except csv.Error:
        return []


def _headings(cells: list[str]) -> list[str]:
    return [folded if (folded := fold(cell)) in _KNOWN else cell.strip() for cell in cells]


def _checked(headings: list[str], name: str) -> list[str]:
    known = [heading for heading in headings if heading in _KNOWN]
    if not known:
        raise InputError(
            f"{name}: no heading in the first row is a field of a job",
            hint="the first row has Detrack's names: do_number,date,status,phone_number,…",
        )
    twice = sorted({heading for heading in known if known.count(heading) > 1})
    if twice:
        raise InputError(
            f"{name}: the heading {twice[0]} comes twice", hint="rename or delete one of the two"
        )
    return headings


def _line_of(headings: list[str], cells: list[str]) -> dict[str, Any]:
    job = {
        heading: _value(heading, cell)
        for heading, cell in zip(headings, cells, strict=False)
        if heading and cell
    }
    event = job.pop(_EVENT, None)
    event_id = job.pop(_EVENT_ID, None)
    if event is None:
        return job
    line = {"event": event, "id": event_id, "time": job.pop(_TIME, None)}
    return {key: value for key, value in line.items() if value is not None} | {"job": job}


def _value(heading: str, cell: str) -> object:
    kind = JOB_FIELDS.get(heading)
    if kind == "number":
        if _WHOLE.fullmatch(cell):
            return int(cell)
        if _FRACTION.fullmatch(cell):
            return float(cell)
    elif kind == "flag":
        return _FLAGS.get(cell.lower(), cell)
    elif kind == "list":
        try:
            return msgspec.json.decode(cell)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return cell
    return cell


def _encoded(value: object) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # bytes that were no UTF-8 stay what they were: decode judges them
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogateescape")
