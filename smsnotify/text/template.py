"""The words of a text: templates with Detrack's merge tags, checked when they are compiled.

A template is Jinja2 with most of it left out: fields, a few filters, `if`, and loops over a
job's lists. What it may say is decided here, before anything runs, and a value that is missing
stops the text instead of leaving a hole in it. Templates of words and `{{ field }}` alone, which
most are, become Python of their own; Jinja2 is loaded for the others only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

import msgspec

from smsnotify.base.errors import TemplateError
from smsnotify.text.languages import ENGLISH
from smsnotify.text.template_fast import compile_plain, read_plain
from smsnotify.text.template_namespaces import NO_NAMESPACES, Namespaces

MAX_LENGTH: Final = 10_000
"""Characters in a template's source. Ten texts of the longest kind have 1,530."""

_LINE_END: Final = re.compile(r"\r\n?")
_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled template.

    `fields` are the job fields that it reads, `loops` the lists, `entries` what it reads of the
    entries of each. `render(job)` takes any object
    with attributes of those names (an absent one is a missing value) and returns the text; it
    raises MissingValueError for a value that is needed and missing. `speaks`: the language that
    it was compiled for makes a difference.
    """

    source: str
    fields: frozenset[str]
    loops: frozenset[str]
    render: Callable[[object], str]
    entries: Mapping[str, frozenset[str]] = {}
    speaks: bool = False


def compile_template(
    source: str,
    *,
    fields: Collection[str],
    lists: Mapping[str, Collection[str]] | None = None,
    namespaces: Namespaces = NO_NAMESPACES,
    escape: Callable[[str], str] | None = None,
    language: str = ENGLISH,
) -> Template:
    """Check a template and compile it.

    `fields` are the names that may be printed; `lists` are those that may be looped over, each
    with the fields of its entries. `namespaces` are words that stand before a dot, each with the
    names behind it (None: any lower-case name): `{{ contact.tier }}` is read from the attribute
    `contact__tier`, and stands so in the template's fields. One line end at the end of the
    source is dropped. `escape` is done to all that is printed, not to the template's own words.
    Days, times and numbers are written in `language`.

    Raises:
        TemplateError: with the line, the name it stumbled over, and a hint.
    """
    if len(source) > MAX_LENGTH:
        raise TemplateError(
            f"the template is longer than {MAX_LENGTH} characters", hint="shorten it"
        )
    if _HALF_PAIR.search(source):
        raise TemplateError("the template holds half a character", hint="write it again")
    text = _LINE_END.sub("\n", source).removesuffix("\n")
    allowed = frozenset(fields).difference(lists or ())
    pieces = read_plain(text, allowed, namespaces) if escape is None else None
    if pieces is not None:
        return Template(
            source=source,
            fields=frozenset(piece.field for piece in pieces if piece.field),
            loops=frozenset(),
            render=_when_needed(lambda: compile_plain(pieces)),
        )
    from smsnotify.text.template_jinja import compile_jinja

    compiled = compile_jinja(text, allowed, lists or {}, namespaces, escape, language)
    return Template(
        source=source,
        fields=compiled.fields,
        loops=compiled.loops,
        entries=compiled.entries,
        render=_when_needed(compiled.make),
        speaks=compiled.speaks,
    )


def _when_needed(make: Callable[[], Callable[[object], str]]) -> Callable[[object], str]:
    """Make the function at its first call: checking a rule file needs none of them."""
    made: Callable[[object], str] | None = None

    def render(job: object) -> str:
        nonlocal made
        if made is None:
            made = make()
        return made(job)

    return render
