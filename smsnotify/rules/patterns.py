"""Regular expressions of rules: refused when a crafted value could keep them busy for ever."""

from __future__ import annotations

import re
from typing import Final

from smsnotify.base.errors import RuleError
from smsnotify.rules.pattern_paths import TooManyWaysError, check_ways

MAX_PATTERN: Final = 256
MAX_VALUE: Final = 1024
"""Characters of a value that a pattern gets to see."""

_ATOM: Final = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:P<\w+>|P=\w+\)|#[^)]*\)|[a-zA-Z-]+\)|<?[=!]|[:>]|[a-zA-Z-]+:))?"
    r"|[*+?][+?]?|\{\d*,?\d*\}[+?]?|.",
    re.DOTALL,
)
_UNBOUNDED: Final = re.compile(r"[*+]\??|\{\d*,\}\??")
_BOUNDED: Final = re.compile(r"\{(\d*),?(\d*)\}\??")
_MANY: Final = 10  # as good as without end: 10 within 10 are 10 to the power of 10 ways
_OPENS: Final = re.compile(r"\((?!\?(?:P=|#|[a-zA-Z-]+\)))")


def compile_pattern(written: str) -> re.Pattern[str]:
    """Compile a pattern of a rule.

    A repeat without end (or of up to 10 times and more) inside another is refused: `(a+)+` tries
    more ways than there are atoms before it gives up on a long value. Possessive forms
    (`(?:a+)++`) are fine. So is refused whatever else reads one text in too many ways: `(a|aa)*`.

    Raises:
        RuleError: too long, no regular expression, or one that a value could keep busy.
    """
    if len(written) > MAX_PATTERN:
        raise RuleError(f"the pattern is longer than {MAX_PATTERN} characters")
    try:
        compiled = re.compile(written)
    except re.error as error:
        where = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise RuleError(f"the pattern is no regular expression: {error.msg}{where}") from None
    except (RecursionError, OverflowError):
        raise RuleError("the pattern nests or repeats beyond all bounds") from None
    if _repeats_repeats(written):
        raise RuleError(
            "the pattern repeats what repeats, which can take for ever on a long value",
            hint="make the outer repeat possessive: (?:…)*+ or (?:…)++",
        )
    try:
        check_ways(written)
    except TooManyWaysError:
        raise RuleError(
            "the pattern reads one text in very many ways, which can take for ever on a long one",
            hint="let what follows a repeat begin with what the repeat does not hold; "
            "no .* is needed at the ends, it is found anywhere",
        ) from None
    return compiled


def _repeats_repeats(written: str) -> bool:
    """Tell whether a long repeat holds another one of variable length."""
    atoms = _ATOM.findall(written)
    open_groups: list[bool] = [False]
    for index, atom in enumerate(atoms):
        if _OPENS.match(atom):
            open_groups.append(False)
        elif atom == ")" and len(open_groups) > 1:
            inside = open_groups.pop()
            after = atoms[index + 1] if index + 1 < len(atoms) else ""
            if inside and _is_long(after, exact_too=True):
                return True
            open_groups[-1] = open_groups[-1] or inside
        elif _is_long(atom, exact_too=False):
            open_groups[-1] = True
    return False


def _is_long(atom: str, *, exact_too: bool) -> bool:
    """Say whether an atom repeats without end, or up to many times; `{40}` is exact."""
    if _UNBOUNDED.fullmatch(atom):
        return True
    bounded = _BOUNDED.fullmatch(atom)
    if bounded is None or not (bounded[1] or bounded[2]):
        return False
    is_exact = "," not in atom or bounded[1] == bounded[2]
    return int(bounded[2] or bounded[1]) >= _MANY and (exact_too or not is_exact)
