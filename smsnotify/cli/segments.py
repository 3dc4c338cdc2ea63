"""`segments`: what a text costs on the air, and which characters make it dear."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated, Any, Final

import msgspec
import typer

from smsnotify.base.errors import InputError
from smsnotify.cli.frame import desk_of, example, single
from smsnotify.model.size import Encoding
from smsnotify.text.size import forcing, measure, units_left

REJECTED: Final = 1
SHOWN_AT_MOST: Final = 12

app = single()


@app.command(
    epilog=example(
        'sms-notify segments "Hi Jane, your order DO-77 has arrived."',
        "sms-notify segments --json - < texts.jsonl",
    )
)
def segments(
    ctx: typer.Context,
    text: Annotated[
        str, typer.Argument(metavar="TEXT|-", help="The text; - reads it from stdin.")
    ] = "-",
) -> None:
    """Count what a text costs on the air.

    Tells encoding, segments, free units, and every character that forces UCS-2.
    With --json and - every line of stdin is one JSON string, answered by one line.
    """
    desk = desk_of(ctx)
    if desk.json and text == "-":
        from smsnotify.events.blocks import standard_input

        raise typer.Exit(_answer_lines(standard_input()))
    if text == "-":
        text = _whole_stdin()
    if desk.json:
        from smsnotify.cli.show import emit_json

        emit_json(_counted(text))
    else:
        _tell(text)


def _counted(text: str) -> dict[str, object]:
    size = measure(text)
    return {
        "encoding": size.encoding.value,
        "segments": size.segments,
        "units": size.units,
        "forcing": [{"char": char, "index": index} for char, index in forcing(text)],
    }


def _answer_lines(lines: Iterable[bytes]) -> int:
    """Answer one JSON string a line; a line that is none gets a `rejected` line in its place."""
    from smsnotify.cli.show import json_line

    write = sys.stdout.write
    decode = msgspec.json.Decoder(str).decode
    code = 0
    for number, line in enumerate(lines, 1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901  # a file may begin so
        if not line.strip():
            continue
        text: str | None
        try:
            text = decode(line)
        except ValueError:
            text = _decode_slowly(line)
        if text is None:
            code = REJECTED
            write(json_line(_rejected(number)) + "\n")
        else:
            write(json_line(_counted(text)) + "\n")
    return code


def _decode_slowly(line: bytes) -> str | None:
    """Read what the fast decoder refuses but JSON allows: half a surrogate pair as an escape."""
    import json

    try:
        value: Any = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def _rejected(number: int) -> dict[str, object]:
    return {"type": "rejected", "source": "-", "line": number, "reason": "not_a_json_string"}


def _whole_stdin() -> str:
    from smsnotify.events.blocks import standard_input

    try:
        text = standard_input().read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"stdin is not UTF-8 text (byte {error.start})") from None
    return text.removesuffix("\n").removesuffix("\r")


def _tell(text: str) -> None:
    from smsnotify.cli import show

    size = measure(text)
    unit = "septets" if size.encoding is Encoding.GSM7 else "UTF-16 units"
    forced = forcing(text)
    show.pairs(
        [
            ("encoding", "GSM-7" if size.encoding is Encoding.GSM7 else "UCS-2"),
            ("segments", size.segments),
            ("units", f"{size.units} {unit}, {units_left(size, text)} left in the last segment"),
        ]
    )
    if forced:
        show.say()
        show.say("These characters force UCS-2:")
        rows = [(_seen(char), f"U+{ord(char):04X}", _name(char), index) for char, index in forced]
        show.table(("char", "code", "name", "position"), rows[:SHOWN_AT_MOST])
        if len(rows) > SHOWN_AT_MOST:
            show.say(f"and {len(rows) - SHOWN_AT_MOST} more")


def _seen(char: str) -> str:
    return char if char.isprintable() else ""


def _name(char: str) -> str:
    import unicodedata

    return unicodedata.name(char, "").lower()
