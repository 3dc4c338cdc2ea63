"""The types of a rule file's words: each reads the text that was written.

Every type also says what the JSON Schema must take, because an editor reads the same file as YAML
1.2 and sees numbers and booleans where we see text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

WORD_SCHEMA: Final[dict[str, Any]] = {
    "type": ["string", "number", "boolean"],
    "pattern": r"^[^\r\n]*\S[^\r\n]*$",
}
YES: Final = frozenset({"true", "yes", "on"})
NO: Final = frozenset({"false", "no", "off"})
_WHOLE: Final = re.compile(r"[+-]?\d{1,9}")


def refuse(message: str, hint: str = "", code: str = "bad_value") -> PydanticCustomError:
    """Make the error that a validator raises; `problems.py` turns it into a Problem."""
    return PydanticCustomError(
        "ours", "{message}", {"message": message, "hint": hint, "code": code}
    )


def scalar(value: object, wanted: str) -> str:
    """Return the text that was written; refuse nothing, lists and mappings."""
    if value is None:
        raise refuse("there is no value", f"write {wanted}")
    if not isinstance(value, str):
        raise refuse(f"{_shape(value)} stands here", f"write {wanted}")
    return value


def _shape(value: object) -> str:
    return "a list" if isinstance(value, list) else "a mapping"


def _word(value: object) -> str:
    text = scalar(value, "a text").strip()
    if not text:
        raise refuse("the text is blank", "write something")
    if any(character < " " for character in text):
        raise refuse("a line break or control character is in the text")
    return text


def _text(value: object) -> str:
    text = scalar(value, "a text")
    if not text.strip():
        raise refuse("the text is blank", "write what the recipient shall read", "blank_body")
    return text


def wording(value: object) -> object:
    """Read one text; texts by language are read where the rule is built."""
    if not isinstance(value, dict):
        return _text(value)
    if not value:
        raise refuse("no language stands here", "write {en: …, zh: …}", "blank_body")
    return value


def _flag(value: object) -> bool:
    text = scalar(value, "true or false").strip().lower()
    if text in YES:
        return True
    if text in NO:
        return False
    raise refuse(f"{text!r} is neither true nor false")


def whole(low: int, high: int) -> Callable[[object], int]:
    """Make the validator of a whole number between two bounds."""

    def read(value: object) -> int:
        text = scalar(value, f"a number from {low} to {high}").strip()
        if not _WHOLE.fullmatch(text):
            raise refuse(f"{text!r} is no whole number", f"write a number from {low} to {high}")
        number = int(text)
        if not low <= number <= high:
            raise refuse(f"{number} is not between {low} and {high}")
        return number

    return read


def _one_or_many(value: object) -> object:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _none_is_empty(value: object) -> object:
    return [] if value is None else value


def one_of(*words: str) -> BeforeValidator:
    """Make the validator of a closed vocabulary; its error names the nearest word."""

    def read(value: object) -> str:
        text = scalar(value, "one of " + ", ".join(words))
        if text in words:
            return text
        if len(words) == 1:
            raise refuse(f"{text!r} stands here", f"only {words[0]} is possible", "unknown_word")
        near = did_you_mean(text, words)
        raise refuse(f"{text!r} is none of {', '.join(words)}", near, "unknown_word")

    return BeforeValidator(read)


def _channels(value: object) -> tuple[str, ...]:
    """Read how people are told: one channel, or sms and email."""
    written = [value] if isinstance(value, str) else value
    if not isinstance(written, list) or not written:
        raise refuse("a channel is missing", "write sms, email or [sms, email]")
    found: list[str] = []
    for one in written:
        text = scalar(one, "sms, email or apprise")
        if text not in _CHANNELS:
            near = did_you_mean(text, _CHANNELS)
            raise refuse(f"{text!r} is none of {', '.join(_CHANNELS)}", near, "unknown_word")
        if text in found:
            raise refuse(f"the channel {text!r} is in the list twice", "write it once", "doubled")
        found.append(text)
    if "apprise" in found and len(found) > 1:
        raise refuse("apprise stands alone: an alarm has no recipient", "write two rules")
    return tuple(sorted(found, reverse=True))


def _limit(value: object) -> tuple[int | None, int | None]:
    """Read a cap: a number is hard, `{soft: 4, hard: 6}` says both or either."""
    if not isinstance(value, dict):
        return None, _count(value)
    unknown = next((str(key) for key in value if key not in ("soft", "hard")), "")
    if unknown:
        near = did_you_mean(unknown, ("soft", "hard"))
        raise refuse(f"{unknown!r} is none of soft, hard", near, "unknown_key")
    if not value:
        raise refuse("no number stands here", "write 6, or {soft: 4, hard: 6}")
    limits = [_count(value[key]) if key in value else None for key in ("soft", "hard")]
    soft, hard = limits
    if soft is not None and hard is not None and soft >= hard:
        raise refuse(
            f"soft {soft} is not below hard {hard}: it would never be heard of",
            "soft warns before hard stops: {soft: 4, hard: 6}",
        )
    return soft, hard


def _count(value: object) -> int:
    text = scalar(value, "a number such as 6").strip()
    if not _WHOLE.fullmatch(text):
        raise refuse(f"{text!r} is no whole number", "write 6, or {soft: 4, hard: 6}")
    if int(text) == 0:
        raise refuse("a cap of zero lets nothing go", "enabled: false switches a rule off")
    if int(text) < 0:
        raise refuse(f"{int(text)} is below zero", "write 6, or {soft: 4, hard: 6}")
    return int(text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean x?`, `''` when nothing is near.

    Letter case does not count, and spaces and dashes count as `_`.
    """
    from difflib import get_close_matches

    names = sorted(known)
    asked = re.sub(r"[\s-]+", "_", word.strip().lower())
    near = get_close_matches(asked, names, n=1, cutoff=0.72)
    if not near and len(asked) >= 3:
        near = sorted((name for name in names if asked in name), key=len)
    return f"did you mean {near[0]}?" if near else ""


