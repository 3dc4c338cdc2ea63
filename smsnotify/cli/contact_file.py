"""Files of contacts, CSV or JSON: rows to people, each with what is wrong where it is."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from smsnotify.base.errors import InputError, UsageError
from smsnotify.events.blocks import standard_input
from smsnotify.model.contact import CONTACT_FIELDS, ConsentChange, Facet
from smsnotify.model.facts import EVERYTHING, MARKETING
from smsnotify.model.job import Kind
from smsnotify.rules.facets import read_facet
from smsnotify.store.people_batch import BroughtPerson
from smsnotify.text.address import LONGEST, read_address
from smsnotify.text.phone import read_number
from smsnotify.text.template_namespaces import is_name
from smsnotify.wiring import values

NUMBER_COLUMNS: Final = ("phone_number", "number", "phone", "mobile", "recipient")
CONSENT_COLUMNS: Final = (
    *("opted_out", "opted_out_at", "note"),
    *("marketing", "marketing_at", "marketing_note", "words", "call_to_action"),
)
COLUMNS: Final = ("email", "name", "language", "time_zone", "tags", *CONSENT_COLUMNS)
"""What a column may be called besides the number's; any other name is a facet."""

SOURCE: Final = "import"
_YES: Final = ("yes", "y", "true", "1", "x")
_NO: Final = ("no", "n", "false", "0")
_FORMULA: Final = re.compile(r"'*\s*[=+\-@]")
_SIGNED: Final = re.compile(r"[+-][\d.]+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class Reading(NamedTuple):
    """What a file's rows are read by: the country, the facets' kinds, and what the call said."""

    country: str
    kinds: Mapping[str, Kind]
    now: datetime
    opted_out: bool | None = None
    note: str = ""


class People(NamedTuple):
    """The people of a file, and (line, reason) of the rows that cannot be read."""

    rows: list[BroughtPerson]
    rejected: list[tuple[int, str]]


def read_people(source: str, by: Reading) -> People:
    """Read a file: CSV with headings, one number a line, or JSON objects.

    Raises:
        InputError: the file cannot be read at all.
        UsageError: bare numbers, and nobody said what about them.
    """
    text = _text(source)
    if not text.strip():
        raise InputError(f"{source} is empty")
    found = People([], [])
    rows = _objects(text) if text.lstrip()[0] in "{[" else _records(text, source, by)
    try:
        for line, row in rows:
            try:
                found.rows.append(_person(row, by, line))
            except ValueError as error:
                found.rejected.append((line, str(error)))
    except csv.Error as error:
        raise InputError(f"{source} is no CSV that can be read: {error}") from None
    return found


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


def _objects(text: str) -> Iterator[tuple[int, object]]:
    """Give the objects of JSON Lines, or of one array."""
    try:
        whole = msgspec.json.decode(text)
        yield from enumerate(whole if isinstance(whole, list) else [whole], 1)
        return
    except msgspec.DecodeError:
        pass
    for line, written in enumerate(text.splitlines(), 1):
        if not written.strip():
            continue
        try:
            yield line, msgspec.json.decode(written)
        except msgspec.DecodeError:
            yield line, None


def _records(text: str, source: str, by: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = csv.reader(io.StringIO(text, newline=""))
    first = next(lines)
    heading = [_heading(name) for name in first]
    number_at = next((heading.index(name) for name in NUMBER_COLUMNS if name in heading), None)
    if number_at is None and "email" not in heading:
        if not first or read_number(first[0], "", by.country).reason:
            raise InputError(
                f"{source} has no column with numbers",
                hint=f"call it {NUMBER_COLUMNS[0]}, or write one number a line",
            )
        heading, number_at = [NUMBER_COLUMNS[0]], 0
        lines = csv.reader(io.StringIO(text, newline=""))
    elif number_at is not None:
        heading[number_at] = NUMBER_COLUMNS[0]
    if by.opted_out is None and len({*heading} - {NUMBER_COLUMNS[0], ""}) == 0:
        raise UsageError(
            f"{source} holds numbers and nothing about them", hint="add --opted-out or --opted-in"
        )
    for cells in lines:
        if any(cell.strip() for cell in cells):
            written = zip(heading, cells, strict=False)
            yield (
                lines.line_num,
                {name: _as_written(cell.strip()) for name, cell in written if name},
            )


def as_words(cell: str) -> str:
    """Return a cell of CSV that no spreadsheet takes for a formula; reading takes the `'` off."""
    is_formula = _FORMULA.match(cell) and not _SIGNED.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def _as_written(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _heading(written: str) -> str:
    return "_".join(written.strip().lower().replace("-", " ").split())


def _person(row: object, by: Reading, line: int) -> BroughtPerson:
    """Read one row.

    Raises:
        ValueError: what is wrong with it.
    """
    if not isinstance(row, dict):
        raise ValueError("the line is no JSON object")
    addresses = _addresses(row, by.country)
    zone = _word(row, "time_zone")
    language = _word(row, "language")
    if language and not _LANGUAGE.fullmatch(language):
        raise ValueError(f"{language!r} is no language, such as en or zh-Hant")
    return BroughtPerson(
        addresses=addresses,
        name=_word(row, "name") or None,
        language=language or None,
        time_zone=values.zone(zone) if zone else None,
        tags=_tags(row.get("tags")),
        facets=_facets(row, by.kinds),
        consents=tuple(_consents(row, addresses, by)),
        place=line,
    )


def _word(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise ValueError(f"{name} is no text")
    text = " ".join(str(value).split())
    if len(text) > LONGEST:
        raise ValueError(f"{name} is longer than {LONGEST} characters")
    return text


def _addresses(row: Mapping[str, Any], country: str) -> tuple[str, ...]:
    listed = row.get("addresses", [])
    if not isinstance(listed, list):
        raise ValueError("addresses is no list")
    written = [*listed, *(row.get(name) for name in (*NUMBER_COLUMNS, "email"))]
    found = dict.fromkeys(read_address(str(one), country) for one in written if one)
    if not found:
        raise ValueError("there is neither a number nor an email address")
    return tuple(found)


def _tags(written: object) -> frozenset[str]:
    if written is None or written == "":
        return frozenset()
    listed = written if isinstance(written, list) else re.split(r"[;,]", str(written))
    if not all(isinstance(one, str) for one in listed):
        raise ValueError("a tag is no text")
    return frozenset(word for one in listed if (word := one.strip()))


def _facets(row: Mapping[str, Any], kinds: Mapping[str, Kind]) -> dict[str, Facet | None]:
    """Return the facets: those of a JSON row's own key, else every column of another name."""
    own = row.get("facets")
    if own is not None and not isinstance(own, dict):
        raise ValueError("facets is no object")
    if own is None:
        known = {*NUMBER_COLUMNS, *COLUMNS, *CONTACT_FIELDS, "addresses", "consents", "type"}
        own = {name: value for name, value in row.items() if name not in known and value != ""}
    return {name: _facet(name, value, kinds) for name, value in own.items()}


def _facet(name: str, value: object, kinds: Mapping[str, Kind]) -> Facet | None:
    if not is_name(name):
        raise ValueError(f"{name!r} cannot name a facet: lower-case letters, digits and _")
    if value is None:
        return None
    try:
        return read_facet(value, kinds.get(name, "text"))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


# Consents.


class _Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    scope: str
    opted_out: bool
    source: str
    at: datetime
    note: str = ""
    words: str = ""
    call_to_action: str = ""
    recipient: str = ""


def _consents(
    row: Mapping[str, Any], addresses: Sequence[str], by: Reading
) -> Iterator[ConsentChange]:
    if "consents" in row:
        try:
            listed = msgspec.convert(row["consents"], list[_Consent])
        except msgspec.ValidationError as error:
            raise ValueError(f"consents: {error}") from None
        for one in listed:
            if one.recipient and one.recipient not in addresses:
                raise ValueError("consents: a recipient is none of the row's addresses")
            if one.at.tzinfo is None:
                raise ValueError("consents: at needs its offset, such as +08:00")
            yield ConsentChange(
                **msgspec.structs.asdict(one) | {"recipient": one.recipient or addresses[0]}
            )
        return
    written = _word(row, "opted_out")
    out = _flag("opted_out", written) if written else by.opted_out
    note = _word(row, "note") or by.note
    if out is not None and ("opted_out" not in row or written):
        at = _instant(row, "opted_out_at") or by.now
        yield _brought(addresses[0], out, at, EVERYTHING, note)
    if word := _word(row, "marketing"):
        yield _marketing(row, addresses[0], _flag("marketing", word), by)


def _marketing(row: Mapping[str, Any], recipient: str, wanted: bool, by: Reading) -> ConsentChange:
    """Return the word on marketing; an opt-in needs its evidence and its date."""
    evidence = _word(row, "marketing_note") or by.note
    words, call = _word(row, "words"), _word(row, "call_to_action")
    at = _instant(row, "marketing_at")
    if wanted and (at is None or not (evidence or words)):
        raise ValueError(
            "an opt-in to marketing needs its evidence and date: marketing_note and marketing_at"
        )
    if at is not None and at > by.now:
        raise ValueError("marketing_at lies in the future")
    change = _brought(recipient, not wanted, at or by.now, MARKETING, evidence)
    return msgspec.structs.replace(change, words=words, call_to_action=call)


def _brought(recipient: str, out: bool, at: datetime, scope: str, note: str) -> ConsentChange:
    return ConsentChange(
        recipient=recipient, opted_out=out, source=SOURCE, at=at, scope=scope, note=note
    )


def _instant(row: Mapping[str, Any], name: str) -> datetime | None:
    written = _word(row, name)
    if not written:
        return None
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(f"{name} is no date, such as 2026-03-02") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _flag(name: str, written: str) -> bool:
    word = written.lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError(f"{name} is neither yes nor no")
