"""JSON that is read whole, when the typed decoder cannot say what is wrong with a line."""

from __future__ import annotations

import json
from typing import Final, NoReturn

import msgspec

from smsnotify.base.errors import EventError

BOM: Final = b"\xef\xbb\xbf"
_INT_RANGE: Final = (-(2**63), 2**64)
_decode = msgspec.json.Decoder().decode


def parse_json(data: bytes) -> object:
    """Return what a JSON text says.

    More patient than the typed decoder, because a field that nobody reads must not cost an
    event: bytes that are no UTF-8 and halves of surrogate pairs become lone surrogates, and a
    number that no machine type holds stays as the text that was written.

    Raises:
        EventError: `not_json`, or `too_deep`.
    """
    try:
        try:
            return _decode(data)
        except (msgspec.MsgspecError, ValueError):
            return _parse_patiently(data)
    except RecursionError:
        raise too_deep() from None


def _parse_patiently(data: bytes) -> object:
    text = data.removeprefix(BOM).decode("utf-8", "surrogateescape")
    try:
        return json.loads(
            text,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except ValueError:
        raise EventError(
            "the line is not JSON",
            reason="not_json",
            hint="one event as JSON on each line; look for a cut line or a missing quote",
        ) from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {name.encode("utf-8", "replace").decode(): value for name, value in pairs}


def _integer(digits: str) -> int | str:
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if _INT_RANGE[0] <= number < _INT_RANGE[1] else digits


def _fraction(written: str) -> float | str:
    number = float(written)
    return written if number in (float("inf"), float("-inf")) else number


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def too_deep() -> EventError:
    """Return the error for nesting that no decoder survives."""
    return EventError("the line is nested too deeply to be read", reason="too_deep")


def compact(value: object) -> bytes:
    """Write a parsed value as compact JSON in UTF-8; `?` stands for what was no UTF-8."""
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, ValueError):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")