Item = Annotated[str, BeforeValidator(_word), WithJsonSchema(WORD_SCHEMA)]
Items = Annotated[list[Item], BeforeValidator(_none_is_empty)]
Word = Annotated[str | None, BeforeValidator(_word), WithJsonSchema(WORD_SCHEMA)]
Text = Annotated[str | None, BeforeValidator(_text), WithJsonSchema({"type": "string"})]
LANGUAGE_PATTERN: Final = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$"
WORDING_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "string", "pattern": r"\S"},
        {
            "type": "object",
            "propertyNames": {"pattern": LANGUAGE_PATTERN},
            "additionalProperties": {"type": "string", "pattern": r"\S"},
            "minProperties": 1,
        },
    ]
}
Wording = Annotated[
    str | dict[str, Any] | None, BeforeValidator(wording), WithJsonSchema(WORDING_SCHEMA)
]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Names = Annotated[list[Item], BeforeValidator(_one_or_many)]
_CHANNEL_SCHEMA: Final[dict[str, Any]] = {"enum": ["sms", "email"]}
_CHANNELS: Final = ("sms", "email", "apprise")
Channels = Annotated[
    tuple[str, ...],
    BeforeValidator(_channels),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*_CHANNELS]},
                {
                    "type": "array",
                    "items": _CHANNEL_SCHEMA,
                    "minItems": 1,
                    "uniqueItems": True,
                },
            ]
        }
    ),
]
Segments = Annotated[
    int | None,
    BeforeValidator(whole(1, 10)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 10}),
]
_COUNT_SCHEMA: Final[dict[str, Any]] = {"type": "integer", "minimum": 1}
Limit = Annotated[
    Any,  # (soft, hard), None where there is no such number
    BeforeValidator(_limit),
    WithJsonSchema(
        {
            "anyOf": [
                _COUNT_SCHEMA,
                {
                    "type": "object",
                    "properties": {"soft": _COUNT_SCHEMA, "hard": _COUNT_SCHEMA},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ]
        }
    ),
]
DaysBefore = Annotated[
    int,
    BeforeValidator(whole(0, 5)),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 5}),
]
