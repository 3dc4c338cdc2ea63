"""Looks at the words that plans wait for: who takes them first, and who else claims them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from smsnotify.model.plan import Match
from smsnotify.plans.build import PlacedPlan
from smsnotify.plans.consent_words import FAMILIES, ConsentWords, Family
from smsnotify.plans.words import first_word, keys_matcher, normalise
from smsnotify.rules.problems import Path, Reporter

_WORDS: Final = (Match.FIRST_WORD, Match.ONLY_WORD)
_ANSWER: Final = "an order, 1 or yes"
"""A text that a pattern fits only when it fits nearly everything."""


class _Keys(NamedTuple):
    """The keywords of one place, and where each stands; `listed`: as entries of a list."""

    keys: tuple[str, ...]
    match: Match
    path: Path
    listed: bool

    def at(self, index: int) -> Path:
        return (*self.path, index if self.listed else self.keys[index])


def check_words(one: PlacedPlan, consent: ConsentWords) -> None:
    """Report answers and keywords of one plan that can never be taken."""
    for keys in _places(one):
        for index in range(len(keys.keys)):
            _check_shadow(keys, index, one.report)
            _check_consent(keys, index, consent, one.report)


def check_claims(placed: Sequence[PlacedPlan]) -> None:
    """Report words that two plans begin with, among those that are on."""
    earlier: list[tuple[PlacedPlan, _Keys]] = []
    takes_all: PlacedPlan | None = None
    for one in placed:
        if not one.plan.enabled:
            continue
        if one.plan.entry.any_text:
            if takes_all is not None:
                one.report.error(
                    (*one.path, "enter", "any_text"),
                    "claimed",
                    f"the plan {takes_all.plan.name!r} begins with any text already",
                    "only one plan can take what nothing else knows",
                    key=True,
                )
            takes_all = takes_all or one
        keys = _entry(one)
        if keys is not None:
            _check_claim(keys, one, earlier)
            earlier.append((one, keys))


def _places(one: PlacedPlan) -> Iterator[_Keys]:
    entry = _entry(one)
    if entry is not None:
        yield entry
    for name, step in one.plan.steps.items():
        if step.wait is not None:
            keys = tuple(branch.key for branch in step.wait.branches)
            path = (*one.step(name), "wait", "replies")
            yield _Keys(keys, step.wait.match, path, listed=False)


def _entry(one: PlacedPlan) -> _Keys | None:
    entry = one.plan.entry
    if not entry.keywords:
        return None
    return _Keys(entry.keywords, entry.match, (*one.path, "enter", "keywords"), listed=True)


def _check_shadow(keys: _Keys, index: int, report: Reporter) -> None:
    """Report a keyword that an earlier one of the same place takes, always or sometimes."""
    key, before = keys.keys[index], keys.keys[:index]
    other = next((each for each in before if _covers(each, key, keys.match)), None)
    if other is not None:
        report.error(
            keys.at(index),
            "shadowed",
            f"{key!r} is never taken: every text that fits it fits {other!r} before",
            "take one of them out, or put the narrower one first",
            key=not keys.listed,
        )
        return
    other = next((each for each in before if _overlaps(each, key, keys.match)), None)
    if other is not None:
        report.warn(
            keys.at(index),
            "shadowed",
            f"some texts that fit {key!r} fit {other!r} before and are taken there",
            "put the narrower one first",
            key=not keys.listed,
        )


def _check_consent(keys: _Keys, index: int, consent: ConsentWords, report: Reporter) -> None:
    """Report a keyword that is a word of consent, or reads like an opt-out."""
    key, at = keys.keys[index], keys.at(index)
    if keys.match is Match.REGEX:
        word = _consent_word_of(key, consent)
        if word:
            report.warn(
                at,
                "consent_word",
                f"{key!r} fits {word!r}, which never reaches a plan",
                "STOP, START and HELP are answered before any plan sees them",
                key=not keys.listed,
            )
        return
    if keys.match not in _WORDS:
        return
    family = consent.family(key)
    if family is Family.YES:
        report.warn(
            at,
            "consent_word",
            f"{key!r} from somebody who has opted out is START, at Twilio too: it opts them in "
            "and does not reach the plan",
            "ask for another word, such as OK",
            key=not keys.listed,
        )
    elif family is not None:
        report.error(
            at,
            "consent_word",
            f"{key!r} is a word of {family.value.upper()}: it never reaches a plan",
            "choose another word: STOP, START and HELP are answered before any plan sees them",
            key=not keys.listed,
        )
    elif consent.is_likely_stop(key):
        report.error(
            at,
            "consent_word",
            f"{key!r} reads like an opt-out: such texts wait for a clerk",
            "choose another word",
            key=not keys.listed,
        )


def _consent_word_of(pattern: str, consent: ConsentWords) -> str:
    """Return a word of consent that a pattern fits, unless it fits nearly everything."""
    if _fits(pattern, _ANSWER, Match.REGEX):
        return ""
    words = (word for family in FAMILIES for word in consent.words(family))
    return next((word for word in words if _fits(pattern, word, Match.REGEX)), "")


def _covers(first: str, later: str, match: Match) -> bool:
    """Tell whether every text that fits the later keyword fits the first one too."""
    if match in _WORDS:
        return normalise(first) == normalise(later)
    if match is Match.NUMBER:
        (low, high), (inner_low, inner_high) = _range(first), _range(later)
        return low <= inner_low and inner_high <= high
    return first == later or _fits(first, "", match)


def _overlaps(first: str, later: str, match: Match) -> bool:
    """Tell whether some text fits both, and the first one takes it."""
    if match is Match.FIRST_WORD:
        return first_word(normalise(later), normalise(first))
    if match is Match.NUMBER:
        (low, high), (other_low, other_high) = _range(first), _range(later)
        return low <= other_high and other_low <= high
    return False


def _range(key: str) -> tuple[int, int]:
    low, _, high = key.partition("-")
    return int(low), int(high or low)


def _fits(key: str, text: str, match: Match) -> bool:
    return keys_matcher((key,), match)(text) is not None


def _check_claim(keys: _Keys, one: PlacedPlan, earlier: Sequence[tuple[PlacedPlan, _Keys]]) -> None:
    """Report each keyword that an earlier plan begins with, too."""
    for index, key in enumerate(keys.keys):
        for other, theirs in earlier:
            word = next((each for each in theirs.keys if _meet(key, keys, each, theirs)), None)
            if word is None:
                continue
            same = keys.match is theirs.match and _covers(word, key, keys.match)
            say = one.report.error if same else one.report.warn
            say(
                keys.at(index),
                "claimed",
                f"the plan {other.plan.name!r} begins with {word!r}, which takes "
                f"{'this' if same else 'some texts of this'} too",
                "one text can begin one plan: choose another word, or switch one plan off",
            )
            break


def _meet(key: str, mine: _Keys, word: str, theirs: _Keys) -> bool:
    """Tell whether a text is known that fits both keywords; of patterns only equal ones are."""
    if mine.match is theirs.match is Match.NUMBER:
        return _overlaps(word, key, Match.NUMBER)
    if mine.match is theirs.match is Match.REGEX:
        return key == word
    return any(_fits(word, text, theirs.match) for text in _samples(key, mine.match)) or any(
        _fits(key, text, mine.match) for text in _samples(word, theirs.match)
    )


def _samples(key: str, match: Match) -> tuple[str, ...]:
    """Return texts that surely fit a keyword; none for a pattern."""
    if match is Match.REGEX:
        return ()
    return tuple(map(str, _range(key))) if match is Match.NUMBER else (key,)
