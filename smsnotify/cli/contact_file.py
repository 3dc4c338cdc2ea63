"""Files of contacts: reading rows, and writing them to the books in big bites."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from smsnotify.base.errors import InputError, UsageError
from smsnotify.events.blocks import standard_input
from smsnotify.model.contact import ConsentChange
from smsnotify.store.people import set_contact
from smsnotify.store.store import Store
from smsnotify.text.phone import read_number
from smsnotify.wiring import values

NUMBER_COLUMNS: Final = ("phone_number", "number", "phone", "mobile", "recipient")
OTHER_COLUMNS: Final = ("opted_out", "name", "language", "time_zone", "note")
_YES: Final = ("yes", "y", "true", "1", "x")
_NO: Final = ("no", "n", "false", "0", "")
_BITE: Final = 1000

T = TypeVar("T")


class ContactRow(msgspec.Struct, frozen=True, gc=False):
    """One contact of a file. `opted_out` None says nothing about consent."""

    number: str
    opted_out: bool | None = None
    name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    note: str = ""


def read_contacts(
    source: str, *, country: str, opted_out: bool | None, note: str
) -> tuple[list[ContactRow], list[tuple[int, str]]]:
    """Return the rows of a file, and (line, reason) of those that cannot be read.

    Raises:
        InputError: the file cannot be read at all.
        UsageError: bare numbers, and nobody said what about them.
    """
    text = _text(source)
    lines = csv.reader(io.StringIO(text, newline=""))
    first = next(lines, None)
    if first is None or not text.strip():
        raise InputError(f"{source} is empty")
    heading = [name.strip().lower() for name in first]
    columns = {name: at for at, name in enumerate(heading)}
    number_at = next((columns[name] for name in NUMBER_COLUMNS if name in columns), None)
    if number_at is None and read_number(first[0], "", country).reason:
        raise InputError(
            f"{source} has no column with numbers",
            hint=f"call it {NUMBER_COLUMNS[0]}, or write one number a line",
        )
    known: dict[str, int] = {name: columns[name] for name in OTHER_COLUMNS if name in columns}
    if opted_out is None and not known:
        raise UsageError(
            f"{source} holds numbers and nothing about them", hint="add --opted-out or --opted-in"
        )
    if number_at is None:
        lines = csv.reader(io.StringIO(text, newline=""))
        number_at = 0
    rows: list[ContactRow] = []
    rejected: list[tuple[int, str]] = []
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            rows.append(_row(cells, number_at, known, country, opted_out, note))
        except ValueError as error:
            rejected.append((lines.line_num, str(error)))
    return rows, rejected


def save_contacts(store: Store, rows: Sequence[ContactRow], now: datetime, *, source: str) -> int:
    """Write contacts and consents; return how many consents were noted."""
    consents = [
        ConsentChange(
            recipient=row.number, opted_out=row.opted_out, source=source, at=now, note=row.note
        )
        for row in rows
        if row.opted_out is not None
    ]
    for bite in _bites([row for row in rows if row.name or row.language or row.time_zone]):
        with store.begin() as connection:
            for row in bite:
                set_contact(
                    connection,
                    row.number,
                    now,
                    name=row.name,
                    language=row.language,
                    time_zone=row.time_zone,
                )
    return sum(store.note_consents(bite, now) for bite in _bites(consents))


def _bites(items: Sequence[T]) -> Iterator[list[T]]:
    left = iter(items)
    while bite := list(islice(left, _BITE)):
        yield bite


def _text(source: str) -> str:
    try:
        raw = standard_input().read() if source == "-" else Path(source).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError("the name of the file is no usable path") from None


def _row(
    cells: Sequence[str],
    number_at: int,
    known: Mapping[str, int],
    country: str,
    opted_out: bool | None,
    note: str,
) -> ContactRow:
    def cell(name: str) -> str:
        at = known.get(name)
        return cells[at].strip() if at is not None and at < len(cells) else ""

    read = read_number(cells[number_at] if number_at < len(cells) else "", "", country)
    if read.reason:
        raise ValueError(read.reason)
    return ContactRow(
        read.e164,
        opted_out=_flag(cell("opted_out")) if "opted_out" in known else opted_out,
        name=cell("name") or None,
        language=cell("language") or None,
        time_zone=values.zone(cell("time_zone")) if cell("time_zone") else None,
        note=cell("note") or note,
    )


def _flag(written: str) -> bool:
    word = written.lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("opted_out is neither yes nor no")
