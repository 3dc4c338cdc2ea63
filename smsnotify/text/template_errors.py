"""Why a template is refused, in sentences that say what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from smsnotify.base.errors import TemplateError

_CLOSING: Final = {"{{": "}}", "{%": "%}", "{#": "#}"}
_OPENING: Final = {closing: opening for opening, closing in _CLOSING.items()}
_MARK: Final = re.compile(r"\{[{%#]")
_TAG: Final = re.compile(r"\{%[-+]?\s*(\w+)")
_KNOWN_TAGS: Final = frozenset({"if", "elif", "else", "endif", "for", "endfor"})
_OTHER_WORDS: Final = {"elseif": "elif", "elsif": "elif", "foreach": "for", "end": "endif"}
_BLOCKS: Final = {"endif": "if", "endfor": "for"}

ALLOWED: Final = "a template has {{ field | filter }}, if and for"


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return `did you mean …?` with a known word that is close, or another hint."""
    from difflib import get_close_matches

    options, written = sorted(known), word.lower()
    near = (
        [one for one in options if one.startswith(f"{written}_")]
        or get_close_matches(written, options, n=1, cutoff=0.6)
        or sorted((one for one in options if len(written) > 2 and written in one), key=len)
    )
    return f"did you mean {near[0]}?" if near else otherwise


def unknown_field(name: str, known: Collection[str], line: int) -> TemplateError:
    """Return the error for a name that is no field."""
    hint = did_you_mean(name, known, "other fields than a job's go into custom_fields")
    return TemplateError(f"unknown field {name!r}", line=line, name=name, hint=hint)


def refused(what: str, line: int, name: str = "", hint: str = ALLOWED) -> TemplateError:
    """Return the error for something that Jinja2 has and a template may not use."""
    return TemplateError(f"{what} is not allowed in a template", line=line, name=name, hint=hint)


def not_closed(mark: str, line: int) -> TemplateError:
    """Return the error for a tag that is opened and never closed."""
    hint = f"close it with {_CLOSING[mark]}"
    return TemplateError(f"'{mark}' is not closed", line=line, name=mark, hint=hint)


def stray(mark: str, line: int) -> TemplateError:
    """Return the error for a delimiter that stands in the words."""
    if mark in _CLOSING:
        return not_closed(mark, line)
    hint = f"write {_OPENING[mark]} before it, or leave it out"
    return TemplateError(f"'{mark}' closes nothing", line=line, name=mark, hint=hint)


def unreadable(source: str, told: str, line: int) -> TemplateError:
    """Find out why a template cannot be parsed; `told` is the parser's own sentence."""
    return (
        _open_mark(source)
        or _open_block(source)
        or TemplateError(
            f"the template cannot be read: {told.rstrip('.')}", line=line, hint=ALLOWED
        )
    )


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1


def _open_mark(source: str) -> TemplateError | None:
    """Find the first tag in which another one begins, or the source ends, before it closes."""
    at = 0
    while found := _MARK.search(source, at):
        mark = found.group()
        end = source.find(_CLOSING[mark], found.end())
        if end < 0 or (mark != "{#" and _MARK.search(source, found.end(), end)):
            return not_closed(mark, _line(source, found.start()))
        at = end + 2
    return None


def _open_block(source: str) -> TemplateError | None:
    """Find a tag that does not exist, closes nothing, or is never closed."""
    stack: list[tuple[str, int]] = []
    for tag in _TAG.finditer(source):
        word, line = tag[1], _line(source, tag.start())
        if word not in _KNOWN_TAGS:
            near = did_you_mean(_OTHER_WORDS.get(word, word), _KNOWN_TAGS, ALLOWED)
            return refused(f"{{% {word} %}}", line, word, near)
        if word in ("if", "for"):
            stack.append((word, line))
            continue
        opener = stack[-1][0] if stack else ""
        fits = opener == _BLOCKS[word] if word in _BLOCKS else opener and word != "elif"
        if not fits and not (word == "elif" and opener == "if"):
            expected = f"{{% end{opener} %}} comes first" if opener else "leave it out"
            return TemplateError(
                f"{{% {word} %}} belongs to nothing", line=line, name=word, hint=expected
            )
        if word in _BLOCKS:
            stack.pop()
    if stack:
        word, line = stack[-1]
        hint = f"close it with {{% end{word} %}}"
        return TemplateError(f"{{% {word} %}} is not closed", line=line, name=word, hint=hint)
    return None
