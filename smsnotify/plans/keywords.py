"""Checks the keywords of an entry or a wait: words, numbers and ranges, patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from smsnotify.base.errors import RuleError
from smsnotify.model.plan import Match
from smsnotify.plans.words import normalise
from smsnotify.rules.patterns import compile_pattern
from smsnotify.rules.problems import Path, Reporter

_NUMBER: Final = re.compile(r"\d{1,9}(\s*-\s*\d{1,9})?")


def check_keywords(
    keys: Sequence[str], match: Match, report: Reporter, path: Path, *, listed: bool = False
) -> None:
    """Report keywords that their `match` cannot compare; `listed`: they are a list's entries."""
    for index, key in enumerate(keys):
        at = (*path, index if listed else key)
        told, hint = _wrong(key, match)
        if told:
            report.error(at, "bad_keyword", told, hint, key=not listed)


def _wrong(key: str, match: Match) -> tuple[str, str]:
    """Return what is wrong with a keyword, and what to do; two empty texts for nothing."""
    if match is Match.REGEX:
        try:
            compile_pattern(key)
        except RuleError as error:
            return error.message, error.hint
        return "", ""
    if match is Match.NUMBER:
        if not _NUMBER.fullmatch(key.strip()):
            return f"{key!r} is no number", "write 1, or a range such as 1-5"
        first, dash, last = key.partition("-")
        if dash and int(first) > int(last):
            return f"the range {key!r} has nothing in it", f"write {last.strip()}-{first.strip()}"
        return "", ""
    if not normalise(key):
        return f"{key!r} has nothing in it that is compared", "write a word"
    return "", ""
