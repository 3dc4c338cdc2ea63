"""Mail bodies in Markdown: values that stay plain words, the plain text, and the HTML.

A body is written in Markdown by whoever writes the rule. What a job puts into it is data: every
mark in it is escaped, so that no value can make a link, a heading or a tag. Of such a text come
both parts of a mail. Headings, emphasis, lists, quotes, rules and links count; HTML, code and
pictures do not, and a link leads to the web or to a mailbox.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_MARKS: Final = re.compile(r"([!-/:-@\[-`{-~])")
# Looked for at the first of several spaces alone: at each, it would take their number squared.
_LINE_END: Final = re.compile(r"(?<![^\S\n])[^\S\n]*(?:\r\n?|[\n\v\f\x85\u2028\u2029])\s*")
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~\n])")
_LINK: Final = re.compile(
    r"(?<!\\)\[((?:\\.|[^\[\]\\])+)\]\(<?((?:\\.|[^()<>\\\s])+)>?\)", re.DOTALL
)
_BARE_LINK: Final = re.compile(r"(?<!\\)<((?:https?://|mailto:)[^<>\s]+)>", re.IGNORECASE)
_LEADS_OUT: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_COUNTS: Final = (
    "autolink",
    "blockquote",
    "emphasis",
    "escape",
    "heading",
    "hr",
    "link",
    "list",
    "newline",
    "balance_pairs",
    "fragments_join",
)


def escape_markdown(value: str) -> str:
    """Return a value with nothing in it that Markdown reads; its line ends stay line ends."""
    return _MARKS.sub(r"\\\1", _LINE_END.sub("\n", value)).replace("\n", "\\\n")


def link_to(address: str) -> str:
    """Return Markdown of a link that shows where it leads."""
    escaped = escape_markdown(address)
    return f"[{escaped}]({escaped})"


def plain_text(markup: str) -> str:
    """Return what the text part of a mail says: as it was written, links spelled out."""

    def spell(link: re.Match[str]) -> str:
        return link[2] if link[1] == link[2] else f"{link[1]}: {link[2]}"

    return _ESCAPED.sub(r"\1", _BARE_LINK.sub(r"\1", _LINK.sub(spell, markup)))


def html_of(markup: str) -> str:
    """Return the HTML of a body, without the page around it."""
    return str(_reader().render(markup))


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("zero", {"html": False, "breaks": True}).enable(list(_COUNTS))
    reader.validateLink = lambda url: bool(_LEADS_OUT.match(url))  # type: ignore[method-assign]
    return reader
