"""The coach: what real events show about rules that no look at the rules alone can tell.

It listens to the decisions of a replay and says what costs segments, which values are missing,
which rules never speak, and who gets two texts for one thing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

import msgspec

from smsnotify.base.printable import printable
from smsnotify.engine.coach_rules import DeafSender, about_languages, about_settings, doubt
from smsnotify.engine.samples import sample_job
from smsnotify.model.decision import Decision, Verdict
from smsnotify.model.problem import Problem
from smsnotify.model.size import Encoding
from smsnotify.rules.compile import CompiledRule, RuleSet
from smsnotify.text.size import forcing

WORTH_TELLING: Final = 0.01
"""A part of a rule's texts below this is told only when nothing else is."""

_MOST_CHARACTERS: Final = 5
_PRINTED: Final = frozenset({"do_number"})


class _Seen(msgspec.Struct):
    """What one rule came to so far."""

    drafts: int = 0
    texts: int = 0
    segments: int = 0
    several: int = 0
    ucs2: int = 0
    missing: Counter[str] = msgspec.field(default_factory=Counter)
    too_long: int = 0
    forced_by: Counter[str] = msgspec.field(default_factory=Counter)
    longest: Decision | None = None
    languages: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)


class Coach:
    """Listens to decisions and sums them up as advice."""

    def __init__(
        self,
        rules: RuleSet,
        countries: frozenset[str] | None,
        deaf_sender: DeafSender,
        day: date,
    ) -> None:
        """`countries` are the destinations of the settings, None for any.

        `deaf_sender` returns the sender of a route that nobody can answer, `''` when there is
        none. `day` is that of an invented job to show languages with.
        """
        self._sample = sample_job(rules.job_type, day)
        self.rules = rules
        self.countries = countries
        self._deaf_sender = deaf_sender
        self.events = 0
        self._seen: defaultdict[str, _Seen] = defaultdict(_Seen)
        self._doubles: Counter[tuple[str, str]] = Counter()

    def listen(self, decisions: Iterable[Decision], events: int) -> None:
        """Take the decisions of one portion of events."""
        self.events += events
        told: dict[tuple[object, ...], str] = {}
        for decision in decisions:
            draft = decision.draft
            rule = draft.terms.id
            self._note(self._seen[rule], decision)
            if decision.verdict is Verdict.STOP or not draft.recipient:
                continue
            key, waits = draft.key, draft.terms.waits
            about = (key.subject, key.kind, key.occasion, draft.recipient, waits)
            first = told.setdefault(about, rule)
            if first != rule:
                self._doubles[first, rule] += 1

    def _note(self, seen: _Seen, decision: Decision) -> None:
        seen.drafts += 1
        if decision.reason == "missing_value":
            seen.missing[decision.detail.removesuffix(" has no value")] += 1
        seen.too_long += decision.reason == "too_long"
        if not decision.segments:
            return
        if decision.verdict is not Verdict.STOP:
            seen.texts += 1
            seen.segments += decision.segments
            seen.several += decision.segments > 1
            if decision.language:
                texts, segments = seen.languages.get(decision.language, (0, 0))
                seen.languages[decision.language] = texts + 1, segments + decision.segments
        if decision.encoding is Encoding.UCS2:
            seen.ucs2 += 1
            seen.forced_by.update({char for char, _ in forcing(decision.body)})
        longest = seen.longest
        if longest is None or (decision.segments, len(decision.body)) > (
            longest.segments,
            len(longest.body),
        ):
            seen.longest = decision

    def advice(self) -> Iterator[Problem]:
        """Say what is worth a change, rule by rule in the order of the files."""
        for rule in self.rules.rules:
            yield from about_settings(rule, self.countries, self._deaf_sender)
            yield from about_languages(rule, self._sample)
            if self.events:
                yield from self._about_events(rule, self._seen.get(rule.id, _Seen()))

    def _about_events(self, rule: CompiledRule, seen: _Seen) -> Iterator[Problem]:
        if not seen.drafts and rule.terms.pre_job is None:
            yield doubt(
                rule,
                "never_fires",
                f"none of {self.events} events met this rule",
                "sms-notify rules explain says which condition fails",
            )
        for field, count in seen.missing.most_common():
            yield doubt(
                rule,
                "missing_values",
                f"{field} is missing in {_share(count, seen.drafts)} of the jobs: no text",
                f"{{{{ {field} | default('…') }}}} writes something else then",
            )
        if seen.too_long:
            yield doubt(
                rule,
                "too_long",
                f"{_share(seen.too_long, seen.drafts)} of the texts stop as too long",
                "shorten the body, or raise max_segments",
            )
        yield from self._about_cost(rule, seen)
        for (first, second), count in self._doubles.items():
            if second == rule.id:
                yield doubt(
                    rule,
                    "two_texts",
                    f"{count} times a person got a text of {self._name(first)!r} and of this rule "
                    "for the same event",
                    "tell them apart by groups, reasons or where",
                )

    def _about_cost(self, rule: CompiledRule, seen: _Seen) -> Iterator[Problem]:
        if seen.ucs2 and seen.ucs2 >= seen.texts * WORTH_TELLING:
            shown = " ".join(char for char, _ in seen.forced_by.most_common(_MOST_CHARACTERS))
            yield doubt(
                rule,
                "ucs2_values",
                f"{_share(seen.ucs2, max(seen.texts, seen.ucs2))} of the texts are UCS-2 because "
                f"of values with {printable(shown)}",
                "a segment then holds 70 characters, not 160; encoding: gsm7 spells them out",
            )
        if len({segments / texts for texts, segments in seen.languages.values()}) > 1:
            told = ", ".join(
                f"{segments / texts:.2f} in {tag} ({texts})"
                for tag, (texts, segments) in seen.languages.items()
            )
            yield doubt(
                rule,
                "language_cost",
                f"segments a text on average, by language: {told}",
                "shorten the dear ones; other alphabets take 70 characters a segment",
            )
        longest = seen.longest
        if longest is not None and seen.several >= max(1, seen.texts * WORTH_TELLING):
            field, value = _longest_field(rule, longest)
            because = (
                f"; its longest value is {field} with {len(value)} characters" if field else ""
            )
            average = seen.segments / seen.texts
            yield doubt(
                rule,
                "several_segments",
                f"{_share(seen.several, seen.texts)} of the texts take more than one segment "
                f"({average:.2f} on average, at most {longest.segments}{because})",
                f"{{{{ {field} | truncate(40) }}}} bounds it" if field else "shorten the body",
            )

    def _name(self, rule: str) -> str:
        found = self.rules.by_id.get(rule)
        return found.terms.name if found is not None else rule


def _longest_field(rule: CompiledRule, decision: Decision) -> tuple[str, str]:
    """Return the template's field with the longest value in a text, and that value."""
    job = decision.draft.event.job
    values = {
        field: str(value)
        for field in sorted(rule.template_fields - _PRINTED)
        if isinstance(value := getattr(job, field, None), str)
    }
    if not values:
        return "", ""
    field = max(values, key=lambda name: len(values[name]))
    return field, values[field]


def _share(count: int, of: int) -> str:
    share = count / of if of else 0.0
    return f"{share:.0%}" if share >= WORTH_TELLING else f"{count} of {of}"
