"""In how many ways a pattern can read a value that is made to keep it busy.

A search that finds nothing has tried every way to read every part of the value. The pattern is
taken for a graph of places, each of which holds one character; ways through it are counted. A
loop that reads the same characters in two ways has no bound (`(a|aa)*`). Whatever else is
ambiguous (`\\w*\\w*\\w*!`) is counted on the worst value that a search for one finds.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

LENGTH: Final = 256
"""Characters of the value that ways are counted on; a real one may have four times as many."""

MOST_WAYS: Final = 200_000
"""On such a value: `\\w+x` has 33,000, `.*a.*b` three millions."""

_MOST_PLACES: Final = 1_500
_MOST_COPIES: Final = 40
_MOST_EMPTY: Final = 1 << 40
_WITHOUT_END: Final = 10  # as good as
_WIDTH: Final = 3  # so many values are followed at once
_USUAL: Final = "a5 _-\n\té中"
_SINGLE: Final = (ops.ANY, ops.IN, ops.LITERAL, ops.NOT_LITERAL)
_REPEATS: Final = (ops.MAX_REPEAT, ops.MIN_REPEAT)

_BEGINNINGS: Final = ((ops.AT, ops.AT_BEGINNING), (ops.AT, ops.AT_BEGINNING_STRING))

Ways = dict[int, int]
"""Places, and in how many ways one comes there."""


class TooManyWaysError(Exception):
    """A value could keep the pattern busy."""


class _Part:
    """A part of a pattern: where it begins and ends, and in how many ways it may be empty."""

    __slots__ = ("empty", "first", "last")

    def __init__(self, first: Ways, last: Ways, empty: int) -> None:
        self.first = first
        self.last = last
        self.empty = min(empty, _MOST_EMPTY)


@lru_cache(maxsize=1024)
def check_ways(written: str) -> None:
    """Make sure that no value keeps a pattern busy for long; `written` compiles.

    Raises:
        TooManyWaysError: one may.
    """
    tree = _parser.parse(written)
    nodes, flags = list(tree), tree.state.flags
    graph = _Graph(_alphabet(written))
    whole = graph.concat(_without_free_end(nodes), flags)
    if whole.empty > MOST_WAYS or graph.has_endless_ways():
        raise TooManyWaysError
    if graph.is_ambiguous(whole.first):
        graph.count(whole.first, begins_once=bool(nodes) and nodes[0] in _BEGINNINGS)


class _Graph:
    """Places with the characters they hold, and what may follow each."""

    def __init__(self, alphabet: str) -> None:
        self.alphabet = alphabet
        self.holds: list[frozenset[str]] = []
        self.follow: list[Ways] = []
        self.met: set[int] = set()

    def concat(self, nodes: Sequence[Any], flags: int) -> _Part:
        """Add parts one after another."""
        whole = _Part({}, {}, 1)
        for node in nodes:
            whole = self._joined(whole, self._part(node, flags))
        return whole

    def _part(self, node: Any, flags: int) -> _Part:
        op, value = node
        if op is ops.SUBPATTERN:
            _, add, drop, inner = value
            return self.concat(inner, (flags | add) & ~drop)
        if op is ops.BRANCH:
            return _either([self.concat(one, flags) for one in value[1]])
        if op is ops.GROUPREF_EXISTS:
            _, yes, no = value
            return _either([self.concat(yes, flags), self.concat(no or [], flags)])
        if op in _REPEATS:
            least, most, inner = value
            return self._repeated(least, most, inner, flags)
        if op in (ops.ASSERT, ops.ASSERT_NOT):
            # Tried wherever one comes to it, and then gone on from the same place.
            return _Part(self.concat(value[1], flags).first, {}, 1)
        if op in (ops.ATOMIC_GROUP, ops.POSSESSIVE_REPEAT):
            # Read in one way, the first that is found; until it is, in every way.
            begun = len(self.holds)
            tried = self.concat(value[2] if op is ops.POSSESSIVE_REPEAT else value, flags)
            first, last = self._place(frozenset().union(*self.holds[begun:]))
            may_be_empty = tried.empty or (op is ops.POSSESSIVE_REPEAT and not value[0])
            return _Part(_sum(first, tried.first, 1), last, int(bool(may_be_empty)))
        if op is ops.AT:
            return _Part({}, {}, 1)
        if op is ops.GROUPREF:
            return _Part(*self._place(frozenset(self.alphabet)), 1)
        return _Part(*self._place(_held(node, self.alphabet, flags)), 0)

    def _place(self, held: frozenset[str]) -> tuple[Ways, Ways]:
        if len(self.holds) >= _MOST_PLACES:
            raise TooManyWaysError
        self.holds.append(held)
        self.follow.append({})
        at = len(self.holds) - 1
        return {at: 1}, {at: 1}

    def _joined(self, one: _Part, other: _Part) -> _Part:
        self._follow(one.last, other.first)
        return _Part(
            _sum(one.first, other.first, one.empty),
            _sum(other.last, one.last, other.empty),
            one.empty * other.empty,
        )

    def _follow(self, last: Ways, first: Ways) -> None:
        for at, ways in last.items():
            after = self.follow[at]
            for to, more in first.items():
                after[to] = after.get(to, 0) + ways * more

    def _repeated(self, least: int, most: int, inner: Sequence[Any], flags: int) -> _Part:
        whole = _Part({}, {}, 1)
        for _ in range(min(least, _MOST_COPIES)):
            whole = self._joined(whole, self.concat(inner, flags))
        if most - least >= _WITHOUT_END:
            loop = self.concat(inner, flags)
            self._follow(loop.last, loop.first)
            # A round that reads nothing may come last, and is the last then.
            ends = 1 + loop.empty
            last = {at: ways * ends for at, ways in loop.last.items()}
            return self._joined(whole, _Part(loop.first, last, ends))
        rest = _Part({}, {}, 1)
        for _ in range(most - least):
            rest = self._joined(self.concat(inner, flags), rest)
            rest = _Part(rest.first, rest.last, rest.empty + 1)
        return self._joined(whole, rest)

    def is_ambiguous(self, first: Ways) -> bool:
        """Say whether some character leads two ways on from anywhere."""
        return any(self._leads_two_ways(after) for after in (first, *self.follow))

    def _leads_two_ways(self, after: Ways) -> bool:
        seen: set[str] = set()
        for to, ways in after.items():
            if ways > 1 or not seen.isdisjoint(self.holds[to]):
                return True
            seen |= self.holds[to]
        return False

    def has_endless_ways(self) -> bool:
        """Say whether a loop comes back to where it was in two ways that read the same."""
        leads = self._reach()
        for at, after in enumerate(self.follow):
            inside = [to for to in after if leads[to] >> at & 1]
            if any(after[to] > 1 for to in inside):
                return True
            pairs = [(a, b) for a in inside for b in inside if a < b and self._alike(a, b)]
            if pairs and self._meet(pairs, leads, at):
                return True
        return False

    def _meet(self, pairs: list[tuple[int, int]], leads: Sequence[int], home: int) -> bool:
        """Say whether two ways that parted come together again within the loop."""
        seen = set(pairs)
        while pairs:
            one, other = pairs.pop()
            for a in self.follow[one]:
                for b in self.follow[other]:
                    pair = (a, b) if a < b else (b, a)
                    if pair in seen or not (leads[a] >> home & 1 and leads[b] >> home & 1):
                        continue
                    if not self._alike(a, b):
                        continue
                    if a == b:
                        return True
                    seen.add(pair)
                    pairs.append(pair)
        return False

    def _alike(self, one: int, other: int) -> bool:
        return not self.holds[one].isdisjoint(self.holds[other])

    def _reach(self) -> list[int]:
        """Return of each place where one may come from it, as bits."""
        reach = [sum(1 << to for to in after) for after in self.follow]
        news = True
        while news:
            news = False
            for at in reversed(range(len(reach))):
                found = reach[at]
                for to in self.follow[at]:
                    found |= reach[to]
                news = news or found != reach[at]
                reach[at] = found
        return reach

    def count(self, first: Ways, *, begins_once: bool) -> None:
        """Count ways on values of one character, and on those that keep most ways open.

        Raises:
            TooManyWaysError: they are too many.
        """
        chars, again = self._kinds(), not begins_once
        for char in chars:
            self._grow({-1: 1}, [char], first, again=again)
        self._grow({-1: 1}, chars, first, again=again)
        for at, after in enumerate(self.follow):
            # Behind words that none of those values has.
            if at not in self.met and self._leads_two_ways(after):
                self._grow({at: 1}, chars, first, again=False)

    def _grow(self, begin: Ways, chars: Sequence[str], first: Ways, *, again: bool) -> None:
        values: list[tuple[int, Ways]] = [(0, begin)]
        for _ in range(LENGTH):
            grown: dict[frozenset[tuple[int, int]], tuple[int, Ways]] = {}
            for spent, open_ways in values:
                for char in chars:
                    now = self._step(open_ways, char, first)
                    total = spent + sum(now.values())
                    if total > MOST_WAYS:
                        raise TooManyWaysError
                    if again:
                        now[-1] = 1
                    grown[frozenset(now.items())] = (total, now)
            values = sorted(grown.values(), key=self._goes_on, reverse=True)[:_WIDTH]
            for _, open_ways in values:
                self.met.update(open_ways)

    def _goes_on(self, value: tuple[int, Ways]) -> int:
        """Return how many ways are open that the next character does not end."""
        return sum(ways for at, ways in value[1].items() if at < 0 or self.follow[at])

    def _step(self, open_ways: Ways, char: str, first: Ways) -> Ways:
        now: Ways = {}
        for at, ways in open_ways.items():
            for to, more in (first if at < 0 else self.follow[at]).items():
                if char in self.holds[to]:
                    now[to] = now.get(to, 0) + ways * more
        return now

    def _kinds(self) -> list[str]:
        """Return one character of each kind that the places tell apart."""
        kinds = {tuple(char in held for held in self.holds): char for char in self.alphabet}
        return [char for signs, char in kinds.items() if any(signs)]


def _sum(one: Ways, other: Ways, times: int) -> Ways:
    if not times:
        return one
    return dict(Counter(one) + Counter({at: ways * times for at, ways in other.items()}))


def _either(parts: Sequence[_Part]) -> _Part:
    first, last = Counter[int](), Counter[int]()
    for part in parts:
        first.update(part.first)
        last.update(part.last)
    return _Part(dict(first), dict(last), sum(part.empty for part in parts))


def _without_free_end(nodes: Sequence[Any]) -> list[Any]:
    """Leave out single characters that may be there at the end: who comes there has a match."""
    left = list(nodes)
    while left:
        op, value = left[-1]
        if op is ops.SUBPATTERN:
            inner = _without_free_end(value[3])
            left[-1:] = [(op, (*value[:3], inner))]
            return left
        if op not in _REPEATS:
            return left
        least, most, inner = value
        is_single = len(inner) == 1 and inner[0][0] in _SINGLE
        if is_single and not least:
            left.pop()
        elif is_single or least == most > 0:
            rest = least - 1
            left[-1:] = [(op, (rest, rest, inner)), *_without_free_end(inner)]
            return left
        else:
            return left
    return left


def _alphabet(written: str) -> str:
    """Return the characters that tell the parts of a pattern apart, as far as they occur in it."""
    codes = {code + step for code in map(ord, written) for step in (-1, 0, 1)}
    near = {chr(code) for code in codes if 0 <= code <= sys.maxunicode}
    swapped = {char.swapcase() for char in near}
    return "".join(sorted(char for char in {*near, *swapped, *_USUAL} if len(char) == 1))


def _held(node: Any, alphabet: str, flags: int) -> frozenset[str]:
    return frozenset(char for char in alphabet if _holds(node, char, flags))


def _holds(node: Any, char: str, flags: int) -> bool:
    op, value = node
    if op is ops.ANY:
        return bool(flags & ops.SRE_FLAG_DOTALL) or char != "\n"
    forms = {char, char.lower(), char.upper()} if flags & ops.SRE_FLAG_IGNORECASE else {char}
    codes = [ord(one) for one in forms if len(one) == 1]
    if op is ops.IN:
        is_other = bool(value) and value[0][0] is ops.NEGATE
        return any(_is_in(one, codes, char) for one in value) is not is_other
    if op is ops.NOT_LITERAL:
        return value not in codes
    return op is not ops.LITERAL or value in codes


def _is_in(one: Any, codes: Sequence[int], char: str) -> bool:
    op, value = one
    if op is ops.LITERAL:
        return value in codes
    if op is ops.RANGE:
        return any(value[0] <= code <= value[1] for code in codes)
    if op is ops.CATEGORY:
        return _CATEGORIES[value](char)
    return False


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CATEGORIES: Final[Mapping[Any, Callable[[str], bool]]] = {
    ops.CATEGORY_DIGIT: str.isdecimal,
    ops.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    ops.CATEGORY_SPACE: str.isspace,
    ops.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    ops.CATEGORY_WORD: _is_word,
    ops.CATEGORY_NOT_WORD: lambda char: not _is_word(char),
}
